"""
Read the access key that signed a request, and the request's session token.

Both are in the headers, in the query of a presigned URL, in the URL inside a short-term API key of Bedrock, or in the
form of an upload to S3 by a browser. S3 also has presigned URLs and headers of Signature Version 2.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_use-resources.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from tools.aws_simulator.protocol.credentials import api_key_query, credential_scope, is_bearer

_VERSION_2 = re.compile(r"AWS (?P<key>[^:\s]+):")
_FIELD = re.compile(
    rb'name="(?P<name>x-amz-credential|x-amz-security-token|awsaccesskeyid)"[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n'
    rb"(?P<value>[^\r\n]*)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Signer:
    """The access key of a request, and its session token if it has one."""

    access_key: str
    token: str | None


def signer(headers: Mapping[str, str], query: str, form: bytes = b"") -> Signer | None:
    """Return who signed a request; None if the request has no access key.

    :param headers: the headers, with their names in lower case.
    :param form: the body of an upload by a browser.
    """
    authorization = headers.get("authorization", "")
    if is_bearer(authorization):
        authorization, query = "", api_key_query(authorization)
    fields = {name.lower(): values[-1] for name, values in parse_qs(query).items()}
    fields |= {match["name"].decode().lower(): match["value"].decode("latin-1") for match in _FIELD.finditer(form)}
    access_key = _access_key(authorization, query, fields)
    token = headers.get("x-amz-security-token") or fields.get("x-amz-security-token")
    return Signer(access_key, token) if access_key else None


def _access_key(authorization: str, query: str, fields: Mapping[str, str]) -> str | None:
    if scope := credential_scope(authorization, query):
        return scope.access_key
    if version_2 := _VERSION_2.match(authorization):
        return version_2["key"]
    return fields.get("x-amz-credential", "").partition("/")[0] or fields.get("awsaccesskeyid")
