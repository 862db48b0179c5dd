from __future__ import annotations

import pytest

from include.distill.account_check.needs import Arns, Need, invocations, statement
from include.distill.config.catalog import load_catalog
from tests.distill.conftest import make_use_case

USE_CASE = make_use_case(
    storage={"training_bucket": "training", "output_bucket": "output", "bucket_owners": {"output": "999999999999"}}
)
ARNS = Arns.of(USE_CASE)
OWN = {"project": "bedrock-distill", "environment": USE_CASE.environment}


def test_a_simulated_request_names_one_resource_in_one_region() -> None:
    model = Need("run", "bedrock:InvokeModel", ARNS.foundation_model("amazon.nova-micro-v1:0", "*"), "x")
    assert model.example("us-east-1") == "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-micro-v1:0"
    job = Need("run", "bedrock:GetEvaluationJob", ARNS.any("evaluation-job"), "x")
    assert job.example("us-east-1") == "arn:aws:bedrock:us-east-1:123456789012:evaluation-job/check-account"
    assert Need("run", "bedrock:ListEvaluationJobs", "*", "x").example("us-east-1") == "*"


@pytest.mark.parametrize(
    ("tags", "prefixes"),
    [
        (None, []),
        ("request", ["aws:RequestTag"]),
        ("resource", ["aws:ResourceTag"]),
        ("both", ["aws:RequestTag", "aws:ResourceTag"]),
    ],
)
def test_a_request_has_only_the_tags_that_aws_knows_when_it_decides(tags: object, prefixes: list[str]) -> None:
    need = Need("run", "bedrock:GetCustomModel", ARNS.any("custom-model"), "x", tags)  # type: ignore[arg-type]
    context = need.context(USE_CASE)
    found = {key: values for key, values in context.items() if "Tag/" in key}
    assert found == {f"{prefix}/{key}": [value] for prefix in prefixes for key, value in OWN.items()}
    assert ("aws:TagKeys" in context) is ("aws:RequestTag" in prefixes)


@pytest.mark.parametrize(("bucket", "owner"), [("training", "123456789012"), ("output", "999999999999")])
def test_a_request_to_s3_names_the_owner_of_the_bucket(bucket: str, owner: str) -> None:
    need = Need("run", "s3:GetObject", f"{ARNS.bucket(bucket)}/distill/*", "x")
    assert need.context(USE_CASE)["aws:ResourceAccount"] == [owner]


def test_a_call_by_a_profile_needs_the_profile_and_the_model_behind_it() -> None:
    teacher = load_catalog().model("claude-sonnet-5-5")
    profile, behind = invocations("run", "bedrock:InvokeModel", ARNS, [teacher], "x")
    assert profile.resource == "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-5-5"
    assert behind.resource == "arn:aws:bedrock:*::foundation-model/anthropic.claude-sonnet-5-5"
    assert behind.context(USE_CASE)["bedrock:InferenceProfileArn"] == [profile.resource]
    assert statement([behind], USE_CASE)["Condition"] == {"ArnLike": {"bedrock:InferenceProfileArn": profile.resource}}


def test_a_call_of_a_model_by_its_own_id_needs_no_profile() -> None:
    (need,) = invocations("run", "bedrock:InvokeModel", ARNS, [load_catalog().model("mistral-large-3")], "x")
    assert need.resource == "arn:aws:bedrock:us-east-1::foundation-model/mistral.mistral-large-3-675b-instruct"


def test_the_statement_is_as_narrow_as_the_tags_allow() -> None:
    jobs = ARNS.any("evaluation-job")
    needs = [Need("run", f"bedrock:{verb}EvaluationJob", jobs, "x", "resource") for verb in ("Stop", "Get")]
    assert statement(needs, USE_CASE) == {
        "Effect": "Allow",
        "Action": ["bedrock:GetEvaluationJob", "bedrock:StopEvaluationJob"],
        "Resource": jobs,
        "Condition": {"StringEquals": {f"aws:ResourceTag/{key}": value for key, value in OWN.items()}},
    }


def test_the_statement_to_pass_the_role_names_the_service() -> None:
    passed = (("iam:PassedToService", "bedrock.amazonaws.com"),)
    need = Need("run", "iam:PassRole", USE_CASE.aws.role_arn, "x", conditions=passed)
    assert statement([need], USE_CASE) == {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": "arn:aws:iam::123456789012:role/r",
        "Condition": {"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}},
    }


def test_the_statement_to_list_a_bucket_is_limited_to_the_prefix() -> None:
    need = Need("run", "s3:ListBucket", ARNS.bucket("training"), "x", conditions=(("s3:prefix", "distill/"),))
    assert statement([need], USE_CASE)["Condition"] == {"StringLikeIfExists": {"s3:prefix": "distill/*"}}
