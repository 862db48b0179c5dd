"""The role of Bedrock's jobs: jobs end well with the template's policy, and each lacks something without an action."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.policies.policed_account import PROFILE, PolicedAccount
from tests.policies.template_statements import permissions, removed
from tests.tools.aws_simulator import builders

# Pages of AWS demand these actions, but the jobs of the pipeline do not use them in the simulator:
# https://docs.aws.amazon.com/bedrock/latest/userguide/judge-service-roles.html and
# https://docs.aws.amazon.com/bedrock/latest/userguide/batch-iam-sr.html
DEMANDED_BY_AWS = {
    ("ListBuckets", "s3:ListBucket"),
    ("WriteOutput", "s3:AbortMultipartUpload"),
    ("WriteOutput", "s3:GetObject"),
    ("ReadOutputBucket", "s3:GetBucketLocation"),
    ("ReadOutputBucket", "s3:ListBucketMultipartUploads"),
    ("RunEvaluatorsInBatches", "bedrock:CreateModelInvocationJob"),
    ("RunEvaluatorsInBatches", "bedrock:StopModelInvocationJob"),
}


def batch(account: PolicedAccount) -> Any:
    """Run a batch job through an inference profile, and return the job."""
    arn = account.bedrock.create_model_invocation_job(**account.batch_request(PROFILE).parameters())["jobArn"]
    return builders.finished_batch(account.simulator, arn)


def evaluate_directly(account: PolicedAccount) -> Any:
    """Run an evaluation job whose evaluator is named without a profile, and return the job."""
    request = account.evaluation_request()
    config: Any = dict(request.config)
    config["automated"] = {**config["automated"], "evaluatorModelConfig": builders.evaluator(builders.NOVA_PRO)}
    arn = account.bedrock.create_evaluation_job(**replace(request, config=config).parameters())["jobArn"]
    return builders.finished_evaluation(account.simulator, arn)


JOBS: dict[tuple[str, str], Callable[[PolicedAccount], Any]] = {
    ("ReadInput", "s3:GetObject"): PolicedAccount.train,
    ("WriteOutput", "s3:PutObject"): PolicedAccount.train,
    ("InvokeInferenceProfiles", "bedrock:InvokeModel"): batch,
    ("InvokeModelsBehindProfiles", "bedrock:InvokeModel"): batch,
    ("InvokeModelsDirectly", "bedrock:InvokeModel"): evaluate_directly,
}
PERMISSIONS = {(one.sid, one.action): one for one in permissions("policed") if one.policy == "JobsRole"}


def test_a_job_shows_that_each_action_is_needed_unless_only_aws_can_show_it() -> None:
    without_jobs = {one for one in PERMISSIONS if one not in JOBS and not one[1].startswith("sagemaker:")}
    assert without_jobs == DEMANDED_BY_AWS
    assert set(JOBS) <= set(PERMISSIONS)


@pytest.mark.parametrize("needed", [pytest.param(needed, id=" ".join(needed)) for needed in JOBS])
def test_a_job_needs_the_action(needed: tuple[str, str], account: PolicedAccount) -> None:
    assert JOBS[needed](account)["status"] == "Completed"
    with removed(account, PERMISSIONS[needed]):
        failed = JOBS[needed](account)
    assert failed["status"] == "Failed"
    reason = str(failed.get("failureMessage") or failed.get("message") or failed.get("failureMessages"))
    # Bedrock does not name the actions of S3.
    assert ("S3" if needed[1].startswith("s3:") else needed[1]) in reason
