from __future__ import annotations

import base64
import datetime
import json
from typing import Any

import httpx
import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tools.aws_simulator.s3.errors import S3Error
from tools.aws_simulator.s3.post_policies import check_form

NOW = datetime.datetime(2026, 11, 27, 12, tzinfo=datetime.UTC)
CONDITIONS = [{"bucket": "data"}, ["starts-with", "$key", "in/"], ["content-length-range", 2, 4]]
HEADERS = {"content-type": "multipart/form-data; boundary=xx"}


def encoded(document: Any) -> str:
    return base64.b64encode(json.dumps(document).encode()).decode()


def policy(expiration: Any = "2026-11-27T12:00:01Z", conditions: Any = CONDITIONS) -> str:
    return encoded({"expiration": expiration, "conditions": conditions})


def form(fields: dict[str, str], file: str | None = "file") -> bytes:
    parts = [*fields.items(), *([("file", file)] if file is not None else [])]
    text = "".join(f'--xx\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in parts)
    return f"{text}--xx--\r\n".encode()


def check(fields: dict[str, str], file: str | None = "file") -> None:
    check_form("data", HEADERS, form(fields, file), NOW)


@pytest.mark.parametrize(
    "fields",
    [
        {"key": "a"},
        {"Key": "in/a", "Policy": policy(), "AWSAccessKeyId": "a", "signature": "s", "x-ignore-this": "1"},
        {"key": "a", "policy": policy(conditions=[["starts-with", "$key", ""]]), "x-amz-signature": "s"},
        {"key": "a", "x-amz-meta-a": "b", "policy": policy("2026-11-27T12:00:00.500Z", [["eq", "$KEY", "a"],
         {"x-amz-meta-a": "b"}])},
    ],
)  # fmt: skip
def test_a_form_that_follows_its_policy_is_accepted(fields: dict[str, str]) -> None:
    check(fields)


@pytest.mark.parametrize(
    ("fields", "file", "code", "text"),
    [
        ({"key": "in/a", "policy": policy("2026-11-27T11:59:59Z")}, "file", "AccessDenied", "Policy expired."),
        ({"key": "out/a", "policy": policy()}, "file", "AccessDenied", '["starts-with", "$key", "in/"]'),
        ({"key": "in/a", "policy": policy(conditions=[{"key": "b"}])}, "file", "AccessDenied", '["eq", "$key", "b"]'),
        ({"key": "in/a", "policy": policy(), "acl": "private"}, "file", "AccessDenied", "Extra input fields: acl"),
        ({"key": "in/a", "policy": policy()}, "long file", "EntityTooLarge", "maximum allowed size"),
        ({"key": "in/a", "policy": policy()}, "f", "EntityTooSmall", "minimum allowed size"),
        ({"key": "in/a", "policy": "?"}, "file", "InvalidPolicyDocument", "Base64"),
        ({"key": "in/a", "policy": "e30x"}, "file", "InvalidPolicyDocument", "Invalid JSON"),
        ({"key": "in/a", "policy": encoded([])}, "file", "InvalidPolicyDocument", "Invalid JSON"),
        ({"key": "in/a", "policy": encoded({})}, "file", "InvalidPolicyDocument", "missing expiration"),
        ({"key": "in/a", "policy": policy("soon")}, "file", "InvalidPolicyDocument", "'expiration' value: 'soon'"),
        ({"key": "in/a", "policy": policy(5)}, "file", "InvalidPolicyDocument", "'expiration' value: '5'"),
        ({"key": "in/a", "policy": policy(conditions={})}, "file", "InvalidPolicyDocument", "must be a List"),
        ({"key": "in/a", "policy": policy(conditions=["a"])}, "file", "InvalidPolicyDocument", "List or Object"),
        ({"key": "in/a", "policy": policy(conditions=[["in", "$key", "a"]])}, "file", "InvalidPolicyDocument", "in"),
        ({"key": "in/a", "policy": policy(conditions=[["content-length-range", "a", 1]])}, "file",
         "InvalidPolicyDocument", "content-length-range"),
        ({"policy": policy()}, "file", "InvalidArgument", "field named 'key'"),
        ({"key": "a"}, None, "IncorrectNumberOfFilesInPostRequest", "exactly one file"),
        ({"key": "${filename}"}, "file", "NotImplemented", "${filename}"),
        ({"key": "a", "tagging": "<Tagging/>"}, "file", "NotImplemented", "tagging"),
        ({"key": "a", "x-amz-storage-class": "GLACIER"}, "file", "NotImplemented", "x-amz-storage-class"),
    ],
)  # fmt: skip
def test_other_forms_are_refused(fields: dict[str, str], file: str | None, code: str, text: str) -> None:
    with pytest.raises(S3Error) as caught:
        check(fields, file)
    assert caught.value.code == code
    assert text in str(caught.value)


def test_a_file_counts_as_its_bytes_and_hides_later_fields() -> None:
    fields = {"key": "in/a", "policy": policy()}
    body = form(fields, "\r\n\r\n") + form({"acl": "private"}, None)
    check_form("data", HEADERS, body, NOW)


def test_a_presigned_form_limits_the_upload(simulator: RunningSimulator) -> None:
    s3 = simulator.boto("s3")
    s3.create_bucket(Bucket="forms")
    for token in (None, "session"):
        fields = {} if token is None else {"x-amz-security-token": token}
        conditions = [["content-length-range", 1, 4], *({name: value} for name, value in fields.items())]
        sent = s3.generate_presigned_post("forms", "key", Fields=fields, Conditions=conditions)
        assert httpx.post(sent["url"], content=form(sent["fields"]), headers=HEADERS).status_code == 204
        answer = httpx.post(sent["url"], content=form(sent["fields"], "too long"), headers=HEADERS)
        assert answer.status_code == 400
        assert "<ProposedSize>8</ProposedSize><MaxSizeAllowed>4</MaxSizeAllowed>" in answer.text
        other = httpx.post(sent["url"], content=form({**sent["fields"], "key": "other"}), headers=HEADERS)
        assert other.status_code == 403
    assert [found["Key"] for found in s3.list_objects_v2(Bucket="forms")["Contents"]] == ["key"]
