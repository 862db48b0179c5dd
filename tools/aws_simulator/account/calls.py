"""Define the request that a handler receives, and functions that handlers share (ARNs, client tokens, pages, tags)."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from tools.aws_simulator.account.faults import Fault
from tools.aws_simulator.account.state import Body, Resource, ResourceTable
from tools.aws_simulator.protocol.errors import ApiError, TooManyTagsException, ValidationException

ACCOUNT_ID = "123456789012"
TAGS_PER_RESOURCE = 50
PAGE_SIZE = 100
_DEFAULT_PROJECT = "default"
_TOKENS = ("clientRequestToken", "clientToken")
Item = TypeVar("Item")


@dataclass(frozen=True)
class Call:
    """
    The checked arguments of a request, the Region that it was signed for, and the fault rule that fired, if any.

    :param access_key: the access key of the caller.
    """

    arguments: dict[str, Any]
    region: str
    fault: Fault | None = None
    access_key: str = ""

    @property
    def client_token(self) -> str | None:
        """The client token of the request, under either of the names that it has in the service model."""
        return next((self.arguments[name] for name in _TOKENS if name in self.arguments), None)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 hash of the request's arguments without the client token."""
        arguments = {name: value for name, value in self.arguments.items() if name not in _TOKENS}
        return hashlib.sha256(json.dumps(arguments, sort_keys=True).encode()).hexdigest()


def new_arn(region: str, path: str) -> str:
    """Return a new ARN that ends with ``path`` and a random id of 12 characters."""
    return f"arn:aws:bedrock:{region}:{ACCOUNT_ID}:{path}/{secrets.token_hex(6)}"


def foundation_model_arn(region: str, model_id: str) -> str:
    """Return the ARN of a foundation model. ``model_id`` may have a context suffix."""
    return f"arn:aws:bedrock:{region}::foundation-model/{model_id}"


def find_repeated(table: ResourceTable[Body], call: Call, error: type[ApiError]) -> Resource[Body] | None:
    """Return the resource that an earlier request with the same client token created; None if there is none.

    :param error: the class of the error to raise if the token was used for a different request.
    """
    token = call.client_token
    resource = table.find_by_token(call.region, token)
    if resource and resource.body["fingerprint"] != call.fingerprint:
        raise error(f"The client request token {token} was already used for a request with other parameters.")
    return resource


def list_page(
    resources: list[Resource[Body]], arguments: Mapping[str, Any], matches: Callable[[Resource[Body]], bool]
) -> tuple[list[Resource[Body]], str | None]:
    """Return one page of the resources that meet the request's filters and ``matches``, and the next page's token.

    :raises ValidationException: the token in the arguments does not belong to this list.
    """
    after, before = arguments.get("creationTimeAfter"), arguments.get("creationTimeBefore")
    selected = [
        resource
        for resource in resources
        if arguments.get("nameContains", "") in resource.name
        if after is None or _milliseconds(after) < _milliseconds(resource.created)
        if before is None or _milliseconds(resource.created) < _milliseconds(before)
        if matches(resource)
    ]
    descending = arguments.get("sortOrder", "Descending") == "Descending"
    kind = f"{resources[0].kind} {resources[0].region}" if resources else ""
    return page_of(selected, arguments, kind, lambda resource: (resource.created, resource.arn), descending=descending)


def _milliseconds(moment: float) -> int:
    """
    Return a time in whole milliseconds, which is the precision of the times in responses.

    If a request's ``creationTimeAfter`` is the creation time that a response shows for a job, the list therefore does
    not contain that job.
    """
    return round(moment * 1_000_000) // 1000


def page_of(
    items: list[Item],
    arguments: Mapping[str, Any],
    kind: str,
    position: Callable[[Item], tuple[float, str]],
    *,
    descending: bool = False,
) -> tuple[list[Item], str | None]:
    """
    Return one page of ``items``, as a request's ``maxResults`` and ``nextToken`` ask for, and the next page's token.

    The token holds the position of the page's last item, and the next page starts after this position. This works even
    if the item is no longer in the list, for example because a program stops each job in a list of running jobs.

    :param kind: name of the list. A token that names another list is refused, unless ``kind`` is empty.
    :param position: function that returns the sort key of an item: its time and its ARN.
    :raises ValidationException: the token in the arguments does not belong to this list.
    """
    ordered = sorted(items, key=position, reverse=descending)
    if "nextToken" in arguments:
        last = _last_position(arguments["nextToken"], kind, _filters(arguments))
        ordered = [item for item in ordered if (position(item) < last if descending else position(item) > last)]
    page = ordered[: arguments.get("maxResults", PAGE_SIZE)]
    if len(page) == len(ordered):
        return page, None
    return page, base64.urlsafe_b64encode(
        json.dumps([kind, _filters(arguments), *position(page[-1])]).encode()
    ).decode()


def _filters(arguments: Mapping[str, Any]) -> str:
    """Return a short hash of a request's filters and order. All pages of a list must have the same hash."""
    filters = {name: value for name, value in arguments.items() if name not in ("maxResults", "nextToken")}
    return hashlib.sha256(json.dumps(filters, sort_keys=True).encode()).hexdigest()[:8]


def _last_position(token: str, kind: str, filters: str) -> tuple[float, str]:
    try:
        listed, filtered, moment, arn = json.loads(base64.urlsafe_b64decode(token))
        if kind in ("", listed) and filters == filtered:
            return float(moment), str(arn)
    except (TypeError, ValueError) as error:
        raise ValidationException("The provided nextToken is invalid.") from error
    raise ValidationException("The provided nextToken is invalid.")


def check_project(arguments: Mapping[str, Any]) -> None:
    """
    Check that a request names no project but the default one. The simulator has no others.

    The service model states the code for a project that does not exist; the text is UNVERIFIED.

    :raises ValidationException: the request names a project.
    """
    project = arguments.get("projectIdentifier", _DEFAULT_PROJECT)
    if project.rpartition("/")[2] != _DEFAULT_PROJECT:
        raise ValidationException(f"The project {project} does not exist. The AWS simulator has no projects.")


def read_tags(tags: list[dict[str, str]] | None, too_many: type[ApiError] = TooManyTagsException) -> dict[str, str]:
    """Return the tags in a request as a mapping from key to value.

    AWS's rules for tags: https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html. The
    texts of Bedrock's errors for a reserved and for a repeated key are not documented (UNVERIFIED).

    :param too_many: the class of the error to raise if there are more tags than a resource can have.
    :raises ValidationException: a key occurs twice, or begins with ``aws:`` in any spelling.
    """
    keys = [tag["key"] for tag in tags or []]
    if reserved := [key for key in keys if key.lower().startswith("aws:")]:
        raise ValidationException(f"Tag keys cannot begin with aws:, which is reserved for AWS: {', '.join(reserved)}.")
    if repeated := sorted(key for key, count in Counter(keys).items() if count > 1):
        raise ValidationException(f"Tag keys must be unique; the request repeats {', '.join(repeated)}.")
    by_key = {tag["key"]: tag["value"] for tag in tags or []}
    check_number_of_tags(by_key, too_many)
    return by_key


def check_number_of_tags(tags: Mapping[str, str], too_many: type[ApiError] = TooManyTagsException) -> None:
    """Check the number of tags that a resource would have after a request.

    :raises ApiError: there are more tags than a resource can have. The error has the class ``too_many``.
    """
    if len(tags) > TAGS_PER_RESOURCE:
        raise too_many(f"A resource can have {TAGS_PER_RESOURCE} tags; with this request, it would have {len(tags)}.")
