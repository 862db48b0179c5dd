"""
Check the parameters of presigned URLs, and recognize unsigned S3 requests. Signatures are not verified.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html states the parameters and their limits.
The error texts are those of S3. MinIO (cmd/api-errors.go) and versitygw (s3err/presigned-urls.go) repeat them.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping

from tools.aws_simulator.s3.errors import S3Error

_PARAMETERS = ("Algorithm", "Credential", "Signature", "Date", "SignedHeaders", "Expires")
_WEEK = 604_800
_EXPIRED = "Request has expired"


def is_signed(headers: Mapping[str, str], arguments: Mapping[str, list[str]], body: bytes) -> bool:
    """Return whether a request has a signature: in a header, in its query, or in a form that a browser uploads."""
    in_query = not {"X-Amz-Signature", "X-Amz-Credential", "X-Amz-Algorithm", "Signature"}.isdisjoint(arguments)
    form = headers.get("content-type", "").startswith("multipart/form-data")
    in_form = form and re.search(rb'name="(x-amz-signature|signature)"', body, re.IGNORECASE) is not None
    return bool(headers.get("authorization", "").strip()) or in_query or in_form


def check_presigned(arguments: Mapping[str, list[str]], now: datetime.datetime) -> None:
    """Check the parameters of a presigned URL. A request without them is accepted.

    :raises S3Error: a parameter is missing or malformed, or the URL has expired.
    """
    given = {name: arguments[f"X-Amz-{name}"][-1] for name in _PARAMETERS if f"X-Amz-{name}" in arguments}
    if given.keys() & {"Signature", "Credential", "Algorithm"}:
        _check_version_4(given, now)
    elif "Signature" in arguments:  # the older form, which botocore makes for some Regions
        expires = arguments.get("Expires", [""])[-1]
        if not re.fullmatch(r"\d{1,12}", expires):
            raise S3Error("AccessDenied", f"Invalid date (should be seconds since epoch): {expires}", 403)
        if int(expires) < now.timestamp():
            raise S3Error("AccessDenied", _EXPIRED, 403)


def _check_version_4(given: Mapping[str, str], now: datetime.datetime) -> None:
    if len(given) < len(_PARAMETERS):
        raise _malformed(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature,"
            " X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
        )
    if given["Algorithm"] not in ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"):
        raise _malformed('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"')
    parts = given["Credential"].split("/")
    if len(parts) != 5 or not all(parts) or parts[-1] != "aws4_request" or not re.fullmatch(r"\d{8}", parts[1]):
        raise _malformed(
            "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting"
            ' "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
        )
    try:
        date = datetime.datetime.strptime(given["Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
    except ValueError:
        raise _malformed("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"") from None
    if not re.fullmatch(r"-?\d{1,18}", given["Expires"]):
        raise _malformed("X-Amz-Expires should be a number")
    seconds = int(given["Expires"])
    if seconds < 0:
        raise _malformed("X-Amz-Expires must be non-negative")
    if seconds > _WEEK:
        raise _malformed(
            f"X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than"
            f" {_WEEK} seconds"
        )
    if date + datetime.timedelta(seconds=seconds) < now:
        raise S3Error("AccessDenied", _EXPIRED, 403)


def _malformed(text: str) -> S3Error:
    return S3Error("AuthorizationQueryParametersError", text)
