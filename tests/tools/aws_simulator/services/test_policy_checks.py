from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator.builders import refused
from tests.tools.aws_simulator.services.test_iam import READ, TRUST, create_role
from tools.aws_simulator.protocol.errors import ServiceError
from tools.aws_simulator.services.policy_checks import check_permissions, check_trust

STATEMENT = TRUST["Statement"][0]


def trust(**changes: Any) -> str:
    statement = {**STATEMENT, **changes}  # type: ignore[dict-item]
    return json.dumps({"Version": "2012-10-17", "Statement": [{k: v for k, v in statement.items() if v is not None}]})


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (trust(Principal=None), "MalformedPolicyDocument"),
        (trust(Principal={"AWS": "junk"}), "MalformedPolicyDocument"),
        (trust(Principal={"Foo": "x"}), "MalformedPolicyDocument"),
        (trust(Principal=None, NotPrincipal={"Service": "ec2.amazonaws.com"}), "MalformedPolicyDocument"),
        (trust(Sid="a b!"), "MalformedPolicyDocument"),
        (trust(Resource="*"), "MalformedPolicyDocument"),
        (trust(Action="s3:assumerole"), "MalformedPolicyDocument"),
        (trust(Action=["sts:AssumeRole", "sts:foo"]), "MalformedPolicyDocument"),
        (trust(Condition={"StringLike": {"aws:Foo": "x" * 3000}}), "LimitExceeded"),
        ("[]", "MalformedPolicyDocument"),
    ],
)
def test_refused_trust_policies(text: str, code: str) -> None:
    with pytest.raises(ServiceError) as caught:
        check_trust(text, ())
    assert caught.value.code == code


@pytest.mark.parametrize("action", ["sts:assumerole", ["STS:AssumeRole", "sts:tagsession"], ["sts:AssumeRole"]])
def test_the_case_of_an_action_does_not_matter(simulator: RunningSimulator, action: Any) -> None:
    role = create_role(
        simulator.boto("iam"), AssumeRolePolicyDocument=trust(Action=action, Principal={"AWS": "123456789012"})
    )
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Action"] == action
    assert simulator.boto("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="run")["Credentials"]


@pytest.mark.parametrize("version", [{}, {"Version": "2008-10-17"}, {"Version": "2012-10-17"}])
def test_the_versions_of_trust_policies(simulator: RunningSimulator, version: dict[str, str]) -> None:
    iam = simulator.boto("iam")
    document = {**version, "Statement": [{**STATEMENT, "Principal": {"AWS": "123456789012"}}]}  # type: ignore[dict-item]
    created = create_role(iam, AssumeRolePolicyDocument=json.dumps(document))
    assert iam.get_role(RoleName=created["RoleName"])["Role"]["AssumeRolePolicyDocument"] == document
    updated = create_role(iam)
    iam.update_assume_role_policy(RoleName=updated["RoleName"], PolicyDocument=json.dumps(document))
    assert iam.get_role(RoleName=updated["RoleName"])["Role"]["AssumeRolePolicyDocument"] == document
    for role in (created, updated):
        assert simulator.boto("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="run")["Credentials"]


@pytest.mark.parametrize("text", [json.dumps({**TRUST, "Version": "2010-01-01"}), trust(Resource="*"), "{"])
def test_an_update_to_a_wrong_trust_policy_changes_nothing(simulator: RunningSimulator, text: str) -> None:
    iam = simulator.boto("iam")
    name = create_role(iam)["RoleName"]
    with refused("MalformedPolicyDocument", status=400):
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=text)
    assert iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"] == TRUST
    with refused("NoSuchEntity", status=404):
        iam.update_assume_role_policy(RoleName="absent", PolicyDocument=json.dumps(TRUST))


def test_a_trusted_role_of_the_account_must_exist(simulator: RunningSimulator) -> None:
    iam = simulator.boto("iam")
    trusted = create_role(iam)
    missing = f"{trusted['Arn']}-missing"
    for principal in (missing, [trusted["Arn"], missing], "arn:aws:iam::123456789012:user/someone"):
        refused_arn = principal[-1] if isinstance(principal, list) else principal
        with refused("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{refused_arn}"', status=400):
            create_role(iam, AssumeRolePolicyDocument=trust(Principal={"AWS": principal}))
        with refused("MalformedPolicyDocument", status=400):
            document = trust(Principal={"AWS": principal})
            iam.update_assume_role_policy(RoleName=trusted["RoleName"], PolicyDocument=document)
    for principal in (trusted["Arn"], "arn:aws:iam::999999999999:role/other"):
        assert create_role(iam, AssumeRolePolicyDocument=trust(Principal={"AWS": principal}))["Arn"]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"Statement": {"Principal": "*"}}, "MalformedPolicyDocument"),
        ({"Statement": [{"Sid": "a b"}]}, "MalformedPolicyDocument"),
        ({"Statement": "x" * 10_300}, "LimitExceeded"),
    ],
)
def test_refused_permissions(document: Any, code: str) -> None:
    for managed in (True, False):
        with pytest.raises(ServiceError) as caught:
            check_permissions(json.dumps(document), managed=managed)
        assert caught.value.code == code
    check_permissions(json.dumps(READ) + " " * 20_000, managed=True)


def test_the_arn_and_the_tags_of_a_session(simulator: RunningSimulator) -> None:
    sts, iam = simulator.boto("sts"), simulator.boto("iam")
    with refused("ValidationError", "is invalid"):
        sts.assume_role(RoleArn="x" * 30, RoleSessionName="s1")
    tags = [{"Key": "a", "Value": "b"}]
    root = {"AWS": "123456789012"}
    plain = create_role(iam, AssumeRolePolicyDocument=trust(Principal=root))["Arn"]
    with refused("AccessDenied", "sts:TagSession", status=403):
        sts.assume_role(RoleArn=plain, RoleSessionName="s1", Tags=tags)
    both = create_role(iam, AssumeRolePolicyDocument=trust(Principal=root, Action=["sts:AssumeRole", "sts:TagSession"]))
    assert sts.assume_role(RoleArn=both["Arn"], RoleSessionName="s1", Tags=tags)["Credentials"]
