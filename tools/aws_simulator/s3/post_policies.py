"""
Check form uploads (POST) against the policy in the form. Signatures are not verified.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html describes the policy, and
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTForms.html describes the fields. The error texts are those
of S3. versitygw repeats them (s3err/invalid-policy-document.go).
"""

from __future__ import annotations

import base64
import binascii
import datetime
import json
import re
from collections.abc import Mapping
from typing import Any

from tools.aws_simulator.s3.errors import S3Error

# Fields that need no condition in the policy, and the prefix of other such fields.
_FREE = frozenset({"awsaccesskeyid", "bucket", "policy", "signature", "x-amz-signature"})
_IGNORED = "x-ignore-"
# The x-amz- fields that moto keeps begin with one of these texts.
_KEPT = ("x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-meta-", "x-amz-security-token", "x-amz-signature")


def check_form(bucket: str, headers: Mapping[str, str], body: bytes, now: datetime.datetime) -> None:
    """Check a form, and whether it follows its policy. A request without a form is accepted.

    :raises S3Error: the form has no key or no file, its policy is not valid or has expired, or the form does not follow
        the policy.
    """
    boundary = _boundary(headers)
    if boundary is None:
        return
    fields, file = _fields(body, boundary)
    if "key" not in fields:
        text = (
            "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields."
        )
        raise S3Error("InvalidArgument", text)
    if file is None:
        raise S3Error("IncorrectNumberOfFilesInPostRequest", "POST requires exactly one file upload per request.")
    if "policy" in fields:
        _check_fields(_read(fields["policy"], now), {**fields, "bucket": bucket}, len(file))
    _check_supported(fields)


def key_of_form(headers: Mapping[str, str], body: bytes) -> str | None:
    """Return the key under which a form uploads its file; None if the request has no form or the form has no key."""
    boundary = _boundary(headers)
    return None if boundary is None else _fields(body, boundary)[0].get("key")


def _boundary(headers: Mapping[str, str]) -> bytes | None:
    kind = headers.get("content-type", "")
    boundary = re.search(r'boundary="?([^";]+)', kind)
    return boundary[1].encode("latin-1") if boundary and kind.startswith("multipart/form-data") else None


def _fields(body: bytes, boundary: bytes) -> tuple[dict[str, str], bytes | None]:
    """Return the fields before the file, with names in lower case, and the file."""
    fields: dict[str, str] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'[;\s]name="([^"]*)"', head)
        if name and name[1].lower() == b"file":
            return fields, content  # S3 ignores what follows the file
        if name:
            fields[name[1].decode(errors="replace").lower()] = content.decode(errors="replace")
    return fields, None


def _check_supported(fields: Mapping[str, str]) -> None:
    lost = [name for name in fields if name in ("redirect", "tagging")]
    lost += [name for name in fields if name.startswith("x-amz-") and not name.startswith(_KEPT)]
    if "${filename}" in fields["key"]:
        lost.append("${filename}")
    if lost:
        text = f"The AWS simulator's S3 does not support {', '.join(lost)} in a form. Nothing was changed."
        raise S3Error("NotImplemented", text, 501)


def _read(text: str, now: datetime.datetime) -> list[Any]:
    """Return the conditions of a policy."""
    try:
        document = json.loads(base64.b64decode(text, validate=True))
    except binascii.Error:
        raise _invalid("invalid Base64 encoding.") from None
    except (ValueError, RecursionError):
        raise _invalid("Invalid JSON.") from None
    if not isinstance(document, dict):
        raise _invalid("Invalid JSON.")
    if "expiration" not in document:
        raise _invalid("Policy missing expiration.")
    try:
        expiration = datetime.datetime.fromisoformat(document["expiration"])
    except (TypeError, ValueError):
        raise _invalid(f"Invalid 'expiration' value: '{document['expiration']}'") from None
    if expiration.replace(tzinfo=expiration.tzinfo or datetime.UTC) < now:
        raise _denied("Policy expired.")
    conditions = document.get("conditions")
    if not isinstance(conditions, list):
        raise _invalid("Invalid 'conditions' value: must be a List.")
    return conditions


def _check_fields(conditions: list[Any], fields: Mapping[str, str], size: int) -> None:
    named = set()
    for condition in conditions:
        for operator, name, value in _tests(condition):
            if operator == "content-length-range":
                _check_size(size, name, value)
                continue
            field = str(name).removeprefix("$").lower()
            named.add(field)
            actual = fields.get(field, "")
            if actual != str(value) if operator == "eq" else not actual.startswith(str(value)):
                raise _denied(f"Policy Condition failed: {json.dumps([operator, f'${field}', value])}")
    extra = [name for name in fields if name not in named | _FREE and not name.startswith(_IGNORED)]
    if extra:
        raise _denied(f"Extra input fields: {', '.join(extra)}")


def _tests(condition: Any) -> list[tuple[str, Any, Any]]:
    """Return the tests of a condition. Each test is an operator and its two arguments."""
    if isinstance(condition, dict):
        return [("eq", name, value) for name, value in condition.items()]
    if not isinstance(condition, list):
        raise _invalid("Invalid condition test: must be a List or Object.")
    operator = str(condition[0]).lower() if condition else ""
    if len(condition) != 3 or operator not in ("eq", "starts-with", "content-length-range"):
        raise _invalid(f"Invalid Condition: {json.dumps(condition)}")
    return [(operator, condition[1], condition[2])]


def _check_size(size: int, least: Any, most: Any) -> None:
    try:
        low, high = int(least), int(most)
    except (TypeError, ValueError, OverflowError):
        raise _invalid(f"Invalid content-length-range: {json.dumps([least, most])}") from None
    details = {"ProposedSize": str(size), "MinSizeAllowed": str(low), "MaxSizeAllowed": str(high)}
    if size < low:
        text = "Your proposed upload is smaller than the minimum allowed size"
        raise S3Error("EntityTooSmall", text, details={name: details[name] for name in list(details)[:2]})
    if size > high:
        text = "Your proposed upload exceeds the maximum allowed size"
        raise S3Error("EntityTooLarge", text, details={name: details[name] for name in list(details)[::2]})


def _invalid(text: str) -> S3Error:
    return S3Error("InvalidPolicyDocument", f"Invalid Policy: {text}")


def _denied(text: str) -> S3Error:
    return S3Error("AccessDenied", f"Invalid according to Policy: {text}", 403)
