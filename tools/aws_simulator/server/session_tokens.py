"""
Refuse requests with the keys of a session that lack its token, have another token, or come after its end.

The code, the text and the status depend on the service's protocol. The sources are answers of AWS in public reports:

- Bedrock: https://github.com/anthropics/anthropic-sdk-typescript/issues/537 (invalid), and
  https://docs.aws.amazon.com/bedrock-agentcore-control/latest/APIReference/CommonErrors.html (expired)
- IAM and STS: https://github.com/terraform-aws-modules/terraform-aws-eks/issues/2890 (invalid),
  https://github.com/seppevs/move-sqs/issues/129 (missing) and https://github.com/cfn-sphere/cfn-sphere/issues/55
- other services with JSON: https://github.com/aws/aws-sdk-php/issues/2444 and issue 1307 there, with status 400. They
  are about Cognito and DynamoDB; Service Quotas and Pricing are UNVERIFIED.
- S3: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html,
  https://github.com/uswitch/kiam/issues/261 (missing) and https://github.com/aws/aws-sdk-js/issues/4129 (invalid)
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from tools.aws_simulator.protocol.errors import (
    ApiError,
    ExpiredTokenException,
    ServiceError,
    UnrecognizedClientException,
)
from tools.aws_simulator.protocol.signers import signer
from tools.aws_simulator.s3.errors import S3Error, s3_error
from tools.aws_simulator.services.service import SimulatedService
from tools.aws_simulator.services.sts import Sts, TokenProblem

_EXPIRED = "The security token included in the request is expired"
_INVALID = "The security token included in the request is invalid"
_INVALID_JSON = f"{_INVALID}."  # only the services with XML leave the full stop out
_S3_ERRORS: Mapping[TokenProblem, tuple[str, str, int]] = {
    TokenProblem.MISSING: (
        "InvalidAccessKeyId",
        "The AWS Access Key Id you provided does not exist in our records.",
        403,
    ),
    TokenProblem.FOREIGN: ("InvalidToken", "The provided token is malformed or otherwise invalid.", 400),
    TokenProblem.EXPIRED: ("ExpiredToken", "The provided token has expired.", 400),
}


class SessionTokens:
    """The check of the session tokens in requests."""

    def __init__(self, sts: Sts) -> None:
        self._sts = sts

    def bedrock_error(self, request: Request) -> ApiError | None:
        """Return the error for a request to Bedrock; None if its token is accepted."""
        problem = self._problem(request)
        if problem is None:
            return None
        return (
            ExpiredTokenException(_EXPIRED)
            if problem is TokenProblem.EXPIRED
            else UnrecognizedClientException(_INVALID_JSON)
        )

    def refuse(self, request: Request, service: SimulatedService) -> Response | None:
        """Return the error for a request to a service other than Bedrock and S3; None if its token is accepted."""
        problem = self._problem(request)
        if problem is None:
            return None
        is_expired = problem is TokenProblem.EXPIRED
        if service.is_query:
            code, text = ("ExpiredToken", _EXPIRED) if is_expired else ("InvalidClientTokenId", _INVALID)
            return service.refuse(ServiceError(code, text, 403))
        code, text = (
            ("ExpiredTokenException", _EXPIRED) if is_expired else ("UnrecognizedClientException", _INVALID_JSON)
        )
        return service.refuse(ServiceError(code, text, 400))

    async def refuse_s3(self, request: Request) -> Response | None:
        """Return the error for a request to S3; None if its token is accepted."""
        is_form = request.headers.get("content-type", "").startswith("multipart/form-data")
        problem = self._problem(request, await request.body() if is_form else b"")
        return s3_error(S3Error(*_S3_ERRORS[problem]), request.method) if problem else None

    def _problem(self, request: Request, form: bytes = b"") -> TokenProblem | None:
        sender = signer(request.headers, request.url.query, form)
        return self._sts.token_problem(sender.access_key, sender.token) if sender else None
