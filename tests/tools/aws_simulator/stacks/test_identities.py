from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.aws_simulator.account.moto_calls import MotoThread
from tools.aws_simulator.account.state import State
from tools.aws_simulator.services.iam import Iam
from tools.aws_simulator.stacks.identities import Identities, of_type
from tools.aws_simulator.stacks.template import RenderedResource
from tools.aws_simulator.stacks.yaml_files import StackError

ROLE_ARN, POLICY_ARN = "arn:aws:iam::123456789012:role/jobs", "arn:aws:iam::123456789012:policy/run"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def document(action: str) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}


def role(**properties: Any) -> RenderedResource:
    return RenderedResource("AWS::IAM::Role", "jobs", ROLE_ARN, {"AssumeRolePolicyDocument": TRUST, **properties})


def managed(action: str, **properties: Any) -> RenderedResource:
    return RenderedResource(
        "AWS::IAM::ManagedPolicy", "run", POLICY_ARN, {"PolicyDocument": document(action), **properties}
    )


@pytest.fixture
def iam(tmp_path: Path) -> Iterator[Iam]:
    state, moto = State(tmp_path / "state.sqlite"), MotoThread()
    account = Iam(state, moto)
    yield account
    account.close()
    moto.close()
    state.close()


def test_nothing_changes_before_the_identities_are_stored(iam: Iam) -> None:
    identities = Identities(iam)
    identities.put_role("here", role(), {"Cost": "1"})
    identities.put_managed_policy("here", managed("s3:GetObject", Roles=["jobs"]))
    identities.attach("here", managed("s3:GetObject", Roles=["jobs"]))
    assert (iam.roles, iam.policies) == ({}, {})
    identities.store()
    assert iam.roles[ROLE_ARN]["attached"] == [POLICY_ARN]
    assert iam.roles[ROLE_ARN]["tags"] == [{"Key": "Cost", "Value": "1"}]
    assert iam.document(POLICY_ARN) == document("s3:GetObject")


def test_only_a_changed_document_becomes_a_new_version_and_five_are_kept(iam: Iam) -> None:
    for action in ("a:A", "a:A", "b:B", "c:C", "d:D", "e:E", "f:F"):
        identities = Identities(iam)
        identities.put_managed_policy("here", managed(action))
        identities.store()
    versions = iam.policies[POLICY_ARN]["versions"]
    assert [version["id"] for version in versions] == ["v2", "v3", "v4", "v5", "v6"]
    assert [version["default"] for version in versions] == [False, False, False, False, True]
    assert iam.document(POLICY_ARN) == document("f:F")


def test_an_inline_policy_is_put_into_each_named_role(iam: Iam) -> None:
    identities = Identities(iam)
    identities.put_role("here", role(Policies=[{"PolicyName": "own", "PolicyDocument": document("a:A")}]), {})
    inline = RenderedResource(
        "AWS::IAM::Policy", "more", "", {"PolicyDocument": document("b:B"), "PolicyName": "more", "Roles": ["jobs"]}
    )
    identities.put_inline_policy("here", inline)
    identities.store()
    policies = {name: json.loads(text) for name, text in iam.roles[ROLE_ARN]["policies"].items()}
    assert policies == {"own": document("a:A"), "more": document("b:B")}


def test_a_role_may_trust_another_role_of_its_stack(iam: Iam) -> None:
    identities = Identities(iam)
    other = "arn:aws:iam::123456789012:role/team/airflow"
    trust = {**TRUST, "Statement": [{**TRUST["Statement"][0], "Principal": {"AWS": other}}]}  # type: ignore[dict-item]
    identities.put_role("here", role(AssumeRolePolicyDocument=trust), {})
    with pytest.raises(StackError, match=r"^here\.AssumeRolePolicyDocument\.Statement\[0\]: Invalid principal"):
        identities.check_role("here", role())
    airflow = RenderedResource(
        "AWS::IAM::Role", "airflow", other, {"AssumeRolePolicyDocument": TRUST, "Path": "/team/"}
    )
    identities.put_role("here", airflow, {})
    identities.check_role("here", role())


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        (role(Policies=[{"PolicyName": "own"}]), r"^here\.Policies\[0\]\.PolicyDocument: a policy document"),
        (role(Policies=[{"PolicyName": "own", "PolicyDocument": {"Version": "1"}}]), r"^here\.Policies\[0\]\.Policy"),
        (
            role(Policies=[{"PolicyName": "own", "PolicyDocument": document("a:" + "A" * 11_000)}]),
            "Maximum policy size",
        ),
        (role(RoleNames="x"), r"^here\.RoleNames: the AWS simulator does not have"),
    ],
)
def test_a_role_that_iam_does_not_accept_is_refused(iam: Iam, resource: RenderedResource, message: str) -> None:
    with pytest.raises(StackError, match=message):
        Identities(iam).put_role("here", resource, {})


def test_a_managed_policy_that_is_too_long_is_refused(iam: Iam) -> None:
    with pytest.raises(StackError, match="Cannot exceed quota for PolicySize: 6144"):
        Identities(iam).put_managed_policy("here", managed("a:" + "A" * 6200))


def test_a_policy_of_a_role_that_does_not_exist_is_refused(iam: Iam) -> None:
    with pytest.raises(StackError, match="The role with name jobs cannot be found"):
        Identities(iam).attach("here", managed("a:A", Roles=["jobs"]))


def test_resources_of_a_type_are_found_with_their_place() -> None:
    resources = {"Jobs": role(), "Run": managed("a:A")}
    assert list(of_type(resources, "AWS::IAM::Role")) == [("Resources.Jobs.Properties", resources["Jobs"])]
