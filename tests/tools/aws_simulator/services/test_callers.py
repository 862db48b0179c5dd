from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.aws_simulator import start_simulator
from tests.tools.aws_simulator.builders import refused
from tools.aws_simulator.services.callers import check_caller

ACCOUNT = "123456789012"


def test_a_key_acts_for_a_role_that_is_created_and_kept(tmp_path: Path) -> None:
    callers = {"distill-run": "runner"}
    with start_simulator(tmp_path, callers=callers) as simulator:
        iam = simulator.boto("iam")
        role = iam.get_role(RoleName="runner")["Role"]
        identity = simulator.boto("sts", access_key="distill-run").get_caller_identity()
        assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/runner/distill-run"
        assert identity["UserId"] == f"{role['RoleId']}:distill-run"
        assert iam.list_role_policies(RoleName="runner")["PolicyNames"] == []
        iam.put_role_policy(RoleName="runner", PolicyName="p", PolicyDocument=_EVERYTHING)
    with start_simulator(tmp_path, callers=callers) as simulator:
        assert simulator.boto("iam").list_role_policies(RoleName="runner")["PolicyNames"] == ["p"]


_EVERYTHING = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'


def test_a_key_of_a_role_needs_the_permission_to_assume_another_role(tmp_path: Path) -> None:
    trust = _EVERYTHING.replace('"Action": "*", "Resource": "*"', '"Action": "sts:AssumeRole", "Principal": "*"')
    with start_simulator(tmp_path, callers={"distill-run": "runner"}) as simulator:
        arn = simulator.boto("iam").create_role(RoleName="other", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        sts = simulator.boto("sts", access_key="distill-run")
        with refused(
            "AccessDenied",
            f"assumed-role/runner/distill-run is not authorized to perform: sts:AssumeRole on resource: {arn}",
        ):
            sts.assume_role(RoleArn=arn, RoleSessionName="run")
        simulator.boto("iam").put_role_policy(RoleName="runner", PolicyName="p", PolicyDocument=_EVERYTHING)
        assert sts.assume_role(RoleArn=arn, RoleSessionName="run")["AssumedRoleUser"]["Arn"].endswith("/other/run")


@pytest.mark.parametrize("policies", [None, []])
@pytest.mark.parametrize(
    ("condition", "stated"),
    [
        ({"sts:ExternalId": "secret"}, {"ExternalId": "secret"}),
        ({"sts:RoleSessionName": "run"}, {}),
        ({"aws:RequestTag/team": "a"}, {"Tags": [{"Key": "team", "Value": "a"}]}),
    ],
)
def test_conditions_on_assuming_a_role_see_what_the_request_states(
    tmp_path: Path, policies: list[Path] | None, condition: dict[str, str], stated: dict[str, Any]
) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    allow = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*", "Condition": {"StringEquals": condition}}
    documents = [json.dumps({"Version": "2012-10-17", "Statement": [statement]}) for statement in (trust, allow)]
    with start_simulator(tmp_path, policies=policies, callers={"distill-run": "runner"}) as simulator:
        iam, sts = simulator.boto("iam"), simulator.boto("sts", access_key="distill-run")
        arn = iam.create_role(RoleName="other", AssumeRolePolicyDocument=documents[0])["Role"]["Arn"]
        iam.put_role_policy(RoleName="runner", PolicyName="p", PolicyDocument=documents[1])
        assert sts.assume_role(RoleArn=arn, RoleSessionName="run", **stated)["Credentials"]
        with refused("AccessDenied", "is not authorized to perform: sts:AssumeRole"):
            sts.assume_role(RoleArn=arn, RoleSessionName="other")


@pytest.mark.parametrize(("key", "name"), [("", "r"), ("a b", "r"), ("key", ""), ("key", "a/b"), ("key", "a" * 65)])
def test_a_key_or_a_name_that_aws_would_not_accept(key: str, name: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        check_caller(key, name)
