"""
Check the form of the header Authorization, as the front ends of AWS's services do. S3 has errors of its own.

The signature itself is not checked, and a request without X-Amz-Date is accepted. The error codes, their texts and the
order of the checks are those of AWS. dynalite recorded them (https://github.com/architect/dynalite), and public issues
show them for Bedrock and other services:
https://github.com/westonbrown/Cyber-AutoAgent/issues/29, https://github.com/maximhq/bifrost/issues/2533,
https://github.com/aws/chalice/issues/828, https://github.com/awslabs/fhir-works-on-aws-deployment/issues/379,
https://github.com/NetSPI/AWSSigner/issues/3
"""

from __future__ import annotations

import datetime
import email.utils
import re
from collections.abc import Callable, Mapping

from tools.aws_simulator.protocol.errors import (
    IncompleteSignatureException,
    InvalidSignatureException,
    UnrecognizedClientException,
)

_ALGORITHM, _TERMINATOR = "AWS4-HMAC-SHA256", "aws4_request"
_TIME = "%Y%m%dT%H%M%SZ"
_CREDENTIAL = re.compile(r"Credential=([^,\s]*)")


def stated_service(authorization: str) -> str | None:
    """Return the service that the credential names, even if the header is malformed; None if it names none."""
    match = _CREDENTIAL.search(authorization)
    parts = match[1].rstrip("/").split("/") if match else []
    return parts[3] if len(parts) == 5 else None


def is_date(text: str) -> bool:
    """Return whether a text is a day in the form YYYYMMDD."""
    return _is_time(text, r"[0-9]{8}", "%Y%m%d")


def is_amz_date(text: str) -> bool:
    """Return whether a text is a time in the form of X-Amz-Date."""
    return _is_time(text, r"[0-9]{8}T[0-9]{6}Z", _TIME)


def _is_time(text: str, pattern: str, form: str) -> bool:
    if not re.fullmatch(pattern, text):
        return False
    try:
        datetime.datetime.strptime(text, form).replace(tzinfo=datetime.UTC)
    except ValueError:
        return False
    return True


def check_signature(headers: Mapping[str, str], service: str, is_region: Callable[[str], bool]) -> None:
    """
    Check the header Authorization of a request to a service.

    :param is_region: function that returns whether a Region with this name exists.
    :raises ApiError: the header is malformed, or the request was signed for something else.
    """
    authorization = headers.get("authorization", "").strip()
    algorithm, _, rest = authorization.partition(" ")
    fields = {}
    for part in filter(None, re.split(r"[,\s]+", rest)):
        name, equals, value = part.partition("=")
        if not equals:
            raise IncompleteSignatureException(
                f"'{part}' not a valid key=value pair (missing equal-sign) in Authorization header: '{authorization}'."
            )
        fields[name] = value
    _check_presence(fields, headers, authorization)
    time = _time(headers)
    if "host" not in fields["SignedHeaders"].lower().split(";"):
        raise InvalidSignatureException("'Host' must be a 'SignedHeader' in the AWS Authorization.")
    if algorithm != _ALGORITHM:
        raise IncompleteSignatureException(
            f"Unsupported AWS 'algorithm': '{algorithm}' (only {_ALGORITHM} for now). "  # AWS's text ends like this
        )
    parts = fields["Credential"].rstrip("/").split("/")
    if len(parts) != 5:
        raise IncompleteSignatureException(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got"
            f" '{fields['Credential']}'"
        )
    _check_scope(parts, time, service, is_region)
    if not parts[0]:
        raise UnrecognizedClientException("The security token included in the request is invalid.")


def _check_presence(fields: Mapping[str, str], headers: Mapping[str, str], authorization: str) -> None:
    missing = [name for name in ("Credential", "Signature") if not fields.get(name)]
    missing += [name for name in ("SignedHeaders",) if name not in fields]
    if missing:
        text = "".join(f"Authorization header requires '{name}' parameter. " for name in missing)
        if "x-amz-date" not in headers and "date" not in headers:
            text += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
        raise IncompleteSignatureException(f"{text}Authorization={authorization}")


def _time(headers: Mapping[str, str]) -> str | None:
    """Return the time of a request in the form of X-Amz-Date; None if the request states none."""
    stated = headers.get("x-amz-date", headers.get("date"))
    if stated is None or is_amz_date(stated):
        return stated
    if "x-amz-date" not in headers:
        try:
            return email.utils.parsedate_to_datetime(stated).astimezone(datetime.UTC).strftime(_TIME)
        except ValueError:
            pass
    raise IncompleteSignatureException(
        f"Date must be in ISO-8601 'basic format'. Got '{stated}'. See http://en.wikipedia.org/wiki/ISO_8601"
    )


def _check_scope(parts: list[str], time: str | None, service: str, is_region: Callable[[str], bool]) -> None:
    _, date, region, stated, terminator = parts
    faults = []
    if not is_region(region):
        faults.append(f"Credential should be scoped to a valid region, not '{region}'. ")
    if stated != service:
        faults.append(f"Credential should be scoped to correct service: '{service}'. ")
    if terminator != _TERMINATOR:
        faults.append(f"Credential should be scoped with a valid terminator: '{_TERMINATOR}', not '{terminator}'. ")
    now = datetime.datetime.now(datetime.UTC).strftime(_TIME)
    if not is_date(date) or (time is not None and date != time[:8]):
        faults.append(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{date}' != '{(time or now)[:8]}', from '{time or now}'."
        )
    if faults:
        raise InvalidSignatureException("".join(faults))
