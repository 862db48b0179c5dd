"""A finished run in the account of an AWS simulator, whose use case names human workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.s3 import S3ObjectStore
from bedrock_distill.operators.ask_workers import BedrockAskWorkersOperator
from bedrock_distill.operators.collect_labels import CollectLabelsOperator
from bedrock_distill.operators.label_sample import DrawLabelSampleOperator
from bedrock_distill.operators.stop_workers import StopWorkersOperator
from bedrock_distill.sensors.worker_answers import BedrockWorkersSensor
from include.distill.config.use_case import UseCase
from include.distill.labeling.label_params import ASK_WORKERS
from tests.fakes.aws_simulator import RunningSimulator, connected_simulator
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER
from tests.tools.aws_simulator import builders

FLOW = "arn:aws:sagemaker:us-east-1:123456789012:flow-definition/raters"
NAME = "aws_docs_qa"


class WorkersRun:
    """
    The tasks of the labeling DAG, on the stored run.

    :ivar hook: the hook of the next task.
    """

    def __init__(self, simulator: RunningSimulator, use_case: UseCase, folder: Path, context: Any) -> None:
        self.simulator, self.context, self.use_cases = simulator, context, folder
        self._use_case = use_case
        self.hook = BedrockDistillHook()
        self.output_bucket = use_case.storage.output_bucket
        self.context["params"] = {"how": ASK_WORKERS, "examples": 3}
        self.change()

    def change(self, **human: Any) -> None:
        """Write the use-case file with other settings of the workers."""
        raw = self._use_case.model_dump(mode="json", exclude={"environment"})
        raw["evaluations"] = {"human": {"flow_definition_arn": FLOW, "poll_interval_seconds": 0.01, **human}}
        (self.use_cases / f"{NAME}.yaml").write_text(yaml.safe_dump(raw))

    @property
    def store(self) -> S3ObjectStore:
        return S3ObjectStore(self.hook)

    def draw(self) -> Any:
        return self._equipped(DrawLabelSampleOperator(**self._common("draw_sample"))).execute(self.context)

    def submit(self, sample: Any = None, hook: BedrockDistillHook | None = None) -> Any:
        task = BedrockAskWorkersOperator(sample=sample or self.draw(), **self._common("workers.submit"))
        return self._run(task, hook)

    def sensor(self, sample: Any, submitted: Any, **changes: Any) -> Any:
        waits = {"poll_interval_seconds": 0.01, "timeout_seconds": 10, "deferrable": False}
        task = BedrockWorkersSensor(
            sample=sample, submitted=submitted, **{**self._common("workers.wait"), **waits, **changes}
        )
        return self._equipped(task)

    def wait(self, sample: Any, submitted: Any, **changes: Any) -> Any:
        task = self.sensor(sample, submitted, **changes)
        task.pre_execute(self.context)
        return task.execute(self.context)

    def collect(self, sample: Any, worked: Any) -> Any:
        task = CollectLabelsOperator(sample=sample, answered=[], worked=worked, **self._common("collect_labels"))
        return self._run(task)

    def stop(self, sample: Any, ti: Any) -> Any:
        task = self._equipped(StopWorkersOperator(sample=sample, **self._common("workers.stop")))
        context = {**self.context, "ti": ti}
        task.pre_execute(context)
        return task.execute(context)

    @property
    def jobs(self) -> list[Mapping[str, Any]]:
        """The human evaluation jobs of the account."""
        jobs: list[Mapping[str, Any]] = self.simulator.boto("bedrock").list_evaluation_jobs()["jobSummaries"]
        return jobs

    def _common(self, task_id: str) -> dict[str, Any]:
        return {"task_id": task_id, "use_case_name": NAME, "use_cases": self.use_cases}

    def _run(self, task: Any, hook: BedrockDistillHook | None = None) -> Any:
        self._equipped(task, hook).pre_execute(self.context)
        return task.execute(self.context)

    def _equipped(self, task: Any, hook: BedrockDistillHook | None = None) -> Any:
        task.__dict__["hook"] = hook or self.hook
        return task


@contextmanager
def start_workers_run(
    state: Path, run: MemoryStore, use_case: UseCase, folder: Path, context: Any, monkeypatch: Any
) -> Iterator[WorkersRun]:
    """
    Start an AWS simulator whose account has the objects of a run.

    :param run: the objects.
    :param folder: the folder for the use-case file.
    """
    with connected_simulator(state, monkeypatch) as simulator:
        for bucket in {use_case.storage.training_bucket, use_case.storage.output_bucket}:
            simulator.boto("s3").create_bucket(Bucket=bucket)
        builders.allow_worker_portal(simulator, use_case.storage.output_bucket)
        workers = WorkersRun(simulator, use_case, folder, context)
        for uri in run.list(f"{FOLDER.root}/"):
            workers.store.write(uri, run.read(uri))
        yield workers


def answer(task: Mapping[str, Any], worker: str, better: str, difference: int = 5) -> dict[str, Any]:
    """Return the answer of a worker to a task."""
    return {
        "record": task["record"],
        "workerId": worker,
        "timeSpentInSeconds": 3.0,
        "evaluationResults": {
            "comparisonChoice": [{"metricName": "Better", "result": {"modelResponseId": better}}],
            "comparisonLikertScale": [
                {
                    "metricName": "Difference",
                    "leftModelResponseId": "0",
                    "rightModelResponseId": "1",
                    "result": difference,
                }
            ],
        },
    }
