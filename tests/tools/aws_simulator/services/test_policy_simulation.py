from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tools.aws_simulator.account.records import RoleRecord
from tools.aws_simulator.protocol.errors import ServiceError
from tools.aws_simulator.services.policy_simulation import simulate
from tools.aws_simulator.testing import start_simulator

ROLE = "arn:aws:iam::123456789012:role/airflow"
MANAGED, BOUNDARY = "arn:aws:iam::123456789012:policy/run", "arn:aws:iam::123456789012:policy/boundary"
OBJECT, OTHER = "arn:aws:s3:::data/runs/a", "arn:aws:s3:::data/secret"


def document(*actions: str, resource: str = "*", effect: str = "Allow", **more: Any) -> dict[str, Any]:
    statement = {"Effect": effect, "Action": list(actions), "Resource": resource, **more}
    return {"Version": "2012-10-17", "Statement": [statement]}


def role(boundary: str | None = None) -> RoleRecord:
    inline = document("s3:GetObject", resource="arn:aws:s3:::data/runs/*")
    return RoleRecord(
        id="AROA1",
        name="airflow",
        path="/",
        created=0.0,
        trust="{}",
        description="",
        tags=[],
        max_session_seconds=None,
        boundary=boundary,
        policies={"inline": json.dumps(inline)},
        attached=[MANAGED],
    )


def result(*actions: str, attached: dict[str, Any] | None = None, **arguments: Any) -> list[dict[str, Any]]:
    documents = {MANAGED: attached or document("iam:GetRole"), BOUNDARY: document("s3:*")}
    boundary = arguments.pop("boundary", None)
    asked = {"PolicySourceArn": ROLE, "ActionNames": list(actions), **arguments}
    answer = simulate({ROLE: role(boundary)}, documents.get, asked)
    assert answer["IsTruncated"] is False
    return list(answer["EvaluationResults"])


def decisions(*actions: str, **arguments: Any) -> list[str]:
    return [one["EvalDecision"] for one in result(*actions, **arguments)]


def test_each_action_is_evaluated_for_each_resource() -> None:
    found = result("s3:GetObject", "s3:PutObject", ResourceArns=[OBJECT, OTHER])
    assert [(one["EvalActionName"], one["EvalResourceName"], one["EvalDecision"]) for one in found] == [
        ("s3:GetObject", OBJECT, "allowed"),
        ("s3:GetObject", OTHER, "implicitDeny"),
        ("s3:PutObject", OBJECT, "implicitDeny"),
        ("s3:PutObject", OTHER, "implicitDeny"),
    ]


def test_without_resources_an_action_is_evaluated_for_all() -> None:
    assert decisions("iam:GetRole", "s3:GetObject") == ["allowed", "implicitDeny"]


def test_the_policies_that_decide_are_named() -> None:
    allowed = result("s3:GetObject", ResourceArns=[OBJECT])[0]
    assert allowed["MatchedStatements"] == [{"SourcePolicyId": "role_airflow_inline", "SourcePolicyType": "role"}]
    deny = document("s3:*", effect="Deny")
    denied = result("s3:GetObject", ResourceArns=[OBJECT], attached=deny)[0]
    assert denied["EvalDecision"] == "explicitDeny"
    assert denied["MatchedStatements"] == [{"SourcePolicyId": "run", "SourcePolicyType": "user-managed"}]
    assert result("s3:PutObject")[0]["MatchedStatements"] == []


def test_conditions_see_only_the_stated_keys_and_the_others_are_listed() -> None:
    condition = {"StringEquals": {"aws:ResourceTag/project": "p"}, "Bool": {"aws:SecureTransport": "true"}}
    attached = document("bedrock:DeleteCustomModel", Condition=condition)
    found = result("bedrock:DeleteCustomModel", attached=attached)[0]
    assert found["EvalDecision"] == "implicitDeny"
    assert found["MissingContextValues"] == ["aws:ResourceTag/project", "aws:SecureTransport"]
    entries = [
        {"ContextKeyName": "aws:resourcetag/project", "ContextKeyValues": ["p"], "ContextKeyType": "string"},
        {"ContextKeyName": "aws:SecureTransport", "ContextKeyValues": ["true"], "ContextKeyType": "boolean"},
    ]
    found = result("bedrock:DeleteCustomModel", attached=attached, ContextEntries=entries)[0]
    assert (found["EvalDecision"], found["MissingContextValues"]) == ("allowed", [])
    # Statements about other actions need no keys.
    assert result("iam:GetRole", attached=attached)[0]["MissingContextValues"] == []


def test_a_boundary_limits_what_the_policies_allow() -> None:
    found = result("s3:GetObject", "iam:GetRole", ResourceArns=[OBJECT], boundary=BOUNDARY)
    assert [one["EvalDecision"] for one in found] == ["allowed", "implicitDeny"]
    details = [one["PermissionsBoundaryDecisionDetail"]["AllowedByPermissionsBoundary"] for one in found]
    assert details == [True, False]
    given = [json.dumps(document("iam:*"))]
    own = {"boundary": BOUNDARY, "PermissionsBoundaryPolicyInputList": given}
    assert decisions("s3:GetObject", "iam:GetRole", ResourceArns=[OBJECT], **own) == ["implicitDeny", "allowed"]


def test_further_policies_can_be_tried() -> None:
    given = [json.dumps(document("s3:PutObject"))]
    assert decisions("s3:PutObject", "s3:DeleteObject", PolicyInputList=given) == ["allowed", "implicitDeny"]


def test_the_policy_of_a_resource_can_be_tried_for_a_caller() -> None:
    allow = {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "s3:PutObject", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    assert decisions("s3:PutObject", ResourcePolicy=policy, CallerArn=ROLE) == ["allowed"]
    other = "arn:aws:iam::123456789012:role/other"
    assert decisions("s3:PutObject", ResourcePolicy=policy, CallerArn=other) == ["implicitDeny"]
    with pytest.raises(ServiceError, match="CallerArn is required"):
        result("s3:PutObject", ResourcePolicy=policy)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"PolicySourceArn": "arn:aws:iam::123456789012:role/absent"}, "cannot be found"),
        ({"PolicySourceArn": "arn:aws:sts::123456789012:assumed-role/airflow/x"}, "Invalid Entity Arn"),
        ({"ActionNames": ["s3:*"]}, "Invalid action"),
        ({"PolicyInputList": ["{}"]}, "Syntax errors in policy"),
        ({"PermissionsBoundaryPolicyInputList": ['{"Statement": []}'] * 2}, "Syntax errors in policy"),
        ({"PermissionsBoundaryPolicyInputList": [json.dumps(document("a:A"))] * 2}, "Only one permissions boundary"),
        ({"ResourceOwner": "123456789012"}, "does not support ResourceOwner"),
        ({"Marker": "x"}, "Invalid Marker"),
    ],
)
def test_arguments_that_cannot_be_simulated_are_refused(arguments: dict[str, Any], message: str) -> None:
    asked = {"PolicySourceArn": ROLE, "ActionNames": ["s3:GetObject"], **arguments}
    with pytest.raises(ServiceError, match=message):
        simulate({ROLE: role()}, {}.get, asked)


def test_the_operation_is_answered_page_by_page(tmp_path: Path) -> None:
    with start_simulator(tmp_path, policies=[], callers={"run": "airflow"}) as simulator:
        iam = simulator.boto("iam")
        policy = json.dumps(document("s3:GetObject", "iam:SimulatePrincipalPolicy"))
        iam.put_role_policy(RoleName="airflow", PolicyName="inline", PolicyDocument=policy)
        caller = simulator.boto("iam", access_key="run")
        pages = caller.get_paginator("simulate_principal_policy").paginate(
            PolicySourceArn=ROLE,
            ActionNames=["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            ContextEntries=[{"ContextKeyName": "s3:prefix", "ContextKeyValues": ["a"], "ContextKeyType": "string"}],
            PaginationConfig={"PageSize": 2},
        )
        found = [page["EvaluationResults"] for page in pages]
        assert [len(page) for page in found] == [2, 1]
        assert [one["EvalDecision"] for page in found for one in page] == ["allowed", "implicitDeny", "implicitDeny"]
        with pytest.raises(ClientError, match="NoSuchEntity"):
            caller.simulate_principal_policy(PolicySourceArn=ROLE + "s", ActionNames=["s3:GetObject"])
