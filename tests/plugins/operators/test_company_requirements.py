"""
Buy everything that a run can buy from the AWS simulator, with a company's tags, KMS keys and network.

The simulator allows the pipeline and its jobs only what the policies of the shipped CloudFormation template allow.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.s3 import S3ObjectStore
from bedrock_distill.operators.batch import BedrockSubmitBatchOperator
from bedrock_distill.operators.dataset import MergeDatasetOperator, UploadDatasetOperator
from bedrock_distill.operators.deploy import BedrockDeployModelOperator
from bedrock_distill.operators.evaluate import BedrockEvaluationJobOperator
from bedrock_distill.operators.optimize_prompt import BedrockSubmitPromptOptimizationOperator
from bedrock_distill.operators.preflight import BedrockPreflightOperator
from bedrock_distill.operators.serve import BedrockProvisionThroughputOperator
from bedrock_distill.operators.train import BedrockSubmitCustomizationJobOperator
from include.distill.config.use_case import UseCase
from include.distill.core.errors import NotFoundError, RefusedError
from include.distill.core.naming import run_key
from include.distill.core.storage import split_uri, write_jsonl
from tests.deploy.stack_under_test import write_deployment
from tests.fakes.aws_simulator import RunningSimulator, connected_simulator
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze, make_row
from tests.plugins.operators.conftest import PROMPTED
from tests.tools.aws_simulator import builders

ACCOUNT = "arn:aws:kms:us-east-1:123456789012"
JOBS_KEY, OTHER_KEY, OBJECTS_KEY = (f"{ACCOUNT}:key/{digit * 36}" for digit in "123")
TAGS = {"cost-center": "4711", "Owner": "ml@example.com"}
VPC = {"subnet_ids": ["subnet-01234567"], "security_group_ids": ["sg-01234567"]}
VPC_CONFIG = {"subnetIds": VPC["subnet_ids"], "securityGroupIds": VPC["security_group_ids"]}
RECORDS = 120
RUN = "distill-run"  # the access key and the role of Airflow
ARMS = [{"name": "base", "kind": "base"}, {"name": "tuned", "originals": "all", "synthetic": 0}]


@pytest.fixture
def stack(tmp_path: Path, use_case: UseCase) -> Path:
    """The stack of the shipped template, with a KMS key and a network."""
    parameters = {
        "Environment": use_case.environment,
        "Prefix": use_case.storage.prefix,
        "TrainingBucketName": use_case.storage.training_bucket,
        "OutputBucketName": use_case.storage.output_bucket,
        "RunRoles": RUN,
        "KmsKeyArn": JOBS_KEY,
        "UseVpc": "true",
        "SubnetIds": ",".join(VPC["subnet_ids"]),
        "SecurityGroupIds": ",".join(VPC["security_group_ids"]),
    }
    return write_deployment(tmp_path / "prod.json", parameters)


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stack: Path) -> Iterator[RunningSimulator]:
    """A simulator that allows the pipeline only what the policies of the template allow."""
    with connected_simulator(tmp_path / "state", monkeypatch, policies=[stack], callers={RUN: RUN}) as simulator:
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", f"aws://{RUN}:any@?region_name=us-east-1")
        allow_key_of_objects(simulator)
        yield simulator


def allow_key_of_objects(aws: RunningSimulator) -> None:
    """Let Airflow use the second key. The policies of a stack allow one key, as the page of the template says."""
    condition = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    actions = ["kms:Decrypt", "kms:GenerateDataKey"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": OBJECTS_KEY, "Condition": condition}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.boto("iam").put_role_policy(RoleName=RUN, PolicyName="key-of-objects", PolicyDocument=document)


class Company:
    """The run of a use case whose company has rules."""

    def __init__(self, aws: RunningSimulator, use_case: UseCase, context: Any) -> None:
        role = f"arn:aws:iam::123456789012:role/bedrock-distill-{use_case.environment}-jobs"
        self.use_case = use_case.model_copy(update={"aws": use_case.aws.model_copy(update={"role_arn": role})})
        self.aws, self.context = aws, context
        self.store = S3ObjectStore(BedrockDistillHook())

    def settings(self, **aws: Any) -> dict[str, Any]:
        """Return the section ``aws`` of the use case."""
        rules = {"tags": TAGS, "kms_key_arn": JOBS_KEY, "vpc": VPC, **aws}
        return {**self.use_case.aws.model_dump(mode="json"), **rules}

    def freeze(self, store: Any = None, *, aws: Any = None, **changes: Any) -> None:
        freeze(store or self.store, self.use_case, aws=self.settings(**(aws or {})), **changes)

    def copy(self, store: MemoryStore) -> None:
        """Write all objects of a store in memory to the simulator."""
        for uri, body in store.objects.items():
            self.store.write(uri, body)

    def run(self, task_class: Any, task_id: str, **arguments: Any) -> Any:
        task = task_class(task_id=task_id, run_uri=RUN_URI, kms_key_arn=OBJECTS_KEY, **arguments)
        return task.execute(self.context)

    def train(self) -> Any:
        merged = self.run(MergeDatasetOperator, "tuned.merge", arm="tuned", synthesis=[])
        dataset = self.run(UploadDatasetOperator, "tuned.upload", arm="tuned", merged=merged)
        return self.run(BedrockSubmitCustomizationJobOperator, "tuned.submit", arm="tuned", dataset=dataset)

    def custom_tags(self, arn: str) -> dict[str, str]:
        """Return the tags of a resource that the company names. The pipeline's own tags must be there too."""
        tags = BedrockDistillHook().tags(arn)
        assert tags["project"] == "bedrock-distill"
        return {key: value for key, value in tags.items() if key in TAGS}

    def keys_of_objects(self, part: str) -> set[str | None]:
        """Return the keys that encrypt the objects whose URIs have a part."""
        bucket, prefix = split_uri(f"{FOLDER.root}/")
        client = self.aws.boto("s3")
        names = [entry["Key"] for entry in client.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]]
        return {client.head_object(Bucket=bucket, Key=name).get("SSEKMSKeyId") for name in names if part in name}


@pytest.fixture
def company(aws: RunningSimulator, use_case: UseCase, context: Any) -> Company:
    return Company(aws, use_case, context)


@pytest.fixture
def trainable(company: Company) -> Company:
    company.freeze(arms=ARMS)
    write_jsonl(company.store, FOLDER.source("train"), [make_row(number) for number in range(1, RECORDS + 1)])
    return company


class TestTraining:
    def test_the_job_and_its_model_have_the_tags_and_the_key_and_the_job_runs_in_the_network(
        self, trainable: Company, aws: RunningSimulator
    ) -> None:
        arn = trainable.train()["job_arn"]
        job = builders.finished_job(aws, arn)
        assert (job["status"], job["outputModelKmsKeyArn"], job["vpcConfig"]) == ("Completed", JOBS_KEY, VPC_CONFIG)
        model = aws.boto("bedrock").get_custom_model(modelIdentifier=job["outputModelArn"])
        assert model["modelKmsKeyArn"] == JOBS_KEY
        assert trainable.custom_tags(arn) == trainable.custom_tags(job["outputModelArn"]) == TAGS
        assert trainable.keys_of_objects("/datasets/") == {OBJECTS_KEY}

    def test_other_tags_and_another_network_buy_nothing_again(self, trainable: Company) -> None:
        first = trainable.train()
        trainable.freeze(arms=ARMS, aws={"tags": {"team": "b"}, "vpc": None})
        assert trainable.train() == {**first, "bought": False}

    def test_another_key_is_another_model(self, trainable: Company) -> None:
        first = trainable.train()
        trainable.freeze(arms=ARMS, aws={"kms_key_arn": OTHER_KEY})
        second = trainable.train()
        assert second["bought"]
        assert (second["attempt"], second["job_name"] == first["job_name"]) == (1, False)

    def test_a_retry_with_other_tags_finds_a_job_that_was_not_shown_yet(
        self, trainable: Company, aws: RunningSimulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Bedrock refuses the repeated request token, because the tags differ from those of the first request."""
        first = trainable.train()
        trainable.freeze(arms=ARMS, aws={"tags": {"team": "b"}})
        hidden, call = iter([True]), BedrockDistillHook.call

        def hide_once(hook: Any, service: str, method: str, what: str = "", **parameters: Any) -> Any:
            if method == "get_model_customization_job" and next(hidden, False):
                raise NotFoundError("hidden")
            return call(hook, service, method, what, **parameters)

        monkeypatch.setattr(BedrockDistillHook, "call", hide_once)
        assert trainable.train()["job_arn"] == first["job_arn"]
        assert len(aws.boto("bedrock").list_model_customization_jobs()["modelCustomizationJobSummaries"]) == 1


class TestBatch:
    @pytest.fixture
    def asked(self, company: Company) -> Company:
        train = [make_row(number) for number in range(1, RECORDS + 1)]
        write_jsonl(company.store, FOLDER.shard("train", 0), train)
        return company

    def submit(self, company: Company, **aws: Any) -> Any:
        synthesis = {**company.use_case.synthesis.model_dump(mode="json"), "inference": "batch"}
        company.freeze(synthesis=synthesis, teacher="claude-sonnet-4-6", aws=aws)
        return company.run(BedrockSubmitBatchOperator, "synthesize_batch.submit", step="synthesize", shards=[0])

    def test_the_job_has_the_tags_the_key_and_the_network(self, asked: Company, aws: RunningSimulator) -> None:
        (arn,) = self.submit(asked)["job_arns"]
        job = builders.batch_state(aws, arn)
        assert job["outputDataConfig"]["s3OutputDataConfig"]["s3EncryptionKeyId"] == JOBS_KEY
        assert job["vpcConfig"] == VPC_CONFIG
        assert asked.custom_tags(arn) == TAGS

    def test_without_a_key_for_jobs_the_answers_get_the_key_of_the_objects(
        self, asked: Company, aws: RunningSimulator
    ) -> None:
        asked.use_case = asked.use_case.model_copy(
            update={"storage": asked.use_case.storage.model_copy(update={"kms_key_arn": OBJECTS_KEY})}
        )
        (arn,) = self.submit(asked, kms_key_arn=None)["job_arns"]
        job = builders.batch_state(aws, arn)
        assert job["outputDataConfig"]["s3OutputDataConfig"]["s3EncryptionKeyId"] == OBJECTS_KEY

    def test_a_job_with_another_key_is_used_with_a_warning(
        self, asked: Company, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked.aws.fail(kind="batch_stalled", times=1)
        first = self.submit(asked)
        assert "was bought with the KMS key" not in capsys.readouterr().out
        monkeypatch.setattr("bedrock_distill.operators.batch.unanswered", lambda requests, *_, **__: requests)
        again = self.submit(asked, kms_key_arn=OTHER_KEY, tags={"team": "b"})
        assert (again["job_arns"], again["bought"]) == (first["job_arns"], 0)
        assert (
            f"was bought with the KMS key {JOBS_KEY}, but the use case now names the key {OTHER_KEY}"
            in capsys.readouterr().out
        )


class TestOtherJobs:
    def test_an_evaluation_job_has_the_tags_and_the_key(
        self, company: Company, aws: RunningSimulator, store: MemoryStore, evaluations: Any
    ) -> None:
        company.freeze(store, evaluations={"pointwise": {"evaluators": ["nova-pro"]}})
        company.copy(store)

        def submit() -> Any:
            task_id = "evaluate.tuned_by_nova-pro.submit"
            return company.run(BedrockEvaluationJobOperator, task_id, arm="tuned", evaluator="nova-pro")

        first = submit()
        assert builders.evaluation_state(aws, first["job_arn"])["customerEncryptionKeyId"] == JOBS_KEY
        assert company.custom_tags(first["job_arn"]) == TAGS
        company.freeze(evaluations={"pointwise": {"evaluators": ["nova-pro"]}}, aws={"tags": {"team": "b"}})
        assert submit() == {**first, "bought": False}

    def test_a_prompt_optimization_job_has_the_tags_and_the_key_and_another_key_gets_a_warning(
        self, company: Company, aws: RunningSimulator, store: MemoryStore, capsys: pytest.CaptureFixture[str]
    ) -> None:
        company.freeze(store, **PROMPTED)
        company.copy(store)

        def submit() -> Any:
            return company.run(BedrockSubmitPromptOptimizationOperator, "prompted.optimize.submit", arm="prompted")

        first = submit()
        assert builders.optimization_state(aws, first["job_arn"])["encryptionKeyArn"] == JOBS_KEY
        assert company.custom_tags(first["job_arn"]) == TAGS
        company.freeze(**PROMPTED, aws={"kms_key_arn": None})
        assert submit() == {**first, "bought": False}
        assert f"was bought with the KMS key {JOBS_KEY}, but the use case now names no key" in capsys.readouterr().out


class TestEndpoints:
    @pytest.mark.parametrize("how", ["throughput", "deployment"])
    def test_the_endpoint_has_the_tags_and_is_found_after_they_change(
        self, company: Company, aws: RunningSimulator, store: MemoryStore, how: str
    ) -> None:
        company.freeze(store)
        company.copy(store)
        own = [{"key": "project", "value": "bedrock-distill"}, {"key": "environment", "value": "test"}]
        trained = {"model_arn": builders.custom_model(aws, customModelTags=own)}
        task_class, task_id = {
            "throughput": (BedrockProvisionThroughputOperator, "tuned.provision"),
            "deployment": (BedrockDeployModelOperator, "tuned.deploy"),
        }[how]
        first = company.run(task_class, task_id, arm="tuned", trained=trained)
        assert company.custom_tags(first[f"{how}_arn"]) == TAGS
        company.freeze(aws={"tags": {"team": "b"}})
        again = company.run(task_class, task_id, arm="tuned", trained=trained)
        assert (again["bought"], again[f"{how}_arn"]) == (False, first[f"{how}_arn"])


class TestBoundary:
    """A company may demand a permissions boundary on the role of jobs and on the role of Airflow."""

    def limit(self, aws: RunningSimulator, role: str, *actions: str) -> None:
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        policy = aws.boto("iam").create_policy(PolicyName="limits", PolicyDocument=document)["Policy"]
        aws.boto("iam").put_role_permissions_boundary(RoleName=role, PermissionsBoundary=policy["Arn"])

    def test_a_job_whose_boundary_does_not_let_it_write_fails(self, trainable: Company, aws: RunningSimulator) -> None:
        self.limit(aws, "bedrock-distill-test-jobs", "s3:Get*", "s3:List*", "kms:*")
        job = builders.finished_job(aws, trainable.train()["job_arn"])
        assert (job["status"], "(PutObject)" in job["failureMessage"]) == ("Failed", True)

    def test_a_boundary_of_airflow_without_bedrock_refuses_the_purchase_and_the_error_names_the_boundary(
        self, trainable: Company, aws: RunningSimulator
    ) -> None:
        self.limit(aws, RUN, "s3:*", "kms:*")
        with pytest.raises(RefusedError, match="no permissions boundary allows the bedrock:"):
            trainable.train()
        assert aws.ledger["jobs"] == []


def test_preflight_tags_new_buckets_encrypts_objects_and_warns_about_a_key_of_another_account(
    use_case: UseCase, tmp_path: Path, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connected_simulator(tmp_path / "state", monkeypatch) as aws:
        _check_preflight(aws, use_case, tmp_path, context)


def _check_preflight(aws: RunningSimulator, use_case: UseCase, tmp_path: Path, context: Any) -> None:
    foreign = JOBS_KEY.replace("123456789012", "210987654321")
    raw = use_case.model_dump(mode="json", exclude={"environment"})
    raw["aws"] |= {"tags": TAGS, "kms_key_arn": foreign}
    raw["storage"] |= {"kms_key_arn": OBJECTS_KEY, "create_buckets": True}
    (tmp_path / "aws_docs_qa.yaml").write_text(yaml.safe_dump(raw))
    context["dag_run"] = SimpleNamespace(start_date=None, dag_id="distill_aws_docs_qa", run_id="r")
    context["ti"].dag_id = "distill_aws_docs_qa"
    folder = FOLDER.uri.replace(FOLDER.run_key, run_key("distill_aws_docs_qa", "r"))
    task = BedrockPreflightOperator(
        task_id="preflight",
        run_uri=folder,
        use_case_name="aws_docs_qa",
        use_cases=tmp_path,
        kms_key_arn=OBJECTS_KEY,
    )
    manifest = task.execute(context)
    assert any("aws.kms_key_arn is a KMS key of account 210987654321" in warning for warning in manifest["warnings"])
    client = aws.boto("s3")
    for bucket in (use_case.storage.training_bucket, use_case.storage.output_bucket):
        tags = {tag["Key"]: tag["Value"] for tag in client.get_bucket_tagging(Bucket=bucket)["TagSet"]}
        assert tags == {"project": "bedrock-distill", "environment": "test", **TAGS}
    bucket, key = split_uri(manifest["use_case_uri"])
    assert client.head_object(Bucket=bucket, Key=key)["SSEKMSKeyId"] == OBJECTS_KEY
