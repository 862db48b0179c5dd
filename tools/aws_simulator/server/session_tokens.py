"""
Refuse requests that use a session's keys without its token, with another token, or after the session has expired.

If every request is authorised, requests with the keys of nobody are refused with the errors of an invalid token.

The error code, text and status depend on the service's protocol. The sources are AWS's documentation and public reports
that quote AWS's responses:

- Bedrock: https://github.com/anthropics/anthropic-sdk-typescript/issues/537 (invalid), and
  https://docs.aws.amazon.com/bedrock-agentcore-control/latest/APIReference/CommonErrors.html (expired)
- IAM and STS: https://github.com/terraform-aws-modules/terraform-aws-eks/issues/2890 (invalid),
  https://github.com/seppevs/move-sqs/issues/129 (missing) and https://github.com/cfn-sphere/cfn-sphere/issues/55
  (expired)
- other services with JSON: https://github.com/aws/aws-sdk-php/issues/2444 and issue 1307 of the same repository, with
  status 400. These issues are about Cognito and DynamoDB. The errors of Service Quotas and Pricing are UNVERIFIED.
- S3: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html,
  https://github.com/uswitch/kiam/issues/261 (missing) and https://github.com/aws/aws-sdk-js/issues/4129 (invalid)
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request

from tools.aws_simulator.protocol.errors import ExpiredTokenException, ServiceError, UnrecognizedClientException
from tools.aws_simulator.protocol.signers import signer
from tools.aws_simulator.s3.errors import S3Error
from tools.aws_simulator.services.sts import Sts, TokenProblem

_EXPIRED = "The security token included in the request is expired"
_INVALID = "The security token included in the request is invalid"
_INVALID_JSON = f"{_INVALID}."  # only the services with XML leave the full stop out
_UNKNOWN_TO_S3 = ("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", 403)
_S3_ERRORS: Mapping[TokenProblem, tuple[str, str, int]] = {
    TokenProblem.MISSING: _UNKNOWN_TO_S3,
    TokenProblem.FOREIGN: ("InvalidToken", "The provided token is malformed or otherwise invalid.", 400),
    TokenProblem.EXPIRED: ("ExpiredToken", "The provided token has expired.", 400),
    TokenProblem.UNKNOWN: _UNKNOWN_TO_S3,
}


class SessionTokens:
    """Checks the session tokens in requests."""

    def __init__(self, sts: Sts) -> None:
        self._sts = sts

    def check_bedrock(self, request: Request) -> None:
        """Check a request to Bedrock.

        :raises ApiError: its session token is refused.
        """
        problem = self._problem(request)
        if problem is TokenProblem.EXPIRED:
            raise ExpiredTokenException(_EXPIRED)
        if problem:
            raise UnrecognizedClientException(_INVALID_JSON)

    def check_service(self, request: Request, *, is_query: bool) -> None:
        """Check a request to a service other than Bedrock and S3.

        :raises ServiceError: its session token is refused.
        """
        problem = self._problem(request)
        if problem is TokenProblem.EXPIRED:
            raise (
                ServiceError("ExpiredToken", _EXPIRED, 403)
                if is_query
                else ServiceError("ExpiredTokenException", _EXPIRED)
            )
        if problem:
            invalid = ServiceError("InvalidClientTokenId", _INVALID, 403)
            raise invalid if is_query else ServiceError("UnrecognizedClientException", _INVALID_JSON)

    def check_s3(self, request: Request, body: bytes) -> None:
        """Check a request to S3.

        :raises S3Error: its session token is refused.
        """
        if problem := self._problem(request, form_of(request, body)):
            raise S3Error(*_S3_ERRORS[problem])

    def _problem(self, request: Request, form: bytes = b"") -> TokenProblem | None:
        sender = signer(request.headers, request.url.query, form)
        return self._sts.token_problem(sender.access_key, sender.token) if sender else None


def form_of(request: Request, body: bytes) -> bytes:
    """Return the body of an upload by a browser; empty for all other requests."""
    return body if request.headers.get("content-type", "").startswith("multipart/form-data") else b""
