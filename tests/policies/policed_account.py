"""A simulated account under the template's policies: its callers, and one resource of each kind that runs buy."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from bedrock_distill.hooks.aws import tag_list
from bedrock_distill.hooks.batch_jobs import BatchJobRequest
from bedrock_distill.hooks.bedrock import BedrockDistillHook, JobRequest
from bedrock_distill.hooks.evaluations import EvaluationJobRequest
from bedrock_distill.hooks.prompt_optimizations import OptimizationJobRequest
from bedrock_distill.hooks.s3 import S3ObjectStore
from include.distill.cleanup.expiry import PROJECT_TAG
from include.distill.core.naming import request_token
from include.distill.core.storage import split_uri
from include.distill.inference.requests import ModelRequest
from include.distill.managed_evaluation.plan import judge_config
from include.distill.training.job_identity import TrainingRecipe
from tests.distill.conftest import CATALOG
from tests.distill.managed_evaluation.test_plan import SETTINGS
from tests.fakes.aws_simulator import RunningSimulator
from tests.fakes.patience import wait_until
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import conversation, fresh, jsonl
from tools.aws_simulator.testing import start_simulator
from tools.local_airflow.callers import connection_uri

STACKS = Path(__file__).with_name("stacks")
RUN, PROMOTION, CLEAN_UP, CHECK = "policed-run", "policed-promotion", "policed-clean-up", "policed-check"
CREATED_RUN, CREATED_CLEAN_UP = "created-run", "created-clean-up"
CALLERS = (RUN, PROMOTION, CLEAN_UP, CHECK, CREATED_RUN, CREATED_CLEAN_UP)
TRAINING, OUTPUT = "s3://policed-training/distill", "s3://policed-output/distill"
INPUT = "s3://policed-input/csv/"
JOBS_ROLE = "arn:aws:iam::123456789012:role/bedrock-distill-policed-jobs"
TAGS = {"project": PROJECT_TAG, "environment": "policed", "use-case": "docs"}
# A model that the stack allows only through its inference profile.
PROFILE = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
RECORDS = jsonl([conversation(f"How many rules are there, number {index}?") for index in range(10)])


class PolicedAccount:
    """
    An account whose callers may do only what the policies of the stacks say.

    What a test needs is bought by the account's owner. The callers then use it.
    """

    def __init__(self, simulator: RunningSimulator) -> None:
        self.simulator = simulator
        self.bedrock, self.s3, self.iam = (simulator.boto(service) for service in ("bedrock", "s3", "iam"))
        self._hooks: dict[str, BedrockDistillHook] = {}
        self.s3.create_bucket(Bucket=split_uri(INPUT)[0])
        self.put(f"{INPUT}rows.csv", b"a,b\n")

    def hook(self, caller: str) -> BedrockDistillHook:
        """Return the pipeline's hook with the connection of a caller."""
        if caller not in self._hooks:
            self._hooks[caller] = BedrockDistillHook(connection_of(caller), "us-east-1")
        return self._hooks[caller]

    def store(self, caller: str) -> S3ObjectStore:
        """Return the pipeline's object store with the connection of a caller."""
        return S3ObjectStore(self.hook(caller))

    def put(self, uri: str, body: bytes = b"{}") -> str:
        """Store an object as the owner, and return its URI."""
        bucket, key = split_uri(uri)
        self.s3.put_object(Bucket=bucket, Key=key, Body=body)
        return uri

    def access(self) -> list[dict[str, Any]]:
        """Return what was asked for since the last call of this method, and whether it was allowed."""
        listed: list[dict[str, Any]] = self.simulator.admin("GET", "access")
        self.simulator.admin("POST", "access/clear")
        return listed

    @cached_property
    def training_file(self) -> str:
        """The URI of a training file."""
        return self.put(f"{TRAINING}/datasets/0/train.jsonl", RECORDS)

    def job_request(self) -> JobRequest:
        """Return a request for a training job."""
        name = fresh("policed-docs-tuned")
        recipe = TrainingRecipe(builders.STUDENT_BASE, {"epochCount": "1"})
        output = f"{OUTPUT}/training/0/"
        return JobRequest(name, request_token(name), recipe, JOBS_ROLE, self.training_file, None, output, TAGS)

    def batch_request(self, model_id: str = builders.STUDENT) -> BatchJobRequest:
        """Return a request for a batch job that calls an inference profile."""
        name = fresh("policed-docs-batch")
        records = self.put(f"{TRAINING}/batches/0/input.jsonl", jsonl(builders.batch_records()))
        places = {"role_arn": JOBS_ROLE, "input_uri": records, "output_uri": f"{OUTPUT}/batches/0/"}
        return BatchJobRequest(name, request_token(name), model_id, "Converse", timeout_hours=24, tags=TAGS, **places)

    def evaluation_request(self) -> EvaluationJobRequest:
        """Return a request for an evaluation job with an evaluator."""
        name = fresh("policed-docs-scores")
        lines = self.put(f"{TRAINING}/evaluations/0/dataset.jsonl", jsonl([builders.evaluation_line()]))
        return EvaluationJobRequest(
            name,
            request_token(name),
            JOBS_ROLE,
            judge_config(SETTINGS.model_copy(update={"custom_metrics": ()}), CATALOG.model("nova-pro")),
            (builders.SOURCE,),
            lines,
            f"{OUTPUT}/evaluations/0/",
            TAGS,
        )

    def optimization_request(self) -> OptimizationJobRequest:
        """Return a request for a prompt optimization job."""
        name = fresh("policed-docs-prompted")
        lines = self.put(f"{TRAINING}/prompt_optimizations/0/input.jsonl", jsonl([builders.optimization_line()]))
        output = f"{OUTPUT}/prompt_optimizations/0/"
        return OptimizationJobRequest(name, request_token(name), {"modelId": builders.OPTIMIZED}, lines, output, TAGS)

    def train(self) -> Any:
        """Buy another training job, wait for its end and return it."""
        arn = str(self.bedrock.create_model_customization_job(**self.job_request().parameters())["jobArn"])
        return builders.finished_job(self.simulator, arn)

    @cached_property
    def job(self) -> str:
        """The ARN of a completed training job."""
        job = self.train()
        assert job["status"] == "Completed"
        return str(job["jobArn"])

    @cached_property
    def model(self) -> str:
        """The ARN of a custom model."""
        return self.new_model()

    def new_model(self) -> str:
        """Train another custom model and return its ARN."""
        return str(self.train()["outputModelArn"])

    @cached_property
    def batch(self) -> str:
        """The ARN of a completed batch job."""
        arn = str(self.bedrock.create_model_invocation_job(**self.batch_request().parameters())["jobArn"])
        assert builders.finished_batch(self.simulator, arn)["status"] == "Completed"
        return arn

    @cached_property
    def evaluation(self) -> str:
        """The ARN of a completed evaluation job."""
        return self.new_evaluation()

    def new_evaluation(self) -> str:
        """Buy another evaluation job, wait for its end and return its ARN."""
        arn = str(self.bedrock.create_evaluation_job(**self.evaluation_request().parameters())["jobArn"])
        assert builders.finished_evaluation(self.simulator, arn)["status"] == "Completed"
        return arn

    @cached_property
    def optimization(self) -> str:
        """The ARN of a completed prompt optimization job."""
        return self.new_optimization()

    def new_optimization(self) -> str:
        """Buy another prompt optimization job, wait for its end and return its ARN."""
        parameters = self.optimization_request().parameters()
        arn = str(self.bedrock.create_advanced_prompt_optimization_job(**parameters)["jobArn"])
        assert builders.finished_optimization(self.simulator, arn)["jobStatus"] == "Completed"
        return arn

    @cached_property
    def deployment(self) -> str:
        """The ARN of an active deployment."""
        return builders.deploy(self.simulator, self.model, tags=tag_list(TAGS))

    @cached_property
    def throughput(self) -> str:
        """The ARN of a provisioned throughput that is in service."""
        return builders.provision(self.simulator, self.model, tags=tag_list(TAGS))

    @contextmanager
    def new_deployment(self) -> Iterator[str]:
        """Create a deployment for the block. It is deleted afterwards if it still exists."""
        arn = builders.deploy(self.simulator, self.model, tags=tag_list(TAGS))
        try:
            yield arn
        finally:
            self.delete_deployment(arn)

    @contextmanager
    def new_throughput(self) -> Iterator[str]:
        """Create a provisioned throughput for the block. It is deleted afterwards if it still exists."""
        arn = builders.provision(self.simulator, self.model, tags=tag_list(TAGS))
        try:
            yield arn
        finally:
            self.delete_throughput(arn)

    def delete_deployment(self, identifier: str) -> None:
        """Delete a deployment as the owner, if it exists."""
        if any(
            identifier in (one["customModelDeploymentArn"], one["customModelDeploymentName"])
            for one in self.bedrock.list_custom_model_deployments()["modelDeploymentSummaries"]
        ):
            wait_until(lambda: builders.deployment_state(self.simulator, identifier)["status"] != "Creating")
            self.bedrock.delete_custom_model_deployment(customModelDeploymentIdentifier=identifier)

    def delete_throughput(self, identifier: str) -> None:
        """Delete a throughput as the owner, if it exists."""
        if any(
            identifier in (one["provisionedModelArn"], one["provisionedModelName"])
            for one in self.bedrock.list_provisioned_model_throughputs()["provisionedModelSummaries"]
        ):
            wait_until(lambda: builders.throughput_status(self.simulator, identifier) == "InService")
            self.bedrock.delete_provisioned_model_throughput(provisionedModelId=identifier)


def question(model: str, *, invoke_id: str = "") -> ModelRequest:
    """Return a request to a model of the catalog, or to an endpoint of it."""
    known = CATALOG.model(model)
    inference_id = known.inference_id
    return ModelRequest(known, inference_id, invoke_id or inference_id, builders.prompt(), max_tokens=50)


@contextmanager
def enforced_account(
    folder: Path, stacks: Iterable[str], callers: Iterable[str], **settings: Any
) -> Iterator[RunningSimulator]:
    """
    Run an account under the policies of some of the stacks until the block ends.

    :param callers: names of roles. Each name is also an access key, and the key's connection has the id of
        :func:`connection_of`. No other connections and credentials exist.
    """
    roles = {caller: caller for caller in callers}
    policies = [STACKS / f"{name}.yaml" for name in stacks]
    with (
        start_simulator(folder, roles=(), policies=policies, callers=roles, **settings) as simulator,
        pytest.MonkeyPatch.context() as monkeypatch,
    ):
        for name in [name for name in os.environ if name.startswith(("AWS_", "AIRFLOW_CONN_"))]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_ENDPOINT_URL", simulator.url)
        for caller in roles:
            variable = f"AIRFLOW_CONN_{connection_of(caller).upper()}"
            monkeypatch.setenv(variable, connection_uri(caller, "us-east-1"))
        yield simulator


def connection_of(caller: str) -> str:
    """Return the id of the connection with which Airflow acts for a role."""
    return caller.replace("-", "_")


@contextmanager
def policed_account(folder: Path) -> Iterator[PolicedAccount]:
    """Run an account with all callers of this module until the block ends."""
    # Quotas are large, because a refused probe may leave something.
    settings = {"model_units": 1000, "deployments": 1000, "deployments_in_progress": 1000}
    with enforced_account(folder, ("policed", "created"), CALLERS, **settings) as simulator:
        yield PolicedAccount(simulator)
