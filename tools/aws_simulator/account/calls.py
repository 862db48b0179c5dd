"""What an operation's handler is given, and what all of them share: ARNs, idempotency, lists in pages, tags."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tools.aws_simulator.account.faults import Fault
from tools.aws_simulator.account.state import Kind, Resource, State
from tools.aws_simulator.protocol.errors import ApiError, TooManyTagsException, ValidationException

ACCOUNT_ID = "123456789012"
TAGS_PER_RESOURCE = 50
PAGE_SIZE = 100


@dataclass(frozen=True)
class Call:
    """One checked request. ``region`` is the one it was signed for; ``fault`` the rule that hit it."""

    arguments: dict[str, Any]
    region: str
    fault: Fault | None = None

    @property
    def fingerprint(self) -> str:
        """sha256 of what the request asks for, without its token."""
        wanted = {name: value for name, value in self.arguments.items() if name != "clientRequestToken"}
        return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()


def new_arn(region: str, path: str) -> str:
    """Return an ARN under ``path`` with a fresh id of 12 characters."""
    return f"arn:aws:bedrock:{region}:{ACCOUNT_ID}:{path}/{secrets.token_hex(6)}"


def foundation_model_arn(region: str, model_id: str) -> str:
    """Return the ARN of a foundation model, with or without context suffix."""
    return f"arn:aws:bedrock:{region}::foundation-model/{model_id}"


def created_before(state: State, kind: Kind, call: Call, error: type[ApiError]) -> Resource | None:
    """Return what an earlier request with the same token made; None when the token is new.

    :param error: raised when the token was used for another request.
    """
    token = call.arguments.get("clientRequestToken")
    known = state.find_by_token(kind, call.region, token)
    if known and known.body["fingerprint"] != call.fingerprint:
        raise error(f"The client request token {token} was already used for a request with other parameters.")
    return known


def listed(
    resources: list[Resource], arguments: dict[str, Any], matches: Callable[[Resource], bool]
) -> tuple[list[Resource], str | None]:
    """Return one page of ``resources``, filtered by the arguments and by ``matches``, and the next token.

    :raises ValidationException: the token is not one that was given out.
    """
    after, before = arguments.get("creationTimeAfter", 0), arguments.get("creationTimeBefore", float("inf"))
    wanted = [
        resource
        for resource in resources
        if arguments.get("nameContains", "") in resource.name and after < resource.created < before
        if matches(resource)
    ]
    if arguments.get("sortOrder", "Descending") == "Descending":
        wanted.reverse()
    start = _start_of_page(wanted, arguments.get("nextToken"))
    end = start + arguments.get("maxResults", PAGE_SIZE)
    return wanted[start:end], _token(wanted[end - 1]) if end < len(wanted) else None


def _token(last: Resource) -> str:
    return base64.urlsafe_b64encode(last.arn.encode()).decode()


def _start_of_page(resources: list[Resource], token: str | None) -> int:
    if token is None:
        return 0
    try:
        last = base64.urlsafe_b64decode(token).decode()
        return [resource.arn for resource in resources].index(last) + 1
    except (binascii.Error, ValueError) as error:
        raise ValidationException("The provided nextToken is invalid.") from error


def checked_tags(tags: list[dict[str, str]] | None) -> dict[str, str]:
    """Return tags as a mapping.

    :raises TooManyTagsException: more than a resource can have.
    """
    found = {tag["key"]: tag["value"] for tag in tags or []}
    if len(found) > TAGS_PER_RESOURCE:
        raise TooManyTagsException(f"A resource can have {TAGS_PER_RESOURCE} tags; the request has {len(found)}.")
    return found
