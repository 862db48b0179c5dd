from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from tools.aws_simulator.access.policies import AccessRequest
from tools.aws_simulator.services import permissions as module
from tools.aws_simulator.services.permissions import PermissionsOfRoles, described

ROLE = "arn:aws:iam::123456789012:role/r"
GET, OBJECT = "s3:GetObject", "arn:aws:s3:::data/a"


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str = "s3:*", effect: str = "Allow", **changes: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": "*", **changes}


class FakeIam:
    """The records of one role, as IAM keeps them."""

    def __init__(self, *statements: dict[str, Any], boundary: str | None = None) -> None:
        self.changes = 0
        self.boundary = boundary
        self.put(*statements)

    def put(self, *statements: dict[str, Any]) -> None:
        policies = {"p": policy(*statements)} if statements else {}
        bound = "arn:boundary" if self.boundary else None
        tags = [{"Key": "Team", "Value": "a"}]
        self.roles = {ROLE: {"policies": policies, "attached": [], "boundary": bound, "tags": tags}}
        self.changes += 1

    def document(self, _: str) -> Any:
        return json.loads(self.boundary or "null")


def refusal(
    iam: FakeIam | None = None, attached: str | None = None, *, roles: Any = None, **context: str
) -> str | None:
    roles = roles or PermissionsOfRoles(iam or SimpleNamespace(changes=0, roles={}))  # type: ignore[arg-type]
    answer: str | None = roles.refusal(ROLE, AccessRequest(GET, OBJECT, context=context), "us-east-1", attached)
    return answer


NOT_ALLOWED = f"because no identity-based policy allows the {GET} action"
OUTSIDE = f"because no permissions boundary allows the {GET} action"
DENIED = "with an explicit deny in"
FROM_BUCKET = policy({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"})
TO_ROLE = policy({"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "s3:*", "Resource": "*"})


@pytest.mark.parametrize(
    ("iam", "attached", "expected"),
    [
        (FakeIam(allow()), None, None),
        (FakeIam(), None, NOT_ALLOWED),
        (None, None, NOT_ALLOWED),
        (FakeIam(allow(), allow(effect="Deny")), None, f"{DENIED} an identity-based policy"),
        (FakeIam(allow(), boundary=policy(allow())), None, None),
        (FakeIam(boundary=policy(allow())), None, NOT_ALLOWED),
        (FakeIam(allow(), boundary=policy(allow("s3:Put*"))), None, OUTSIDE),
        (FakeIam(allow(), boundary=policy(allow(effect="Deny"))), None, f"{DENIED} a permissions boundary"),
        (FakeIam(allow()), FROM_BUCKET, f"{DENIED} a resource-based policy"),
        (FakeIam(), TO_ROLE, None),
    ],
)  # fmt: skip
def test_the_reason_names_the_kind_of_policy(iam: FakeIam | None, attached: str | None, expected: str | None) -> None:
    assert refusal(iam, attached) == expected


def test_a_change_of_the_role_takes_effect_at_once() -> None:
    iam: Any = FakeIam(allow())
    roles = PermissionsOfRoles(iam)
    assert refusal(roles=roles) is None
    iam.put()
    assert refusal(roles=roles) == NOT_ALLOWED


def test_a_decision_is_made_once_for_requests_that_do_not_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[AccessRequest] = []
    decide = module.decide
    monkeypatch.setattr(module, "decide", lambda policies, request: asked.append(request) or decide(policies, request))
    condition = {"StringEquals": {"aws:ResourceTag/Project": "p", "aws:PrincipalTag/team": "${aws:PrincipalTag/team}"}}
    iam: Any = FakeIam(allow(Condition=condition))
    roles = PermissionsOfRoles(iam)
    answers = [refusal(roles=roles, **{"aws:ResourceTag/project": tag, "x": tag}) for tag in ("p", "q", "p", "q")]
    assert answers == [None, NOT_ALLOWED, None, NOT_ALLOWED]
    assert [request.context["aws:resourcetag/project"] for request in asked] == ["p", "q"]
    # The policies do not look at the key x.
    assert refusal(roles=roles, **{"aws:ResourceTag/project": "p", "x": "other"}) is None
    assert len(asked) == 2


def test_the_time_is_a_key_only_for_policies_that_look_at_it() -> None:
    assert "aws:currenttime" not in described("us-east-1", {"aws:resourcetag/x"})
    assert described("us-east-1")["aws:currenttime"].endswith("Z")
    late = {"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}
    assert refusal(FakeIam(allow(Condition=late))) is None
    early = {"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}
    assert refusal(FakeIam(allow(Condition=early))) == NOT_ALLOWED
