"""An installation of the pipeline in a simulated account that it shares with others, under its own stack's policies."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from bedrock_distill.hooks.bedrock import BedrockDistillHook, JobRequest
from bedrock_distill.hooks.s3 import S3ObjectStore
from bedrock_distill.lifecycle.tags import purchase_tags
from bedrock_distill.operators.clean_up import DeleteLeftoversOperator
from bedrock_distill.operators.preflight import BedrockPreflightOperator
from bedrock_distill.operators.release_leftovers import ReleaseLeftoversOperator
from include.distill.config.layout import Layout, RunFolder
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.use_case import UseCase
from include.distill.core.naming import job_names, request_token, run_key, throughput_names
from include.distill.training.job_identity import TrainingRecipe
from tests.fakes.aws_simulator import RunningSimulator
from tests.fakes.patience import wait_until
from tests.fakes.task_context import EVERYTHING, RUN_ID, dag_run, task_context
from tests.fakes.variables import VARIABLES
from tests.policies.policed_account import RECORDS, connection_of, enforced_account
from tests.tools.aws_simulator import builders

ROLES = ("run", "promotion", "clean-up")


def shared_account(folder: Path, *names: str) -> AbstractContextManager[RunningSimulator]:
    """Run an account with the stacks and the callers of these environments until the block ends."""
    return enforced_account(folder, names, [f"{name}-{role}" for name in names for role in ROLES])


@dataclass(frozen=True)
class Bought:
    """What a run has bought, by ARN. The run still waits for the job."""

    model: str
    deployment: str
    throughput: str
    job: str


class Installation:
    """
    An Airflow with its own name, use case and connections.

    :param name: name of the environment. The roles of its callers begin with it.
    :param use_case: name of its only use case.
    :param folder: an empty folder for the use case.
    """

    def __init__(
        self,
        aws: RunningSimulator,
        monkeypatch: pytest.MonkeyPatch,
        folder: Path,
        *,
        name: str,
        use_case: str,
        bucket: str,
    ) -> None:
        self.aws, self.name, self._monkeypatch, self._folder = aws, name, monkeypatch, folder
        self._hooks: dict[str, BedrockDistillHook] = {}
        variables = {**VARIABLES, "DISTILL_ENVIRONMENT": name}
        sample = load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", variables)
        raw = sample.model_dump(mode="json", exclude={"environment"})
        raw["name"] = use_case
        raw["aws"] |= {
            "conn_id": f"{name}_run",
            "promotion_conn_id": f"{name}_promotion",
            "clean_up_conn_id": f"{name}_clean_up",
            "role_arn": f"arn:aws:iam::123456789012:role/bedrock-distill-{name}-jobs",
        }
        places = {"training_bucket": f"{bucket}-training", "output_bucket": f"{bucket}-output", "prefix": name}
        raw["storage"] |= {**places, "create_buckets": False}
        folder.mkdir()
        (folder / f"{use_case}.yaml").write_text(yaml.safe_dump(raw))
        self.use_case: UseCase = load_use_case(folder / f"{use_case}.yaml", variables)
        self.dag_id = f"distill_{use_case}"

    @property
    def root(self) -> str:
        return Layout(self.use_case.storage).roots[0]

    @property
    def run(self) -> RunFolder:
        return RunFolder(Layout(self.use_case.storage).run_uri(self.use_case.name, run_key(self.dag_id, RUN_ID)))

    def hook(self, role: str = "run") -> BedrockDistillHook:
        """Return the hook of a caller."""
        if role not in self._hooks:
            self._hooks[role] = BedrockDistillHook(connection_of(f"{self.name}-{role}"), "us-east-1")
        return self._hooks[role]

    def store(self, role: str = "run") -> S3ObjectStore:
        """Return the object store of a caller."""
        return S3ObjectStore(self.hook(role))

    def _context(self, **params: Any) -> Any:
        self._monkeypatch.setenv("DISTILL_ENVIRONMENT", self.name)
        return task_context(self.dag_id, params)

    def preflight(self) -> None:
        """Begin a run."""
        context = self._context()
        task = BedrockPreflightOperator(
            task_id="preflight",
            run_uri=self.run.uri,
            use_case_name=self.use_case.name,
            use_cases=self._folder,
            aws_conn_id=f"{self.name}_run",
            region_name="us-east-1",
        )
        task.pre_execute(context)
        task.execute(context)

    def buy(self) -> Bought:
        """Buy a model and endpoints as a run does, and begin a second training job, which does not end."""
        model = str(builders.finished_job(self.aws, self.train("tuned", "ab"))["outputModelArn"])
        endpoints = throughput_names(self.name, self.use_case.name, "tuned", self.run.run_key, 1)
        tags = self._tags("tuned", "ab")
        hook = self.hook()
        hook.create_deployment(name=endpoints.name, token=request_token(endpoints.name), model_arn=model, tags=tags)
        hook.create_throughput(
            name=endpoints.name, token=request_token(endpoints.name), model_arn=model, units=1, tags=tags
        )
        deployment = wait_until(
            lambda: (one := hook.find_deployment(endpoints.name)) and one.status == "Active" and one
        )
        throughput = wait_until(
            lambda: (one := hook.find_throughput(endpoints.name)) and one.status == "InService" and one
        )
        self.store().write(f"{self.root}/responses/nova-micro/ab/{'ab' * 32}.json", b"{}")
        self.aws.fail(kind="job_stalled", times=1, seconds=3600)
        return Bought(model, deployment.arn, throughput.arn, self.train("another", "cd"))

    def train(self, arm: str, part: str) -> str:
        """Begin a training job for an arm, and return its ARN. ``part`` makes its fingerprint."""
        names = job_names(self.name, self.use_case.name, arm, part * 32, 1)
        uri = f"{self.root}/datasets/{part * 32}/train.jsonl"
        self.store().write(uri, RECORDS)
        recipe = TrainingRecipe(builders.STUDENT_BASE, {"epochCount": "1"})
        output = f"{Layout(self.use_case.storage).roots[1]}/training/{part * 32}/"
        role = self.use_case.aws.role_arn
        self.hook().create_job(
            JobRequest(names.name, request_token(names.name), recipe, role, uri, None, output, self._tags(arm, part))
        )
        job = self.hook().find_job(names.name)
        assert job
        return job.arn

    def _tags(self, arm: str, part: str) -> dict[str, str]:
        return purchase_tags(self.use_case, self.run, dag_run(self.dag_id), arm=arm, fingerprint=part * 32)

    def clean_up(self) -> Any:
        """Run ``distill_clean_up`` of this installation, as if everything had expired."""
        task = DeleteLeftoversOperator(
            task_id="delete", use_cases=self._folder, listed={"as_of": "2100-01-01T00:00:00+00:00"}
        )
        return task.execute(self._context(**EVERYTHING))

    def sweep(self) -> Any:
        """Run ``distill_release_leftovers`` of this installation."""
        task = ReleaseLeftoversOperator(
            task_id="sweep", aws_conn_id=f"{self.name}_run", region_name="us-east-1", use_cases=self._folder
        )
        return task.execute(self._context())

    def objects(self) -> set[str]:
        """Return the URIs of all objects of this installation, as the owner of the account sees them."""
        s3, found = self.aws.boto("s3"), set()
        for root in dict.fromkeys(Layout(self.use_case.storage).roots):
            bucket, _, prefix = root.removeprefix("s3://").partition("/")
            listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/")
            found |= {f"s3://{bucket}/{entry['Key']}" for entry in listed.get("Contents", [])}
        return found
