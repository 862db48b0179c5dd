"""The template's policies agree with AWS's table of actions, and allow what the plugins call and nothing else."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

import pytest

from include.distill.core.paths import PROJECT_ROOT
from tests.deploy.aws_table import (
    GLOBAL_KEYS,
    MISSING_FROM_TABLE,
    condition_keys,
    is_known,
    is_of_type,
    resource_arns,
)
from tests.deploy.plugin_calls import actions_of, called_methods, named_methods, needed_actions
from tests.deploy.stack_under_test import POLICIES_OF, TEMPLATE, actions, documents, largest_stack, statements, texts

OF_AIRFLOW = (*POLICIES_OF["run"], *POLICIES_OF["promotion"], *POLICIES_OF["clean_up"])
OF_JOBS = (*POLICIES_OF["jobs"], "JobsVpcPolicy")
# Actions without a call in the plugins, and why the policies have them.
WITHOUT_A_CALL = {
    "aws-marketplace:Subscribe": "the first call of a model that is not from Amazon",
    "aws-marketplace:ViewSubscriptions": "the same",
    "bedrock:InvokeModelWithResponseStream": "a prompt optimization job, with the permissions of its buyer",
    "iam:PassRole": "the purchase of a job with a role",
    "kms:CreateGrant": "a model that is encrypted with the key",
    "kms:Decrypt": "objects and models that are encrypted with the key",
    "kms:GenerateDataKey": "objects that are encrypted with the key",
    "sns:Publish": "notifications, which Airflow's own notifiers send",
    "sqs:SendMessage": "the same",
}
# Actions that have resource types, but are allowed on every resource, and why.
ON_EVERYTHING = {
    "bedrock:CreateEvaluationJob": "a job for human workers names no model",
    "sagemaker:DeleteHumanLoop": "https://docs.aws.amazon.com/bedrock/latest/userguide/model-eval-service-roles.html",
    "sagemaker:DescribeFlowDefinition": "the same page",
    "sagemaker:DescribeHumanLoop": "the same page",
    "sagemaker:StartHumanLoop": "the same page",
    "sagemaker:StopHumanLoop": "the same page",
}
# Resource types that AWS's guides name for an action, but its table does not.
# https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-permissions.html and judge-service-roles.html;
# https://docs.aws.amazon.com/step-functions/latest/dg/connect-bedrock.html for the customization job
ALSO_ON = {
    "bedrock:CreateModelCustomizationJob": [
        "arn:${Partition}:bedrock:${Region}:${Account}:model-customization-job/${ResourceId}"
    ],
    "bedrock:CreateModelInvocationJob": [
        "arn:${Partition}:bedrock:${Region}:${Account}:inference-profile/${ResourceId}"
    ],
    "bedrock:ListTagsForResource": MISSING_FROM_TABLE["bedrock:CreateAdvancedPromptOptimizationJob"],
    "bedrock:TagResource": MISSING_FROM_TABLE["bedrock:CreateAdvancedPromptOptimizationJob"],
    # UNVERIFIED: the new endpoint.
    "bedrock:CreateCustomModelDeployment": [
        "arn:${Partition}:bedrock:${Region}:${Account}:custom-model-deployment/${ResourceId}"
    ],
    "bedrock:CreateProvisionedModelThroughput": [
        "arn:${Partition}:bedrock:${Region}:${Account}:provisioned-model/${ResourceId}"
    ],
}
MOST_CHARACTERS = 6_144  # of a managed policy, without white space
MOST_INLINE_CHARACTERS = 10_240  # of all inline policies of a role
MOST_TEMPLATE_BYTES = 51_200  # of a template in a request, not in a bucket

STATEMENTS = [pytest.param(statement, id=name) for name, statement in statements(largest_stack())]


def test_the_calls_of_the_plugins_are_found() -> None:
    found = called_methods()
    assert len(found) > 30
    assert {("bedrock-runtime", "count_tokens"), ("bedrock", "list_model_invocation_jobs")} <= found
    assert ("s3", "delete_objects") in found


def test_calls_go_through_one_module_of_the_plugins() -> None:
    # `called_methods` finds only calls that go through AwsClients.
    users = {
        path.name
        for path in (PROJECT_ROOT / "plugins").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("client", "get_client_type", "get_conn", "conn")
    }
    # The others read the address of a client, sign a URL, or create a client in advance. They send no request.
    assert users == {"aws.py", "links.py", "resource_pages.py", "billed_now.py", "served_pages.py"}


@pytest.mark.parametrize(("service", "method"), sorted(called_methods()))
def test_a_policy_allows_each_call_of_the_plugins(service: str, method: str) -> None:
    allowed = actions(largest_stack(), *OF_AIRFLOW, "CheckPolicy")
    assert [action for action in actions_of(service, method) if action not in allowed] == []


def test_the_policies_of_airflow_allow_no_action_that_nothing_needs() -> None:
    assert actions(largest_stack(), *OF_AIRFLOW) - needed_actions() == WITHOUT_A_CALL.keys()


def test_the_policy_of_the_check_allows_exactly_what_the_check_calls() -> None:
    # The check also reads Bedrock and S3 through the hooks of the runs.
    of_the_check = {action for service, method in named_methods("account.py") for action in actions_of(service, method)}
    through_other_hooks = {
        *("bedrock:GetFoundationModel", "bedrock:GetFoundationModelAvailability", "bedrock:ListCustomModelDeployments"),
        *("s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket"),
    }
    assert through_other_hooks <= needed_actions()
    assert actions(largest_stack(), "CheckPolicy") == of_the_check | through_other_hooks


def test_every_exception_is_needed() -> None:
    everything = actions(largest_stack())
    assert (MISSING_FROM_TABLE.keys() | ON_EVERYTHING.keys() | ALSO_ON.keys()) <= everything
    assert [action for action in MISSING_FROM_TABLE if is_known(action)] == []


@pytest.mark.parametrize("statement", STATEMENTS)
def test_aws_knows_each_action(statement: dict[str, Any]) -> None:
    wildcards = [action for action in texts(statement["Action"]) if "*" in action]
    unknown = [action for action in texts(statement["Action"]) if not is_known(action)]
    assert wildcards == []
    assert set(unknown) <= MISSING_FROM_TABLE.keys()


def types_of(action: str) -> list[str]:
    return [*resource_arns(action), *ALSO_ON.get(action, [])]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_each_action_is_limited_to_its_resource_types(statement: dict[str, Any]) -> None:
    for action in texts(statement["Action"]):
        if texts(statement["Resource"]) == ["*"]:
            assert action in ON_EVERYTHING or not resource_arns(action), f"{action} has resource types"
        else:
            fitting = [one for one in texts(statement["Resource"]) if any(is_of_type(one, t) for t in types_of(action))]
            assert fitting, f"{action} applies to none of the resources"


@pytest.mark.parametrize("statement", STATEMENTS)
def test_each_resource_has_a_type_that_one_of_the_actions_supports(statement: dict[str, Any]) -> None:
    types = {one for action in texts(statement["Action"]) for one in types_of(action)}
    strange = [one for one in texts(statement["Resource"]) if one != "*" and not any(is_of_type(one, t) for t in types)]
    assert strange == []


def keys_of(statement: dict[str, Any]) -> set[str]:
    keys = {key for operator in statement.get("Condition", {}).values() for key in operator}
    return {re.sub(r"/.*", "", key) for key in keys} - GLOBAL_KEYS


@pytest.mark.parametrize("statement", STATEMENTS)
def test_aws_evaluates_each_condition_key_for_each_action_and_resource_type(statement: dict[str, Any]) -> None:
    for action in texts(statement["Action"]):
        types: list[str | None] = [
            one
            for one in resource_arns(action)
            if any(is_of_type(given, one) for given in texts(statement["Resource"]))
        ]
        for one in types or [None]:
            assert keys_of(statement) - condition_keys(action, one) == set(), (action, one)


def size(document: object) -> int:
    return len(re.sub(r"\s", "", json.dumps(document, separators=(",", ":"))))


@pytest.mark.parametrize("name", [*OF_AIRFLOW, "CheckPolicy"])
def test_each_managed_policy_is_small_enough_with_every_option(name: str) -> None:
    assert size(documents(largest_stack())[name]) <= MOST_CHARACTERS


def test_the_inline_policies_of_the_role_are_small_enough_with_every_option() -> None:
    assert sum(size(documents(largest_stack())[name]) for name in OF_JOBS) <= MOST_INLINE_CHARACTERS


def test_every_policy_is_checked() -> None:
    assert documents(largest_stack()).keys() == {*OF_AIRFLOW, "CheckPolicy", *OF_JOBS}


def test_the_template_fits_into_a_request() -> None:
    assert TEMPLATE.stat().st_size <= MOST_TEMPLATE_BYTES
