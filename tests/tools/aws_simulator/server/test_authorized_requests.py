"""Requests of all services in an account in which every request is authorised."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator, start_simulator
from tests.tools.aws_simulator.builders import (
    STUDENT,
    batch_request,
    finished_optimization,
    fresh,
    optimization_request,
    refused,
)
from tests.tools.aws_simulator.server.test_session_tokens import CALLS, REFUSALS, S3_MISSING, client_of
from tests.tools.aws_simulator.services.test_sts import ACCOUNT, assumable

CALLERS = {"run-key": "runner"}
CALLER = f"arn:aws:sts::{ACCOUNT}:assumed-role/runner/run-key"


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    """An account with a role that its tests give permissions to."""
    with start_simulator(tmp_path_factory.mktemp("aws_simulator"), policies=[], callers=CALLERS) as running:
        yield running


@pytest.mark.parametrize("service", CALLS)
def test_a_key_of_nobody_is_refused(simulator: RunningSimulator, service: str) -> None:
    assert CALLS[service](simulator.boto(service)), "the owner's key is accepted"
    code, text, status = S3_MISSING if service == "s3" else REFUSALS[service][0]
    with refused(code, text, status=status):
        CALLS[service](simulator.boto(service, access_key="stranger"))


def allow(simulator: RunningSimulator, *statements: dict[str, Any]) -> None:
    """Replace the permissions of the role."""
    entries = [{"Effect": "Allow", "Resource": "*", **statement} for statement in statements]
    iam = simulator.boto("iam")
    if entries:
        document = json.dumps({"Version": "2012-10-17", "Statement": entries})
        iam.put_role_policy(RoleName="runner", PolicyName="p", PolicyDocument=document)
    elif iam.list_role_policies(RoleName="runner")["PolicyNames"]:
        iam.delete_role_policy(RoleName="runner", PolicyName="p")


def refusal(action: str, resource: str = "") -> str:
    on = f" on resource: {resource}" if resource else ""
    return f"User: {CALLER} is not authorized to perform: {action}{on} because no identity-based policy allows the"


DENIALS = {
    "bedrock": ("AccessDeniedException", 403, refusal("bedrock:ListFoundationModels")),
    "bedrock-runtime": (
        "AccessDeniedException",
        403,
        refusal("bedrock:InvokeModel", f"arn:aws:bedrock:us-east-1:{ACCOUNT}:inference-profile/{STUDENT}"),
    ),
    "iam": ("AccessDenied", 403, refusal("iam:ListRoles")),
    "service-quotas": ("AccessDeniedException", 400, refusal("servicequotas:ListServiceQuotas")),
    "pricing": ("AccessDeniedException", 400, refusal("pricing:DescribeServices")),
}


@pytest.mark.parametrize("service", DENIALS)
def test_a_caller_may_do_only_what_its_policies_allow(simulator: RunningSimulator, service: str) -> None:
    allow(simulator)
    code, status, text = DENIALS[service]
    client = simulator.boto(service, access_key="run-key")
    with refused(code, text, status=status):
        CALLS[service](client)
    allow(simulator, {"Action": "*"})
    assert CALLS[service](client)


def test_who_one_is_needs_no_permission(simulator: RunningSimulator) -> None:
    allow(simulator)
    assert simulator.boto("sts", access_key="run-key").get_caller_identity()["Arn"] == CALLER


def test_a_refused_job_names_the_role_that_may_not_be_passed_and_is_not_created(simulator: RunningSimulator) -> None:
    allow(simulator, {"Action": "bedrock:*"})
    request, client = batch_request(simulator), simulator.boto("bedrock", access_key="run-key")
    with refused("AccessDeniedException", refusal("iam:PassRole", request["roleArn"])):
        client.create_model_invocation_job(**request)
    assert client.list_model_invocation_jobs()["invocationJobSummaries"] == []
    passing = {
        "Action": "iam:PassRole",
        "Condition": {"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}},
    }
    allow(simulator, {"Action": "bedrock:*"}, passing)
    assert client.create_model_invocation_job(**request)["jobArn"]


def test_a_condition_on_tags_separates_two_environments(simulator: RunningSimulator) -> None:
    allow(
        simulator,
        {"Action": "bedrock:Create*", "Condition": {"StringEquals": {"aws:RequestTag/environment": "a"}}},
        {"Action": "bedrock:TagResource"},
        {"Action": "bedrock:Delete*", "Condition": {"StringEquals": {"aws:ResourceTag/environment": "a"}}},
    )
    client, owner = simulator.boto("bedrock", access_key="run-key"), simulator.boto("bedrock")
    source = {"copyFrom": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-micro-v1:0"}

    def create(creator: Any, environment: str) -> str:
        tags = [{"key": "environment", "value": environment}]
        name = fresh("profile")
        profile = creator.create_inference_profile(inferenceProfileName=name, modelSource=source, tags=tags)
        return str(profile["inferenceProfileArn"])

    with refused("AccessDeniedException", "bedrock:CreateInferenceProfile"):
        create(client, "b")
    own, other = create(client, "a"), create(owner, "b")
    with refused("AccessDeniedException", refusal("bedrock:DeleteInferenceProfile", other)):
        client.delete_inference_profile(inferenceProfileIdentifier=other)
    client.delete_inference_profile(inferenceProfileIdentifier=own)
    owner.delete_inference_profile(inferenceProfileIdentifier=other)


def test_the_session_of_a_role_has_the_permissions_of_the_role(simulator: RunningSimulator) -> None:
    credentials = simulator.boto("sts").assume_role(RoleArn=assumable(simulator), RoleSessionName="run")["Credentials"]
    with refused("AccessDeniedException", "assumed-role/assumable"):
        client_of(simulator, "bedrock", credentials).list_foundation_models()


def test_the_decisions_are_in_the_log(simulator: RunningSimulator) -> None:
    simulator.admin("POST", "access/clear")
    allow(simulator)
    client = simulator.boto("bedrock", access_key="run-key")
    with refused("AccessDeniedException"):
        client.list_custom_models()
    allow(simulator, {"Action": "bedrock:ListCustomModels"})
    for _ in range(2):
        client.list_custom_models()
    own = [entry for entry in simulator.admin("GET", "access") if entry["caller"] == CALLER]
    expected = {"caller": CALLER, "action": "bedrock:ListCustomModels", "resource": "*"}
    assert own == [{**expected, "allowed": False, "count": 1}, {**expected, "allowed": True, "count": 2}]


def test_an_optimization_job_runs_with_the_permissions_of_the_role_behind_a_key(simulator: RunningSimulator) -> None:
    request = optimization_request(simulator)
    client = simulator.boto("bedrock", access_key="run-key")
    allow(simulator, {"Action": "bedrock:CreateAdvancedPromptOptimizationJob"})
    with refused("AccessDeniedException", "s3:PutObject"):
        client.create_advanced_prompt_optimization_job(**request)
    allow(simulator, {"Action": ["bedrock:*", "s3:*"]})
    arn = client.create_advanced_prompt_optimization_job(**request)["jobArn"]
    assert finished_optimization(simulator, arn)["jobStatus"] == "Completed"
