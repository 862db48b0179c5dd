"""Check that the documented policy allows every call to AWS that the plugins make."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from include.distill.core.paths import PROJECT_ROOT
from tests.docs.pages import page

# boto3's method -> the actions that AWS checks. They are named like the operation, except for these.
OTHER_ACTIONS = {
    "converse": ["bedrock:InvokeModel"],
    "invoke_model": ["bedrock:InvokeModel"],
    "list_objects_v2": ["s3:ListBucket"],
    "head_bucket": ["s3:ListBucket"],
    "head_object": ["s3:GetObject"],
    "get_bucket_cors": ["s3:GetBucketCORS"],
    "upload_fileobj": ["s3:PutObject", "s3:AbortMultipartUpload"],
    "copy": ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
    "delete_objects": ["s3:DeleteObject"],
}
# The page lists these in a table, because only some settings need them.
OPTIONAL = {
    "s3:CreateBucket",
    "s3:PutBucketTagging",
    "s3:GetBucketTagging",
    "s3:GetBucketVersioning",
    "s3:DeleteBucket",
}


@cache
def section_4() -> str:
    return page("how-to/first_run_on_aws.md").split("\n## 4. ")[1].split("\n## 5. ")[0]


def statements() -> list[dict[str, Any]]:
    policy, marketplace = re.findall(r"```json\n(.*?)```", section_4(), re.DOTALL)
    return [*json.loads(policy)["Statement"], json.loads(marketplace)]


def resources_of(action: str) -> list[str]:
    """Return the resources on which the policy allows an action."""
    resources: list[str] = []
    for statement in statements():
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        if action in actions:
            stated = statement["Resource"]
            resources += stated if isinstance(stated, list) else [stated]
    return resources


def called_methods() -> Iterator[tuple[str, str]]:
    """Yield each service and boto3 method that the plugins name in ``call`` or ``paginate``."""
    for path in (PROJECT_ROOT / "plugins").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            texts = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
            if node.func.attr == "call" and len(texts) >= 2:
                yield str(texts[0]), str(texts[1])
            if node.func.attr == "paginate":
                yield "bedrock", str(texts[0])


def methods() -> list[tuple[str, str]]:
    # The method of a model call is chosen by the model: BedrockDistillHook.ask.
    return sorted({*called_methods(), ("bedrock-runtime", "converse"), ("bedrock-runtime", "invoke_model")})


def actions_of(service: str, method: str) -> list[str]:
    operation = "".join(word.capitalize() for word in method.split("_"))
    return OTHER_ACTIONS.get(method, [f"{service.removesuffix('-runtime')}:{operation}"])


def test_the_calls_of_the_plugins_are_found() -> None:
    found = methods()
    assert len(found) > 30
    assert ("bedrock-runtime", "count_tokens") in found
    assert ("bedrock", "list_model_invocation_jobs") in found
    assert ("s3", "delete_objects") in found


@pytest.mark.parametrize(("service", "method"), methods())
def test_the_policy_allows_each_call(service: str, method: str) -> None:
    for action in actions_of(service, method):
        if action in OPTIONAL:
            assert f"`{action}`" in section_4()
        else:
            assert resources_of(action), f"docs/how-to/first_run_on_aws.md, section 4, does not allow {action}"


@pytest.mark.parametrize("kind", ["provisioned-model", "custom-model-deployment"])
def test_both_kinds_of_endpoints_may_be_called(kind: str) -> None:
    assert any(f":{kind}/" in resource for resource in resources_of("bedrock:InvokeModel"))


def test_a_prompt_optimization_job_may_call_models_with_the_permissions_of_the_identity_that_bought_it() -> None:
    resources = resources_of("bedrock:InvokeModelWithResponseStream")
    assert [part for part in ("::foundation-model/", ":inference-profile/") if part not in " ".join(resources)] == []


def test_counting_tokens_is_allowed_on_foundation_models() -> None:
    assert any("::foundation-model/" in resource for resource in resources_of("bedrock:CountTokens"))


@pytest.mark.parametrize(
    "action",
    [
        "bedrock:GetFoundationModelAvailability",
        "bedrock:ListModelInvocationJobs",
        "bedrock:ListEvaluationJobs",
        "bedrock:ListCustomModels",
        "bedrock:ListProvisionedModelThroughputs",
        "bedrock:ListCustomModelDeployments",
    ],
)
def test_actions_without_a_resource_type_are_allowed_on_every_resource(action: str) -> None:
    assert resources_of(action) == ["*"]


def test_the_first_call_of_a_third_party_model_may_subscribe_through_bedrock_only() -> None:
    (statement,) = [part for part in statements() if "aws-marketplace:Subscribe" in part["Action"]]
    assert "aws-marketplace:ViewSubscriptions" in statement["Action"]
    assert statement["Condition"] == {"StringEquals": {"aws:CalledViaLast": "bedrock.amazonaws.com"}}


def test_the_role_may_be_passed_to_bedrock() -> None:
    assert resources_of("iam:PassRole") == ["<DISTILL_ROLE_ARN>"]
