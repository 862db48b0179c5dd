"""Say who makes a request to S3, and what this caller may do."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request

from tools.aws_simulator.protocol.signers import signer
from tools.aws_simulator.s3.access import Refusal
from tools.aws_simulator.server.session_tokens import SessionTokens, form_of
from tools.aws_simulator.services.authorization import Authorizer


class S3Caller:
    """The caller of one request."""

    def __init__(self, request: Request, tokens: SessionTokens, authorizer: Authorizer) -> None:
        self._request = request
        self._tokens = tokens
        self._authorizer = authorizer

    def check(self, body: bytes) -> None:
        """Check the caller's access key and session token.

        :raises S3Error: they are refused.
        """
        self._tokens.check_s3(self._request, body)

    def refusal(self, body: bytes) -> Refusal | None:
        """Return the function that decides what the caller may do; None if requests are not authorised.

        The owner of a presigned URL or of a form is its signer. A signature without an access key belongs to nobody.
        """
        if not self._authorizer.enforced:
            return None
        sender = signer(self._request.headers, self._request.url.query, form_of(self._request, body))
        return partial(self._authorizer.refusal, sender.access_key if sender else "")
