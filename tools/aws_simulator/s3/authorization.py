"""
Check the form of the Authorization header of S3 requests.

The signature itself is not checked, and a request without a date is accepted. The error codes and texts are those of
S3. versitygw repeats them (s3err/sigv4.go), and users report them: https://github.com/aws/aws-cli/issues/2954,
https://github.com/robmcvey/cakephp-amazon-s3/issues/15, https://github.com/n8n-io/n8n/issues/12216. Two texts are only
in public questions: the one about an invalid header in the older form, and "a non-empty Access Key (AKID) must be
provided".
"""

from __future__ import annotations

from collections.abc import Mapping

from tools.aws_simulator.catalog.regions import all_regions
from tools.aws_simulator.protocol.signatures import is_amz_date, is_date
from tools.aws_simulator.s3.errors import S3Error

_COMPONENTS = ("Credential", "SignedHeaders", "Signature")


def check_authorization(headers: Mapping[str, str], arguments: Mapping[str, list[str]]) -> None:
    """Check the Authorization header. A request without it is accepted.

    :raises S3Error: the header is malformed, or the request was signed for another service or date.
    """
    authorization = headers.get("authorization", "").strip()
    if not authorization:
        return
    if not {"X-Amz-Algorithm", "X-Amz-Signature", "Signature"}.isdisjoint(arguments):
        raise _argument(
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string"
            " parameter or the Authorization header should be specified",
            authorization,
        )
    algorithm, _, rest = authorization.partition(" ")
    if algorithm == "AWS":  # the older form
        key, _, signature = rest.strip().partition(":")
        if not key or not signature:
            raise _argument("AWS authorization header is invalid.  Expected AwsAccessKeyId:signature", authorization)
    elif algorithm == "AWS4-HMAC-SHA256":
        _check_version_4(rest, headers.get("x-amz-date"))
    elif algorithm != "AWS4-ECDSA-P256-SHA256":
        raise _argument("Unsupported Authorization Type", authorization)


def _check_version_4(rest: str, time: str | None) -> None:
    components = [part.strip() for part in rest.split(",") if part.strip()]
    for component in components:
        if "=" not in component:
            raise _malformed(f'the authorization component "{component}" is malformed.')
    if len(components) != len(_COMPONENTS):
        raise _malformed(
            "the authorization header requires three components: Credential, SignedHeaders, and Signature."
        )
    fields = dict(component.split("=", 1) for component in components)
    for name in _COMPONENTS:
        if not fields.get(name):
            raise _malformed(f"missing {name}.")
    if time is not None and not is_amz_date(time):
        raise S3Error("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header", 403)
    parts = fields["Credential"].split("/")
    if len(parts) != 5:
        raise _malformed('the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".')
    _check_credential(parts, time)


def _check_credential(parts: list[str], time: str | None) -> None:
    key, date, region, service, terminator = parts
    if not key:
        raise _malformed("a non-empty Access Key (AKID) must be provided in the credential.")
    if not is_date(date):
        text = f'incorrect date format "{date}". This date in the credential must be in the format "yyyyMMdd".'
        raise _malformed(text)
    if region not in all_regions():
        raise _malformed(f"the region '{region}' is wrong; expecting 'us-east-1'", {"Region": "us-east-1"})
    if service != "s3":
        raise _malformed(f'incorrect service "{service}". This endpoint belongs to "s3".')
    if terminator != "aws4_request":
        raise _malformed(f'incorrect terminal "{terminator}". This endpoint uses "aws4_request".')
    if time is not None and time[:8] != date:
        raise _malformed(f'Invalid credential date "{date}". This date is not the same as X-Amz-Date: "{time[:8]}".')


def _malformed(text: str, details: Mapping[str, str] | None = None) -> S3Error:
    text = f"The authorization header is malformed; {text}"
    return S3Error("AuthorizationHeaderMalformed", text, details=details)


def _argument(text: str, authorization: str) -> S3Error:
    return S3Error("InvalidArgument", text, details={"ArgumentName": "Authorization", "ArgumentValue": authorization})
