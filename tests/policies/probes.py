"""
Real calls of the pipeline's hooks, by the statement and the action of the template that they need.

A call must go through under the whole template, and must need the action of this statement. Each call can be repeated.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from bedrock_distill.hooks.batch_jobs import BatchJobs
from bedrock_distill.hooks.evaluations import EvaluationJobs
from bedrock_distill.hooks.prompt_optimizations import PromptOptimizationJobs
from include.distill.core.errors import OutcomeError
from include.distill.core.naming import request_token
from tests.fakes.patience import wait_until
from tests.policies.policed_account import INPUT, JOBS_ROLE, OUTPUT, PROFILE, TAGS, TRAINING, PolicedAccount, question
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import fresh

# A probe gets the account and the access key of the caller.
Probe = Callable[[PolicedAccount, str], object]
PART_BYTES = 8 * 1024 * 1024  # boto3 uploads larger files in parts

PROFILE_MODEL, DIRECT_MODEL, COUNTED_MODEL = "claude-haiku-4-5", "mistral-large-3", "claude-sonnet-4-6"


class _LostDiskError(OSError):
    """The file that is uploaded cannot be read further."""


class _HalfAFile(io.BytesIO):
    """A file whose second part cannot be read, so that boto3 gives the upload up."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() >= PART_BYTES:
            raise _LostDiskError
        return super().read(size)


def _abandon_upload(account: PolicedAccount, caller: str, uri: str) -> None:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    with suppress(_LostDiskError):
        client = account.hook(caller).client("s3")
        client.upload_fileobj(_HalfAFile(bytes(3 * PART_BYTES)), bucket, key)


def _create_deployment(account: PolicedAccount, caller: str) -> None:
    name = fresh("policed-docs-served")
    try:
        account.hook(caller).create_deployment(name=name, token=request_token(name), model_arn=account.model, tags=TAGS)
    finally:
        account.delete_deployment(name)


def _create_throughput(account: PolicedAccount, caller: str) -> None:
    name = fresh("policed-docs-provisioned")
    try:
        account.hook(caller).create_throughput(
            name=name, token=request_token(name), model_arn=account.model, units=1, tags=TAGS
        )
    finally:
        account.delete_throughput(name)


def _delete_deployment(account: PolicedAccount, caller: str) -> None:
    with account.new_deployment() as arn:
        account.hook(caller).delete_deployment(arn)


def _delete_throughput(account: PolicedAccount, caller: str) -> None:
    with account.new_throughput() as arn:
        account.hook(caller).delete_throughput(arn)


def _update_deployment(account: PolicedAccount, caller: str) -> None:
    wait_until(lambda: not _is_changing(builders.deployment_state(account.simulator, account.deployment)))
    account.hook(caller).update_deployment(account.deployment, account.model)


def _is_changing(deployment: Mapping[str, Any]) -> bool:
    return bool((deployment.get("updateDetails") or {}).get("updateStatus") == "Updating")


def _stream(account: PolicedAccount, caller: str, model_id: str) -> None:
    """Optimize a prompt. Bedrock calls the model with the permissions of the caller, and streams its answers."""
    request = account.optimization_request()
    parameters = {**request.parameters(), "modelConfigurations": [{"modelId": model_id}]}
    arn = account.hook(caller).call("bedrock", "create_advanced_prompt_optimization_job", **parameters)["jobArn"]
    job = builders.finished_optimization(account.simulator, arn)
    if job["jobStatus"] != "Completed":
        raise OutcomeError(job["failureMessage"])


def _read_of(uri: str) -> Probe:
    def read(account: PolicedAccount, caller: str) -> object:
        account.put(uri)
        return account.store(caller).read(uri)

    return read


def _write_to(uri: str) -> Probe:
    return lambda account, caller: account.store(caller).write(uri, b"{}")


def _write_records(account: PolicedAccount, caller: str) -> None:
    for folder in ("runs/docs/r", "notifications/unsent/policed/docs"):
        account.store(caller).write(f"{TRAINING}/{folder}/record.json", b"{}")


def _delete_ended_records(account: PolicedAccount, caller: str) -> None:
    for folder in ("batches/open", "notifications/unsent/policed/docs"):
        account.store(caller).delete(account.put(f"{TRAINING}/{folder}/0.json"))


def _delete_at(uri: str) -> Probe:
    def delete(account: PolicedAccount, caller: str) -> object:
        account.put(uri)
        return account.store(caller).delete_all([uri])

    return delete


# Reads of resources, which all callers do in the same way.
READS: dict[str, Probe] = {
    "bedrock:GetAdvancedPromptOptimizationJob": lambda a, c: PromptOptimizationJobs(a.hook(c)).get(a.optimization),
    "bedrock:GetCustomModel": lambda a, c: a.hook(c).has_custom_model(a.model),
    "bedrock:GetCustomModelDeployment": lambda a, c: a.hook(c).find_deployment(a.deployment),
    "bedrock:GetEvaluationJob": lambda a, c: EvaluationJobs(a.hook(c)).get(a.evaluation),
    "bedrock:GetModelCustomizationJob": lambda a, c: a.hook(c).find_job(a.job),
    "bedrock:GetModelInvocationJob": lambda a, c: BatchJobs(a.hook(c)).get(a.batch),
    "bedrock:GetProvisionedModelThroughput": lambda a, c: a.hook(c).find_throughput(a.throughput),
    "bedrock:ListAdvancedPromptOptimizationJobs": lambda a, c: list(PromptOptimizationJobs(a.hook(c)).list()),
    "bedrock:ListTagsForResource": lambda a, c: a.hook(c).tags(a.model),
}
LISTS: dict[str, Probe] = {
    "bedrock:GetFoundationModelAvailability": lambda a, c: a.hook(c).model_availability(builders.COUNTING_MODEL),
    "bedrock:ListCustomModelDeployments": lambda a, c: a.hook(c).list_deployments(),
    "bedrock:ListCustomModels": lambda a, c: a.hook(c).list_custom_models(),
    "bedrock:ListEvaluationJobs": lambda a, c: list(EvaluationJobs(a.hook(c)).list()),
    "bedrock:ListModelInvocationJobs": lambda a, c: BatchJobs(a.hook(c)).find("policed-docs-batch"),
    "bedrock:ListProvisionedModelThroughputs": lambda a, c: a.hook(c).list_throughputs(),
}
FOUNDATION_MODELS: dict[str, Probe] = {
    "bedrock:GetFoundationModel": lambda a, c: a.hook(c).foundation_model(builders.COUNTING_MODEL)
}
ENDPOINTS: dict[str, Probe] = {
    "bedrock:InvokeModel": lambda a, c: a.hook(c).ask(question("nova-micro", invoke_id=a.deployment))
}
SERVING: dict[str, Probe] = {
    "bedrock:CreateCustomModelDeployment": _create_deployment,
    "bedrock:CreateProvisionedModelThroughput": _create_throughput,
}
RELEASES: dict[str, Probe] = {
    "bedrock:DeleteCustomModelDeployment": _delete_deployment,
    "bedrock:DeleteProvisionedModelThroughput": _delete_throughput,
}
TAGGING: dict[str, Probe] = {"bedrock:TagResource": _create_deployment}
THROUGH_PROFILES: dict[str, Probe] = {
    "bedrock:InvokeModel": lambda a, c: a.hook(c).ask(question(PROFILE_MODEL)),
    "bedrock:InvokeModelWithResponseStream": lambda a, c: _stream(a, c, PROFILE),
}
DELETED_MODELS: dict[str, Probe] = {
    "bedrock:DeleteCustomModel": lambda a, c: a.hook(c).delete_custom_model(a.new_model()),
}

RUN: dict[str, dict[str, Probe]] = {
    "BuyTrainingJobs": {
        "bedrock:CreateModelCustomizationJob": lambda a, c: a.hook(c).create_job(a.job_request()),
    },
    "BuyEvaluationJobs": {
        "bedrock:CreateEvaluationJob": lambda a, c: EvaluationJobs(a.hook(c)).create(a.evaluation_request()),
    },
    "BuyPromptOptimizationJobs": {
        "bedrock:CreateAdvancedPromptOptimizationJob": lambda a, c: PromptOptimizationJobs(a.hook(c)).create(
            a.optimization_request()
        ),
    },
    "BuyBatchJobs": {
        "bedrock:CreateModelInvocationJob": lambda a, c: BatchJobs(a.hook(c)).create(a.batch_request()),
    },
    "ServeOwnModels": SERVING,
    "TagWhatIsBought": TAGGING,
    "RenewOwnEndpoints": {
        "bedrock:TagResource": lambda a, c: a.hook(c).tag(a.deployment, {"expires-at": "2030-01-01T00:00:00Z"}),
    },
    "StopOwnJobs": {
        "bedrock:StopAdvancedPromptOptimizationJob": lambda a, c: PromptOptimizationJobs(a.hook(c)).stop(
            a.optimization
        ),
        "bedrock:StopEvaluationJob": lambda a, c: EvaluationJobs(a.hook(c)).stop(a.evaluation),
        "bedrock:StopModelCustomizationJob": lambda a, c: a.hook(c).stop_job(a.job),
        "bedrock:StopModelInvocationJob": lambda a, c: BatchJobs(a.hook(c)).stop(a.batch),
    },
    "ReleaseOwnEndpoints": RELEASES,
    "ReadResources": READS,
    "ListResources": LISTS,
    "InvokeInferenceProfiles": THROUGH_PROFILES,
    "InvokeModelsBehindProfiles": THROUGH_PROFILES,
    "InvokeModelsDirectly": {
        "bedrock:CountTokens": lambda a, c: a.hook(c).count_tokens(question(COUNTED_MODEL)),
        "bedrock:InvokeModel": lambda a, c: a.hook(c).ask(question(DIRECT_MODEL)),
        "bedrock:InvokeModelWithResponseStream": lambda a, c: _stream(a, c, "mistral.mistral-large-3-675b-instruct"),
    },
    "InvokeOwnEndpoints": ENDPOINTS,
    "ReadFoundationModels": FOUNDATION_MODELS,
    "ReadObjects": {"s3:GetObject": _read_of(f"{TRAINING}/runs/docs/r/use_case.yaml")},
    "WriteObjects": {
        "s3:AbortMultipartUpload": lambda a, c: _abandon_upload(a, c, f"{TRAINING}/runs/docs/r/rows.jsonl"),
        "s3:PutObject": _write_records,
    },
    "DeleteEndedRecords": {
        "s3:DeleteObject": _delete_ended_records,
    },
    "ListObjects": {"s3:ListBucket": lambda a, c: a.store(c).list(f"{TRAINING}/runs/")},
    # The pipeline calls this only if the answer to HeadBucket does not name the Region.
    "ReadBucketSettings": {
        "s3:GetBucketLocation": lambda a, c: a.hook(c).call("s3", "get_bucket_location", Bucket="policed-output"),
    },
    "ReadCors": {"s3:GetBucketCORS": lambda a, c: a.store(c).cors_methods("policed-output")},
    "ReadInputObjects": {"s3:GetObject": lambda a, c: a.store(c).read(f"{INPUT}rows.csv")},
    "ListInputBuckets": {"s3:ListBucket": lambda a, c: a.store(c).list(INPUT)},
    "PassTheRoleOfJobs": {"iam:PassRole": lambda a, c: a.hook(c).create_job(a.job_request())},
}

PROMOTION: dict[str, dict[str, Probe]] = {
    "InvokeOwnEndpoints": ENDPOINTS,
    "ServeOwnModels": SERVING,
    "TagWhatIsBought": TAGGING,
    "SwitchAndDeleteOwnResources": {
        "bedrock:UpdateCustomModelDeployment": _update_deployment,
        "bedrock:UpdateProvisionedModelThroughput": lambda a, c: a.hook(c).update_throughput(a.throughput, a.model),
        **DELETED_MODELS,
        **RELEASES,
    },
    "ReadResources": READS,
    "ListDeployments": LISTS,
    "ReadObjects": {"s3:GetObject": _read_of(f"{TRAINING}/champions/docs.json")},
    "WriteObjects": {"s3:PutObject": _write_to(f"{TRAINING}/champions/docs.json")},
    "ListObjects": {"s3:ListBucket": lambda a, c: a.store(c).list(f"{TRAINING}/endpoints/")},
}

CLEAN_UP: dict[str, dict[str, Probe]] = {
    "DeleteOwnResources": {
        "bedrock:BatchDeleteAdvancedPromptOptimizationJob": lambda a, c: PromptOptimizationJobs(a.hook(c)).delete(
            [a.new_optimization()]
        ),
        "bedrock:BatchDeleteEvaluationJob": lambda a, c: EvaluationJobs(a.hook(c)).delete([a.new_evaluation()]),
        **DELETED_MODELS,
        **RELEASES,
    },
    "ReadResources": READS,
    "ListResources": LISTS,
    "ReadAndDeleteObjects": {
        "s3:GetObject": _read_of(f"{TRAINING}/runs/docs/r/run.json"),
        "s3:DeleteObject": _delete_at(f"{OUTPUT}/training/0/loss.csv"),
    },
    "WriteRecords": {"s3:PutObject": _write_to(f"{TRAINING}/endpoints/docs/change.json")},
    "ListObjects": {"s3:ListBucket": lambda a, c: a.store(c).list(f"{OUTPUT}/training/")},
}


def _create_bucket(account: PolicedAccount, caller: str) -> None:
    try:
        assert account.store(caller).ensure_bucket("created-training", region="us-east-1", create=True) is None
    finally:
        with suppress(account.s3.exceptions.ClientError):
            account.s3.delete_bucket(Bucket="created-training")


def _in_bucket(call: Callable[[PolicedAccount, str, str], object]) -> Probe:
    """Return a probe that does something with an empty bucket of the stack that lets runs create buckets."""

    def probe(account: PolicedAccount, caller: str) -> None:
        account.s3.create_bucket(Bucket="created-output")
        account.s3.put_bucket_tagging(Bucket="created-output", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
        try:
            call(account, caller, "created-output")
        finally:
            with suppress(account.s3.exceptions.ClientError):
                account.s3.delete_bucket(Bucket="created-output")

    return probe


CREATING: dict[str, dict[str, Probe]] = {
    "CreateBuckets": {"s3:CreateBucket": _create_bucket, "s3:PutBucketTagging": _create_bucket},
    "DeleteBuckets": {
        "s3:DeleteBucket": _in_bucket(lambda a, c, bucket: a.store(c).delete_bucket(bucket)),
        "s3:GetBucketTagging": _in_bucket(lambda a, c, bucket: a.store(c).bucket_tags(bucket)),
        "s3:GetBucketVersioning": _in_bucket(lambda a, c, bucket: a.store(c).has_versions(bucket)),
        "s3:ListBucket": _in_bucket(lambda a, c, bucket: a.store(c).list(f"s3://{bucket}/")),
    },
}


def _of_account(service: str, method: str, **parameters: object) -> Probe:
    return lambda account, caller: account.hook(caller).call(service, method, **parameters)


def _of_bucket(method: str) -> Probe:
    return _of_account("s3", method, Bucket="policed-output")


CHECK: dict[str, dict[str, Probe]] = {
    "ReadAccount": {
        "bedrock:GetFoundationModelAvailability": LISTS["bedrock:GetFoundationModelAvailability"],
        "bedrock:ListCustomModelDeployments": LISTS["bedrock:ListCustomModelDeployments"],
        "servicequotas:ListServiceQuotas": _of_account("service-quotas", "list_service_quotas", ServiceCode="bedrock"),
    },
    "ReadQuotas": {
        "servicequotas:GetServiceQuota": _of_account(
            "service-quotas", "get_service_quota", ServiceCode="bedrock", QuotaCode="L-FE44174A"
        ),
    },
    "ReadFoundationModels": FOUNDATION_MODELS,
    "ReadInferenceProfiles": {
        "bedrock:GetInferenceProfile": _of_account(
            "bedrock", "get_inference_profile", inferenceProfileIdentifier=builders.STUDENT
        ),
    },
    "ReadRoles": {
        "iam:GetRole": _of_account("iam", "get_role", RoleName="bedrock-distill-policed-jobs"),
        "iam:SimulatePrincipalPolicy": _of_account(
            "iam", "simulate_principal_policy", PolicySourceArn=JOBS_ROLE, ActionNames=["s3:GetObject"]
        ),
    },
    "ReadBuckets": {
        "s3:GetBucketLocation": _of_bucket("get_bucket_location"),
        "s3:GetBucketPolicy": _of_bucket("get_bucket_policy"),
        "s3:GetBucketPublicAccessBlock": _of_bucket("get_public_access_block"),
        "s3:GetEncryptionConfiguration": _of_bucket("get_bucket_encryption"),
        "s3:GetLifecycleConfiguration": _of_bucket("get_bucket_lifecycle_configuration"),
        "s3:ListBucket": _of_bucket("head_bucket"),
    },
    "ReadOwner": {"s3:GetObject": _read_of(f"{TRAINING}/environment.json")},
}
