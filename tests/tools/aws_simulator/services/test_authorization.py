from __future__ import annotations

from typing import Any, cast

from tools.aws_simulator.account.access_log import AccessLog
from tools.aws_simulator.account.calls import ACCOUNT_ID
from tools.aws_simulator.services.authorization import Authorizer
from tools.aws_simulator.services.permissions import ROOT

CALLER = f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/r/key"
MODEL = "arn:aws:bedrock:us-east-1::foundation-model/m"


class FakeSts:
    """A caller with the key ``key`` and the owner with the key ``owner``."""

    def __init__(self, *, enforced: bool) -> None:
        self.enforced = enforced

    def session(self, access_key: str) -> dict[str, str] | None:
        return {"arn": CALLER, "role": "role"} if access_key == "key" else None

    def is_refused(self, access_key: str) -> bool:
        return access_key not in ("key", "owner")


class FakeRoles:
    """Roles that refuse everything to the role, and nothing to the owner."""

    def refusal(self, role_arn: str, action: str, *_: Any, **__: Any) -> str | None:
        return None if role_arn == ROOT else f"because no identity-based policy allows the {action} action"


def authorizer(*, enforced: bool = True) -> tuple[Authorizer, AccessLog]:
    log, sts, roles = AccessLog(), cast(Any, FakeSts(enforced=enforced)), cast(Any, FakeRoles())
    return Authorizer(sts, roles, log), log


def ask(authorizer: Authorizer, key: str, action: str = "bedrock:InvokeModel", resource: str = MODEL) -> str | None:
    return authorizer.refusal(key, action, resource, "us-east-1")


def test_the_message_names_the_caller_the_action_and_the_resource() -> None:
    enforcing, _ = authorizer()
    action = "bedrock:InvokeModel"
    expected = f"{CALLER} is not authorized to perform: {action} on resource: {MODEL} because no identity-based policy"
    assert ask(enforcing, "key") == f"User: {expected} allows the {action} action"
    assert ask(enforcing, "owner") is None


def test_the_message_about_an_action_without_resources_names_none() -> None:
    action = "bedrock:ListFoundationModels"
    expected = f"{CALLER} is not authorized to perform: {action} because no identity-based policy allows the"
    assert ask(authorizer()[0], "key", action, "*") == f"User: {expected} {action} action"


def test_a_key_of_nobody_may_do_nothing() -> None:
    assert "is not authorized" in str(ask(authorizer()[0], "stranger"))


def test_decisions_are_logged() -> None:
    enforcing, log = authorizer()
    for key in ("key", "owner", "owner"):
        ask(enforcing, key)
    assert [(entry["caller"], entry["allowed"], entry["count"]) for entry in log.entries()] == [
        (ROOT, True, 2),
        (CALLER, False, 1),
    ]


def test_nothing_is_refused_or_logged_if_requests_are_not_authorised() -> None:
    open_to_all, log = authorizer(enforced=False)
    assert ask(open_to_all, "key") is None
    assert log.entries() == []
