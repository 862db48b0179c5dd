"""Check what tasks report about themselves, with all steps of a run on the fakes."""

from __future__ import annotations

import inspect
import json
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from bedrock_distill.lifecycle.rollback_place import RollbackPlace
from bedrock_distill.lineage.assets import dataset_asset, model_asset, report_asset
from bedrock_distill.lineage.data_steps import ingest_lineage
from bedrock_distill.lineage.facets import RUN_FACET
from bedrock_distill.lineage.task import LineageTask, after_execution
from bedrock_distill.operators.dataset import UploadDatasetOperator
from bedrock_distill.operators.ingest import ShardRowsOperator
from bedrock_distill.run.workers_task import WorkersTask
from bedrock_distill.sensors.customization_job import BedrockCustomizationJobSensor
from include.distill.config.use_case import UseCase
from include.distill.report.records import ReportEvent
from tests.fakes.dialogue import say
from tests.fakes.fake_bedrock import FINGERPRINT, FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI
from tests.plugins.lineage.test_facets import sent
from tests.plugins.operators.test_every_operator import new_task, task_classes
from tests.plugins.operators.test_report import PipelineRun

Dataset = tuple[str, str]
REPORTING_CLASSES = [one for one in task_classes() if issubclass(one, LineageTask) and not inspect.isabstract(one)]
ASSETS = [dataset_asset("aws_docs_qa"), model_asset("aws_docs_qa"), report_asset("aws_docs_qa")]


def datasets(found: list[dict[str, Any]]) -> set[Dataset]:
    return {(dataset["namespace"], dataset["name"]) for dataset in found}


class Events(dict[Any, Any]):
    """Stand in for Airflow's ``outlet_events``."""

    def __missing__(self, key: Any) -> Any:
        return self.setdefault(key, SimpleNamespace(extra={}))


class ReportingRun(PipelineRun):
    """A run whose tasks are ended as Airflow ends them, with everything that they report."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.events: list[dict[str, Any]] = []
        self.failed: list[dict[str, Any]] = []
        self.assets: list[tuple[str, dict[str, Any]]] = []

    def run(self, task_class: Any, task_id: str = "task", **arguments: Any) -> Any:
        task = self.equip(task_class(task_id=task_id, run_uri=self.run_uri, outlets=[*ASSETS], **arguments))
        extras = {asset: SimpleNamespace(extra={}) for asset in ASSETS}
        self.context |= {"task": task, "outlet_events": extras}
        result = task.execute(self.context)
        after_execution(self.context, result)
        self.events.append(sent(task.get_openlineage_facets_on_complete(None)))
        self.failed.append(sent(task.get_openlineage_facets_on_failure(None)))
        self.assets += [(task_class.__name__, extras[outlet].extra) for outlet in task.outlets[:1]]
        return result

    def until_report(self) -> dict[str, Any]:
        """Run every task before ``report``, because each of them reports something."""
        return self.run_until_report()


@pytest.fixture
def run(equip: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any) -> ReportingRun:
    bedrock.say = say
    return ReportingRun(RUN_URI, equip, bedrock, store, context)


@pytest.fixture
def sensor(equip: Any) -> Any:
    """Return a function that makes the sensor for the job ``job``."""

    def make(*, bought: bool = True, **changes: Any) -> BedrockCustomizationJobSensor:
        submitted = {"job_name": "job", "job_arn": "arn:job/job", "fingerprint": FINGERPRINT, "bought": bought}
        settings = {"poll_interval_seconds": 1, "timeout_seconds": 60, "outlets": [model_asset("aws_docs_qa")]}
        task = BedrockCustomizationJobSensor(
            task_id="tuned.trained", run_uri=RUN_URI, submitted=submitted, **{**settings, **changes}
        )
        made: BedrockCustomizationJobSensor = equip(task)
        return made

    return make


def test_the_csv_is_connected_with_the_report_through_everything_that_lies_between(
    run: ReportingRun, use_case: UseCase
) -> None:
    run.run(ShardRowsOperator, rows="train", max_tasks=10)
    run.run(ShardRowsOperator, rows="evaluation", max_tasks=4)
    run.report()
    counts: Any = {**run.ingested, "train": 10, "evaluation": 4}
    ingested = ingest_lineage(use_case, FOLDER, counts)
    reached = {("file", use_case.source.training_csv)}
    reached |= {(one.namespace, one.name) for one in ingested.outputs if one.name.endswith("train.jsonl")}
    for event in run.events:  # in the order of the tasks
        if datasets(event["inputs"]) & reached:
            reached |= datasets(event["outputs"])
    parts = ("synthetic/accepted", "datasets/", "arn:job", "arn:model", "arn:throughput", "answers/tuned", "verdicts")
    places = [f"{namespace} {name}" for namespace, name in reached]
    assert [
        part for part in (*parts, "report.json") if not any(part in place.replace(" ", ":") for place in places)
    ] == []


def test_no_text_of_a_row_or_an_answer_is_reported(run: ReportingRun, store: MemoryStore) -> None:
    run.report()
    texts = set()
    for uri, body in store.objects.items():
        if uri.startswith(RUN_URI) and uri.endswith(".jsonl"):
            records = [json.loads(line) for line in body.splitlines() if line]
            texts |= {record.get(key) for record in records for key in ("question", "answer", "document")}
    texts -= {None}
    assert len(texts) > 20
    reported = json.dumps([run.events, run.failed, run.assets])
    assert [text for text in texts if text in reported] == []


def test_the_number_of_datasets_does_not_grow_with_the_number_of_shards(run: ReportingRun) -> None:
    run.report()
    found = set().union(*(datasets(event["inputs"] + event["outputs"]) for event in run.events))
    in_run = [name for _, name in found if f"/{FOLDER.run_key}/" in name]
    assert len(in_run) < 25
    assert not any(name.endswith(("00001.jsonl", "00000.jsonl")) for name in in_run)


def test_the_facts_say_which_run_it_was_what_it_cost_and_what_came_out(run: ReportingRun) -> None:
    manifest, _ = run.report()
    facts = run.events[-1]["run_facets"][RUN_FACET]
    expected = {"run_key": FOLDER.run_key, "use_case": "aws_docs_qa", "usd": manifest["actual_usd"]}
    assert facts.items() >= {**expected, "verdict": manifest["verdict"], "simulated": manifest["simulated"]}.items()
    asked = [event["run_facets"][RUN_FACET] for event in run.events if "calls" in event["run_facets"][RUN_FACET]]
    assert sum(one["calls"] for one in asked if one.get("shard") == 0) > 0
    assert all(one["usd"] > 0 for one in asked if one["calls"] and "arm" not in one and "judge" not in one)


def test_an_error_reports_what_was_read_and_not_what_was_written(run: ReportingRun) -> None:
    run.report()
    assert all(event["outputs"] == [] for event in run.failed)
    assert any(event["inputs"] for event in run.failed)


def test_a_task_that_failed_before_it_read_the_use_case_reads_nothing_more(equip: Any, store: MemoryStore) -> None:
    task = equip(UploadDatasetOperator(task_id="t", run_uri=RUN_URI, arm="tuned", merged={}))
    store.objects.clear()
    event = sent(task.get_openlineage_facets_on_failure(None))
    assert (event["inputs"], event["run_facets"][RUN_FACET]["arm"]) == ([], "tuned")


def test_the_start_names_the_run_before_anything_is_read(equip: Any, store: MemoryStore) -> None:
    store.objects.clear()
    event = sent(
        equip(UploadDatasetOperator(task_id="t", run_uri=RUN_URI, arm="a", merged={})).get_openlineage_facets_on_start()
    )
    assert event["run_facets"][RUN_FACET]["run_key"] == FOLDER.run_key


@pytest.mark.parametrize("task_class", REPORTING_CLASSES)
def test_every_task_can_report_its_start(task_class: Any) -> None:
    """Some tasks have a placeholder in place of a run's folder."""
    placeholders = {"run_uri": "none"} if issubclass(task_class, (RollbackPlace, WorkersTask)) else {}
    assert RUN_FACET in sent(new_task(task_class, **placeholders).get_openlineage_facets_on_start())["run_facets"]


def test_an_error_in_the_lineage_is_logged_and_goes_no_further(equip: Any, capsys: pytest.CaptureFixture[str]) -> None:
    task = equip(UploadDatasetOperator(task_id="tuned.upload", run_uri=RUN_URI, arm="tuned", merged={}))
    assert task.get_openlineage_facets_on_complete(None) is None
    assert "lineage of tuned.upload is not reported" in capsys.readouterr().out


class TestAfterAWait:
    def test_a_sensor_that_was_deferred_reports_the_model_when_it_ends(
        self, sensor: Any, context: Any, bedrock: FakeBedrock
    ) -> None:
        bedrock.put_job("job", "InProgress")
        with pytest.raises(TaskDeferred):
            sensor().execute(context)
        bedrock.put_job("job", "Completed")
        resumed = sensor()  # Airflow continues in another process, with another object
        result = resumed.resume_execution("execute_complete", {"event": {"end": "ended"}}, context)
        after_execution({**context, "task": resumed, "outlet_events": Events()}, result)
        event = sent(resumed.get_openlineage_facets_on_complete(None))
        assert datasets(event["outputs"]) == {("arn", "model/job")}
        assert event["run_facets"][RUN_FACET]["training_loss"] == 0.5


class TestAssets:
    def test_a_run_announces_its_training_set_its_model_and_its_report_with_data(self, run: ReportingRun) -> None:
        manifest, _ = run.report()
        extras = dict(run.assets)
        dataset, model = extras["UploadDatasetOperator"], extras["BedrockCustomizationJobSensor"]
        assert (dataset["arm"], dataset["run_key"]) == ("tuned", FOLDER.run_key)
        assert dataset["train_uri"].endswith(f"/{dataset['sha256']}/train.jsonl")
        assert (model["model_arn"].startswith("arn:model/"), model["training_loss"]) == (True, 0.5)
        report = extras["RenderReportOperator"]
        assert report == {**{key: manifest.get(key) for key in ReportEvent.__annotations__}, "run_key": FOLDER.run_key}

    def test_what_an_earlier_run_made_is_not_announced_again(
        self, run: ReportingRun, sensor: Any, context: Any, bedrock: FakeBedrock
    ) -> None:
        synthesis = run.until_report()["synthesis"]
        run.assets.clear()
        run.tune(synthesis)
        assert "UploadDatasetOperator" not in dict(run.assets)
        bedrock.put_job("job", "Completed")
        bedrock.tag("arn:job/job", {"run-key": "another"})
        waiting = sensor(bought=False)
        result = waiting.execute(context)
        after_execution({**context, "task": waiting, "outlet_events": Events()}, result)
        assert waiting.outlets == []

    def test_a_model_is_announced_even_if_an_earlier_attempt_of_submit_bought_its_job(
        self, sensor: Any, context: Any, bedrock: FakeBedrock
    ) -> None:
        bedrock.put_job("job", "Completed")
        bedrock.tag("arn:job/job", {"run-key": FOLDER.run_key})
        waiting, events = sensor(bought=False), Events()
        result = waiting.execute(context)
        after_execution({**context, "task": waiting, "outlet_events": events}, result)
        assert waiting.outlets == [ASSETS[1]]
        assert events[ASSETS[1]].extra.items() >= {"arm": "tuned", "model_arn": "arn:model/job"}.items()

    def test_an_error_is_logged_and_does_not_fail_the_task(
        self, sensor: Any, context: Any, bedrock: FakeBedrock, capsys: pytest.CaptureFixture[str]
    ) -> None:
        bedrock.put_job("job", "Completed")
        bedrock.tag("arn:job/job", {"run-key": FOLDER.run_key})
        waiting = sensor()
        after_execution({**context, "task": waiting, "outlet_events": {}}, {"model_arn": "arn:model/job"})
        assert "got no data about this run" in capsys.readouterr().out
