"""Authorise requests to Bedrock."""

from __future__ import annotations

from tools.aws_simulator.account.calls import Call
from tools.aws_simulator.protocol.credentials import INVALID_API_KEY
from tools.aws_simulator.protocol.errors import AccessDeniedException
from tools.aws_simulator.server.bedrock_actions import Access, BedrockActions
from tools.aws_simulator.services.authorization import Authorizer

# https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys-permissions.html
_BEARER = Access("bedrock:CallWithBearerToken", "*")


class BedrockAccess:
    """Refuses the requests that their callers may not make."""

    def __init__(self, authorizer: Authorizer, actions: BedrockActions) -> None:
        self._authorizer = authorizer
        self._actions = actions

    def check(self, operation: str, call: Call, *, has_api_key: bool) -> None:
        """Check that the caller may make a request.

        :param has_api_key: the request has an API key of Bedrock instead of a signature.
        :raises AccessDeniedException: a permission is missing. The message names the first one.
        """
        if not self._authorizer.enforced:
            return
        if has_api_key and not self._authorizer.knows(call.access_key):
            raise AccessDeniedException(INVALID_API_KEY)
        for access in (*((_BEARER,) if has_api_key else ()), *self._actions.needed(operation, call)):
            refusal = self._authorizer.refusal(
                call.access_key, access.action, access.resource, call.region, access.context
            )
            if refusal is not None:
                raise AccessDeniedException(refusal)
