from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from tools.aws_simulator.account.calls import Call
from tools.aws_simulator.protocol.errors import AccessDeniedException
from tools.aws_simulator.server.bedrock_access import BedrockAccess
from tools.aws_simulator.server.bedrock_actions import Access

CALL = Call({}, "us-east-1", access_key="key")
NEEDED = (Access("bedrock:A", "arn:1", {"aws:TagKeys": ["x"]}), Access("bedrock:B", "arn:2"))


class FakeAuthorizer:
    """Callers may do everything but ``denied``."""

    def __init__(self, *denied: str, enforced: bool = True) -> None:
        self.enforced = enforced
        self._denied = denied
        self.asked: list[tuple[Any, ...]] = []

    def knows(self, access_key: str) -> bool:
        return access_key == "key"

    def refusal(self, *asked: Any) -> str | None:
        self.asked.append(asked)
        return f"no {asked[1]}" if asked[1] in self._denied else None


class FakeActions:
    def needed(self, operation: str, call: Call) -> tuple[Access, ...]:
        assert (operation, call) == ("Operation", CALL)
        return NEEDED


def check(authorizer: FakeAuthorizer, call: Call = CALL, *, has_api_key: bool = False) -> None:
    access = BedrockAccess(cast(Any, authorizer), cast(Any, FakeActions()))
    access.check("Operation", call, has_api_key=has_api_key)


def test_every_action_of_a_request_is_authorised() -> None:
    authorizer = FakeAuthorizer()
    check(authorizer)
    assert authorizer.asked == [
        ("key", "bedrock:A", "arn:1", "us-east-1", {"aws:TagKeys": ["x"]}),
        ("key", "bedrock:B", "arn:2", "us-east-1", {}),
    ]


def test_the_first_missing_permission_is_named() -> None:
    with pytest.raises(AccessDeniedException, match="no bedrock:A"):
        check(FakeAuthorizer("bedrock:B", "bedrock:A"))


def test_a_request_with_an_api_key_needs_one_more_action() -> None:
    denied = FakeAuthorizer("bedrock:CallWithBearerToken")
    check(denied)
    with pytest.raises(AccessDeniedException, match="CallWithBearerToken"):
        check(denied, has_api_key=True)


def test_nothing_is_asked_if_requests_are_not_authorised() -> None:
    authorizer = FakeAuthorizer("bedrock:A", enforced=False)
    check(authorizer)
    assert authorizer.asked == []


def test_an_api_key_of_nobody_is_not_valid() -> None:
    stranger = replace(CALL, access_key="ABSKstranger")
    with pytest.raises(AccessDeniedException, match="make sure your API Key is valid"):
        check(FakeAuthorizer(), stranger, has_api_key=True)
    check(FakeAuthorizer(enforced=False), stranger, has_api_key=True)
