"""Check that every task id in the code belongs to the right task of the real DAG."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from airflow.sdk import DAG, BaseOperator

from bedrock_distill.hooks.batch_jobs import BatchJob
from bedrock_distill.lifecycle.abandoned_batches import abandoned_steps, stop_batches
from bedrock_distill.lifecycle.abandoned_jobs import ATTEMPT_KEY, IN_PROGRESS, abandoned_training
from bedrock_distill.operators.answer import BedrockAnswerOperator
from bedrock_distill.operators.batch import BedrockCollectBatchOperator, BedrockSubmitBatchOperator
from bedrock_distill.operators.dataset import UploadDatasetOperator
from bedrock_distill.operators.outcome import RunOutcomeOperator
from bedrock_distill.operators.serve import BedrockProvisionThroughputOperator, BedrockReleaseThroughputOperator
from bedrock_distill.operators.train import BedrockSubmitCustomizationJobOperator
from bedrock_distill.run import task_ids
from bedrock_distill.run.task_ids import (
    arm_task,
    arms_with_optimized_prompt,
    arms_with_task,
    batch_task,
    evaluation_group,
    evaluation_groups,
    evaluation_parts,
    optimize_task,
    sibling_task,
    steps_in_batches,
)
from bedrock_distill.sensors.batch_jobs import BedrockBatchSensor
from bedrock_distill.sensors.customization_job import BedrockCustomizationJobSensor
from bedrock_distill.sensors.provisioned_throughput import BedrockProvisionedThroughputSensor
from dags.distill import distill_dag
from include.distill.batch.pending_jobs import BatchJobPlan, PendingBatchJobs
from include.distill.config.layout import Layout
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.core.errors import (
    IncompleteRunError,
    JobFailedError,
    RefusedError,
    ThroughputReleasedError,
    WaitTimeoutError,
)
from include.distill.core.naming import job_names
from include.distill.training.job_identity import recipe_fingerprint
from tests.fakes.fake_batch_jobs import FakeBatchJobs
from tests.fakes.fake_bedrock import FINGERPRINT, FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.variables import VARIABLES
from tests.plugins.conftest import FOLDER, RUN_URI

DATASET = {
    "train_uri": "s3://bedrock-distill-training/distill/datasets/d/train.jsonl",
    "validation_uri": None,
    "sha256": "d" * 64,
    "tokens": 1000,
}


@pytest.fixture(scope="module")
def dag(tmp_path_factory: pytest.TempPathFactory) -> DAG:
    """The DAG of a use case with two tuned arms, and with batch jobs for teacher and judges."""
    sample = yaml.safe_load((USE_CASES_FOLDER / "aws_docs_qa.yaml").read_text(encoding="utf-8"))
    changes = {
        "serving": {**sample.get("serving", {}), "mode": "provisioned"},
        "arms": [{"name": "base", "kind": "base"}, {"name": "plain", "synthetic": 0}, {"name": "tuned"}],
        "synthesis": {**sample["synthesis"], "inference": "batch"},
        "judging": {**sample.get("judging", {}), "inference": "batch"},
    }
    file: Path = tmp_path_factory.mktemp("use_cases") / "aws_docs_qa.yaml"
    file.write_text(yaml.safe_dump({**sample, **changes}), encoding="utf-8")
    return distill_dag(load_use_case(file, environment=VARIABLES))


def cleared(message: str) -> str:
    """Return the id of the task that a message says to clear."""
    match = re.search(r"[Cc]lear (\S+) with downstream", message)
    assert match, message
    return match.group(1)


class RealTasks(dict[str, Any]):
    """States of the DAG's tasks; looking up a task that the DAG does not have is an error, not ``None``."""

    def get(self, key: str, default: Any = None) -> Any:
        return self[key]


class RealXComs(SimpleNamespace):
    """XComs of the DAG's tasks; pulling one of a task that the DAG does not have is an error, not ``None``."""

    def xcom_pull(self, *, task_ids: str, key: str = "return_value") -> Any:
        assert task_ids in self.states, f"{task_ids} is not a task of the DAG"
        return self.xcoms.get((task_ids, key))

    def get_task_states(self, *, dag_id: str, run_ids: Sequence[str] = ("r",), task_ids: Sequence[str] = ()) -> Any:
        return {run_ids[0]: self.states}


def instance(dag: DAG, xcoms: dict[tuple[str, str], Any], **states: str) -> RealXComs:
    """Return the task instance of ``outcome``. ``states`` has states by task class; other tasks succeeded."""
    by_id = {task.task_id: states.get(task.task_type, "success") for task in dag.tasks}
    return RealXComs(states=RealTasks(by_id), xcoms=xcoms, dag_id=dag.dag_id, run_id="r")


def ids_of(dag: DAG, kind: type[BaseOperator]) -> list[str]:
    """Return the sorted ids of the DAG's tasks of a class."""
    return sorted(task.task_id for task in dag.tasks if task.task_type == kind.__name__)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (task_ids.UPLOAD, UploadDatasetOperator),
        (task_ids.SUBMIT, BedrockSubmitCustomizationJobOperator),
        (task_ids.TRAINED, BedrockCustomizationJobSensor),
        (task_ids.PROVISION, BedrockProvisionThroughputOperator),
        (task_ids.IN_SERVICE, BedrockProvisionedThroughputSensor),
        (task_ids.RELEASE, BedrockReleaseThroughputOperator),
    ],
)
def test_the_id_of_an_arms_task_belongs_to_the_right_task_of_the_dag(
    dag: DAG, name: str, kind: type[BaseOperator]
) -> None:
    assert ids_of(dag, kind) == [arm_task("plain", name), arm_task("tuned", name)]


def test_the_base_arm_has_a_task_that_answers(dag: DAG) -> None:
    assert ids_of(dag, BedrockAnswerOperator) == [f"{arm}.answer" for arm in ("base", "plain", "tuned")]
    assert arm_task("base", task_ids.ANSWER) == "base.answer"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (task_ids.SUBMIT, BedrockSubmitBatchOperator),
        (task_ids.WAIT, BedrockBatchSensor),
        (task_ids.COLLECT, BedrockCollectBatchOperator),
    ],
)
def test_the_id_of_a_batch_task_belongs_to_the_right_task_of_the_dag(
    dag: DAG, name: str, kind: type[BaseOperator]
) -> None:
    assert ids_of(dag, kind) == [batch_task("judge", name), batch_task("synthesize", name)]


def test_the_arms_that_train_are_found_by_their_tasks(dag: DAG) -> None:
    assert arms_with_task(dag.task_ids, task_ids.TRAINED) == ["plain", "tuned"]


def test_the_arms_with_an_optimized_prompt_are_found_by_their_tasks() -> None:
    states = [optimize_task("prompted", name) for name in (task_ids.SUBMIT, task_ids.WAIT, task_ids.COLLECT)]
    assert states == ["prompted.optimize.submit", "prompted.optimize.wait", "prompted.optimize.collect"]
    assert arms_with_optimized_prompt([*states, "evaluate.tuned_by_nova-pro.wait", "judge_batch.wait"]) == ["prompted"]
    assert steps_in_batches(states) == []


@pytest.mark.parametrize("arm", ["tuned", "trained_by_us", "x_batch"])
def test_the_group_of_an_evaluation_job_names_its_arm_and_evaluator(arm: str) -> None:
    states = [f"evaluate.{evaluation_group(arm, 'nova-pro')}.{name}" for name in ("submit", "wait", "collect")]
    [group] = evaluation_groups([*states, "judge_batch.wait", "tuned.trained"])
    assert group == f"evaluate.{evaluation_group(arm, 'nova-pro')}"
    assert evaluation_parts(group) == (arm, "nova-pro")
    assert steps_in_batches(states) == []


def test_the_steps_that_use_batch_jobs_are_found_by_their_tasks(dag: DAG) -> None:
    assert steps_in_batches(dag.task_ids) == ["judge", "synthesize"]


def test_a_task_without_a_group_has_siblings_without_a_group() -> None:
    assert sibling_task("in_service", task_ids.PROVISION) == "provision"
    assert sibling_task("tuned.in_service", task_ids.PROVISION) == "tuned.provision"


class TestAbandonedJobs:
    def test_a_waiting_task_that_was_marked_failed_abandons_its_arm(self, dag: DAG) -> None:
        waits = ids_of(dag, BedrockCustomizationJobSensor)
        ti = instance(dag, {(task, ATTEMPT_KEY): IN_PROGRESS for task in waits}, BedrockCustomizationJobSensor="failed")
        assert list(abandoned_training(ti.states, ti)) == list(zip(("plain", "tuned"), waits, strict=True))

    def test_a_submit_that_was_marked_failed_abandons_its_arm(self, dag: DAG) -> None:
        submits = ids_of(dag, BedrockSubmitCustomizationJobOperator)
        xcoms = {(task, ATTEMPT_KEY): IN_PROGRESS for task in submits}
        ti = instance(dag, xcoms, BedrockSubmitCustomizationJobOperator="failed")
        assert list(abandoned_training(ti.states, ti)) == list(zip(("plain", "tuned"), submits, strict=True))

    @pytest.mark.parametrize("returned", [True, False])
    def test_outcome_stops_the_jobs_of_submits_that_were_marked_failed(
        self, dag: DAG, equip: Any, bedrock: FakeBedrock, context: Any, use_case: Any, returned: bool
    ) -> None:
        """``outcome`` finds the job by the manifest of ``submit``, or else by the manifest of ``upload``."""
        fingerprint = recipe_fingerprint(use_case, "tuned", DATASET["sha256"])
        names = [job_names("test", use_case.name, arm, fingerprint, 1).name for arm in ("plain", "tuned")]
        for name in names:
            bedrock.put_job(
                name,
                "InProgress",
                training_uri=DATASET["train_uri"],
                output_uri=Layout(use_case.storage).training_output(fingerprint),
            )
        submits, uploads = ids_of(dag, BedrockSubmitCustomizationJobOperator), ids_of(dag, UploadDatasetOperator)
        xcoms: dict[tuple[str, str], Any] = {(task, ATTEMPT_KEY): IN_PROGRESS for task in submits}
        xcoms |= {(task, "return_value"): DATASET for task in uploads}
        if returned:
            xcoms |= {
                (task, "return_value"): {"job_name": name, "fingerprint": fingerprint}
                for task, name in zip(submits, names, strict=True)
            }
        context["ti"] = instance(dag, xcoms, BedrockSubmitCustomizationJobOperator="failed")
        with pytest.raises(IncompleteRunError):
            equip(RunOutcomeOperator(task_id="outcome", run_uri=RUN_URI)).execute(context)
        assert bedrock.stopped == names

    def test_a_job_that_outcome_cannot_stop_is_named_with_the_command_that_stops_it(
        self, dag: DAG, equip: Any, bedrock: FakeBedrock, context: Any, use_case: Any
    ) -> None:
        fingerprint = recipe_fingerprint(use_case, "tuned", DATASET["sha256"])
        name = job_names("test", use_case.name, "tuned", fingerprint, 1).name
        output = Layout(use_case.storage).training_output(fingerprint)
        bedrock.put_job(name, "InProgress", training_uri=DATASET["train_uri"], output_uri=output)
        bedrock.refuse["stop_job"] = RefusedError("StopModelCustomizationJob: denied.", to_do="Ask for access.")
        [submit] = [task for task in ids_of(dag, BedrockSubmitCustomizationJobOperator) if task.startswith("tuned")]
        submitted = {"job_name": name, "job_arn": f"arn:job/{name}", "fingerprint": fingerprint}
        xcoms: dict[tuple[str, str], Any] = {(submit, ATTEMPT_KEY): IN_PROGRESS, (submit, "return_value"): submitted}
        context["ti"] = instance(dag, xcoms, BedrockSubmitCustomizationJobOperator="failed")
        with pytest.raises(IncompleteRunError) as raised:
            equip(RunOutcomeOperator(task_id="outcome", run_uri=RUN_URI, region_name="us-east-1")).execute(context)
        billed, to_do = raised.value.billed, raised.value.to_do
        assert f"its job arn:job/{name} could not be stopped and may be running and billed" in billed
        assert f"`aws bedrock stop-model-customization-job --job-identifier arn:job/{name} --region us-east-1`" in to_do
        assert "For tuned.submit: Clear tuned.submit with downstream." in to_do


class TestAbandonedBatches:
    @pytest.mark.parametrize("kind", [BedrockSubmitBatchOperator, BedrockBatchSensor])
    def test_a_batch_task_that_was_marked_failed_abandons_its_step(self, dag: DAG, kind: type[BaseOperator]) -> None:
        xcoms = {(task, ATTEMPT_KEY): IN_PROGRESS for task in ids_of(dag, kind)}
        ti = instance(dag, xcoms, **{kind.__name__: "failed"})
        (task,) = {task_id.rpartition(".")[2] for task_id in ids_of(dag, kind)}
        steps = ("judge", "synthesize")
        assert list(abandoned_steps(ti.states, ti)) == [(step, f"{step}_batch.{task}") for step in steps]


class TestMessages:
    """Check that messages that say which task to clear name a task of the DAG."""

    def test_the_message_about_a_released_endpoint_names_a_task_of_the_dag(self, dag: DAG, equip: Any) -> None:
        provisioned = {"throughput_name": "t", "throughput_arn": "arn", "model_arn": "m", "student": "nova-micro"}
        for task in ids_of(dag, BedrockProvisionedThroughputSensor):
            sensor = BedrockProvisionedThroughputSensor(
                task_id=task,
                run_uri=RUN_URI,
                provisioned=provisioned,
                poll_interval_seconds=1,
                timeout_seconds=60,
            )
            with pytest.raises(ThroughputReleasedError) as error:
                equip(sensor).poll()
            assert cleared(str(error.value)) in ids_of(dag, BedrockProvisionThroughputOperator)
            assert cleared(f"clear {sensor.task_to_clear}") in ids_of(dag, BedrockProvisionThroughputOperator)

    def test_the_message_about_a_stopped_job_names_a_task_of_the_dag(
        self, dag: DAG, equip: Any, bedrock: FakeBedrock
    ) -> None:
        bedrock.put_job("job", "Stopped")
        for task in ids_of(dag, BedrockCustomizationJobSensor):
            sensor = BedrockCustomizationJobSensor(
                task_id=task,
                run_uri=RUN_URI,
                submitted={"job_name": "job", "fingerprint": FINGERPRINT},
                poll_interval_seconds=1,
                timeout_seconds=60,
            )
            with pytest.raises(JobFailedError) as error:
                equip(sensor).poll()
            assert cleared(str(error.value)) in ids_of(dag, BedrockSubmitCustomizationJobOperator)

    @pytest.mark.parametrize(
        ("status", "error", "kind"),
        [
            ("InProgress", WaitTimeoutError, BedrockBatchSensor),
            ("Stopped", JobFailedError, BedrockSubmitBatchOperator),
        ],
    )
    def test_the_message_about_a_running_or_stopped_batch_job_names_a_task_of_the_dag(
        self,
        dag: DAG,
        equip: Any,
        context: Any,
        store: MemoryStore,
        status: str,
        error: type[Exception],
        kind: type[BaseOperator],
    ) -> None:
        jobs = FakeBatchJobs(store)
        jobs.jobs["arn"] = BatchJob("job", "arn", status)
        for task, step in zip(ids_of(dag, BedrockCollectBatchOperator), ("judge", "synthesize"), strict=True):
            collect = equip(
                BedrockCollectBatchOperator(task_id=task, run_uri=RUN_URI, step=step, submitted={"job_arns": ["arn"]})
            )
            collect.__dict__["batch_jobs"] = jobs
            with pytest.raises(error) as raised:
                collect.execute(context)
            assert cleared(str(raised.value)) in ids_of(dag, kind)

    def test_the_message_about_a_batch_job_that_outcome_stopped_names_a_task_of_the_dag(
        self, dag: DAG, store: MemoryStore
    ) -> None:
        jobs, pending = FakeBatchJobs(store), PendingBatchJobs(store, FOLDER)
        for step in ("judge", "synthesize"):
            plan = BatchJobPlan(
                name=step, step=step, model="m", identity="m", sha256="0", records=1, max_tokens=1,
                run_key=FOLDER.run_key, input_uri="s3://b/i", output_uri="s3://b/o",
            )  # fmt: skip
            pending.add(plan)
            jobs.jobs[step] = BatchJob(step, step, "InProgress", input_uri="s3://b/i", output_uri="s3://b/o")
            ((message, _),) = stop_batches(jobs, pending, step)  # type: ignore[arg-type]
            assert cleared(message) in ids_of(dag, BedrockSubmitBatchOperator)
