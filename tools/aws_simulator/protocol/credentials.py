"""
Read the access key that signed a request, and the Region and service that it was signed for.

The access key, the Region and the service are in the header Authorization, or in the query of a presigned URL. The
signature itself is not checked.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from urllib.parse import parse_qs

from tools.aws_simulator.protocol.errors import AccessDeniedException

_SCOPE = r"(?P<key>[^/\s,]+)/\d{8}/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)/aws4_request"
_IN_HEADER = re.compile(rf"Credential={_SCOPE}")
_IN_QUERY = re.compile(_SCOPE)
_LONG_TERM_KEY, _SHORT_TERM_KEY = "ABSK", "bedrock-api-key-"
_BEDROCK_HOST = re.compile(r"bedrock(?:-runtime)?[.-](?P<region>[a-z]{2}(?:-[a-z]+)+-\d)\.")
DEFAULT_REGION = "us-east-1"
INVALID_API_KEY = "Authentication failed: Please make sure your API Key is valid."


@dataclass(frozen=True)
class CredentialScope:
    """The access key that signed a request, and the Region and service that the request was signed for."""

    access_key: str
    region: str
    service: str


def credential_scope(authorization: str, query: str = "") -> CredentialScope | None:
    """Return the scope of a signed request; None if the request is not signed with Signature Version 4."""
    match = _IN_HEADER.search(authorization)
    if match is None:
        match = _IN_QUERY.fullmatch(parse_qs(query).get("X-Amz-Credential", [""])[-1])
    return CredentialScope(match["key"], match["region"], match["service"]) if match else None


def is_bearer(authorization: str) -> bool:
    """Return whether a request has an API key of Bedrock instead of a signature."""
    return authorization.startswith("Bearer ")


def bearer_scope(authorization: str, host: str) -> CredentialScope:
    """
    Return the scope of a request with an API key of Bedrock. The key itself is not checked.

    AWS takes the Region from the host name. Here, the Region of a short-term key is in the presigned URL that the key
    contains. The Region of a long-term key is in the host name; if it is not there, the Region is us-east-1.

    :raises AccessDeniedException: the key does not look like an API key. The message is AWS's, as clients report it.
    """
    key = authorization.removeprefix("Bearer ").strip()
    in_host = _BEDROCK_HOST.match(host)
    if key.startswith(_LONG_TERM_KEY) and len(key) > len(_LONG_TERM_KEY):
        return CredentialScope(key, in_host["region"] if in_host else DEFAULT_REGION, "bedrock")
    if key.startswith(_SHORT_TERM_KEY):
        scope = credential_scope("", api_key_query(authorization))
        if scope is None or scope.service != "bedrock":
            raise AccessDeniedException(INVALID_API_KEY)
        return scope
    raise AccessDeniedException("Invalid API Key format: Must start with pre-defined prefix")


def api_key_query(authorization: str) -> str:
    """Return the query of the presigned URL in a short-term API key; an empty text if the key has none."""
    key = authorization.removeprefix("Bearer ").strip()
    return _decoded(key.removeprefix(_SHORT_TERM_KEY)).partition("?")[2] if key.startswith(_SHORT_TERM_KEY) else ""


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        return ""
