"""Test what the tasks of a run record in the history of the use case, and that a refused history fails no task."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.sdk.exceptions import DownstreamTasksSkipped

from bedrock_distill.operators.estimate import EstimateCostOperator
from bedrock_distill.operators.outcome import RunOutcomeOperator
from bedrock_distill.operators.promote import PromoteChampionOperator
from bedrock_distill.operators.report import RenderReportOperator
from include.distill.config.run_record import RunIdentity, claim_run_folder
from include.distill.config.use_case import UseCase
from include.distill.core.errors import IncompleteRunError, RefusedError, SpendCapError
from include.distill.core.record_types import record_fault
from include.distill.core.storage import read_json, write_json
from include.distill.history.months import read_history
from include.distill.history.records import HistoryEntry
from tests.fakes.decided_report import ASSET, REPORTED, TRAINED, decide, decision
from tests.fakes.dialogue import say
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze
from tests.plugins.operators.test_report import PipelineRun

HISTORY = f"{FOLDER.root}/history/"


@pytest.fixture
def pipeline(equip: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any) -> PipelineRun:
    bedrock.say = say
    claim_run_folder(store, FOLDER, RunIdentity("test", "d", "r"), use_case="aws_docs_qa")
    return PipelineRun(RUN_URI, equip, bedrock, store, context)


def recorded(store: MemoryStore) -> HistoryEntry:
    [run] = read_history(store, FOLDER.root, "aws_docs_qa")
    assert record_fault(HistoryEntry, dict(run)) is None
    return run


def end(pipeline: PipelineRun, results: dict[str, Any], **states: str) -> None:
    """Execute `outcome`, with the states and results of the other tasks."""
    ti = pipeline.context["ti"]
    ti.get_task_states = lambda dag_id, run_ids=("r",), **_: {run_ids[0]: states}
    ti.xcom_pull = lambda task_ids, key="return_value", **_: results.get(task_ids) if key == "return_value" else None
    pipeline.run(RunOutcomeOperator, "outcome")


class TestEstimate:
    def test_a_run_is_recorded_before_it_buys_anything(self, pipeline: PipelineRun, store: MemoryStore) -> None:
        manifest = pipeline.run(EstimateCostOperator)
        run = recorded(store)
        assert (run["state"], run["estimated_usd"], run["spent_usd"]) == ("running", manifest["estimated_usd"], None)

    def test_a_refused_run_is_recorded_and_then_fails_without_having_spent_anything(
        self, pipeline: PipelineRun, store: MemoryStore, use_case: UseCase
    ) -> None:
        freeze(store, use_case, max_spend_usd=0.01)
        with pytest.raises(SpendCapError):
            pipeline.run(EstimateCostOperator)
        assert recorded(store)["estimated_usd"] == read_json(store, FOLDER.estimate, dict)["estimated_usd"]
        with pytest.raises(IncompleteRunError):
            end(pipeline, {}, estimate="failed", synthesize="upstream_failed")
        assert (recorded(store)["state"], recorded(store)["spent_usd"]) == ("failed", 0.0)

    def test_a_dry_run_leaves_no_record(self, pipeline: PipelineRun, store: MemoryStore, equip: Any) -> None:
        pipeline.context["params"] = {"dry_run": True}
        with DAG("d", schedule=None):
            task = equip(EstimateCostOperator(task_id="estimate", run_uri=RUN_URI))
            task >> EmptyOperator(task_id="later")
        with pytest.raises(DownstreamTasksSkipped):
            task.execute(pipeline.context)
        end(pipeline, {}, estimate="success", later="skipped")
        with pytest.raises(IncompleteRunError):
            end(pipeline, {}, estimate="failed")
        assert store.list(HISTORY) == []


class TestReport:
    def test_the_report_adds_the_results(self, pipeline: PipelineRun, store: MemoryStore) -> None:
        _, report = pipeline.report()
        run = recorded(store)
        assert (run["state"], run["spent_usd"]) == ("running", report["cost"]["actual_usd"])
        assert sum(run["spent_by_kind"].values()) == pytest.approx(run["spent_usd"])
        assert run["spent_by_kind"].keys() == {"teacher", "training", "judges", "endpoints"}
        assert (run["candidate"], run["baseline"], len(run["judges"])) == ("tuned", "base", 2)
        assert run["pairs"]["requested"] == 30
        assert run["rows"]["training"] == 10
        assert run["calls"]["calls"] > 0
        assert run["champion_model_arn"] is None

    def test_a_report_without_a_first_record_writes_one(self, pipeline: PipelineRun, store: MemoryStore) -> None:
        """A version without the history began the run."""
        arguments = pipeline.until_report()
        store.delete(f"{HISTORY}aws_docs_qa/2026-11.json")
        pipeline.run(RenderReportOperator, "report", **arguments)
        assert recorded(store)["estimated_usd"] == read_json(store, FOLDER.estimate, dict)["estimated_usd"]


class TestPromote:
    def test_a_promotion_is_recorded(self, prepared: MemoryStore, equip: Any, context: Any) -> None:
        decide(prepared, decision("tuned"))
        context["outlet_events"] = {ASSET: SimpleNamespace(extra=None)}
        given: Any = {"reported": REPORTED, "trained": TRAINED, "outlets": [ASSET]}
        equip(PromoteChampionOperator(task_id="promote", run_uri=RUN_URI, **given)).execute(context)
        run = recorded(prepared)
        assert (run["promoted"], run["champion_model_arn"]) == ("tuned", "arn:model/tuned")


class TestOutcome:
    def test_a_successful_run_has_its_end_and_the_bill_of_its_report(
        self, pipeline: PipelineRun, store: MemoryStore
    ) -> None:
        manifest, report = pipeline.report()
        end(pipeline, {"report": manifest}, report="success")
        run = recorded(store)
        assert (run["state"], run["spent_usd"]) == ("succeeded", report["cost"]["actual_usd"])
        assert run["ended_at"] is not None

    def test_a_failed_run_has_the_bill_of_its_purchases(self, pipeline: PipelineRun, store: MemoryStore) -> None:
        pipeline.until_report()
        with pytest.raises(IncompleteRunError, match="has spent about"):
            end(pipeline, {}, judge="failed", report="upstream_failed")
        run = recorded(store)
        assert run["state"] == "failed"
        assert run["spent_usd"] is not None
        assert run["spent_usd"] > 0

    def test_a_cleared_run_is_running_again_and_does_not_forget_what_it_has_spent(
        self, pipeline: PipelineRun, store: MemoryStore
    ) -> None:
        pipeline.until_report()
        with pytest.raises(IncompleteRunError):
            end(pipeline, {}, judge="failed", report="upstream_failed")
        spent = recorded(store)["spent_usd"]
        pipeline.run(EstimateCostOperator)
        run = recorded(store)
        assert (run["state"], run["ended_at"], run["spent_usd"]) == ("running", None, spent)

    def test_the_bill_of_a_cleared_run_contains_what_its_first_attempt_bought(
        self, pipeline: PipelineRun, store: MemoryStore
    ) -> None:
        """The answers and the job of the first attempt are found in the store, and nothing is bought again."""
        manifest, report = pipeline.report()
        end(pipeline, {"report": manifest}, report="success")
        first, answers = recorded(store), len(store.list(FOLDER.responses))
        manifest, again = pipeline.report()
        end(pipeline, {"report": manifest}, report="success")
        second = recorded(store)
        assert len(store.list(FOLDER.responses)) == answers
        assert second["spent_usd"] == pytest.approx(first["spent_usd"])
        assert again["cost"]["actual_usd"] == pytest.approx(report["cost"]["actual_usd"])

    def test_a_run_that_failed_before_its_use_case_was_frozen_is_recorded(
        self, pipeline: PipelineRun, store: MemoryStore
    ) -> None:
        store.delete(FOLDER.use_case)
        with pytest.raises(IncompleteRunError):
            end(pipeline, {}, preflight="failed", ingest="upstream_failed")
        run = recorded(store)
        assert (run["state"], run["estimated_usd"], run["spent_usd"]) == ("failed", None, 0.0)


class TestRefusedHistory:
    """A store that refuses the history. The tasks that write it succeed, and warn."""

    @pytest.fixture(autouse=True)
    def refuse(self, store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
        def write(uri: str, body: bytes) -> None:
            if uri.startswith(HISTORY):
                raise RefusedError(f"S3 refused {uri}.")
            MemoryStore.write(store, uri, body)

        monkeypatch.setattr(store, "write", write)

    def test_estimate_report_and_outcome_succeed(
        self, pipeline: PipelineRun, store: MemoryStore, capfd: pytest.CaptureFixture[str]
    ) -> None:
        manifest, _ = pipeline.report()
        end(pipeline, {"report": manifest}, report="success")
        printed = capfd.readouterr()
        assert (printed.out + printed.err).count("The history of the use case lacks the newest figures") == 3
        assert store.list(HISTORY) == []

    def test_promote_succeeds(self, prepared: MemoryStore, equip: Any, context: Any) -> None:
        decide(prepared, decision("tuned"))
        context["outlet_events"] = {ASSET: SimpleNamespace(extra=None)}
        given: Any = {"reported": REPORTED, "trained": TRAINED, "outlets": [ASSET]}
        task = equip(PromoteChampionOperator(task_id="promote", run_uri=RUN_URI, **given))
        assert task.execute(context)["arm"] == "tuned"

    def test_a_failed_run_still_names_its_failed_tasks(self, pipeline: PipelineRun, store: MemoryStore) -> None:
        with pytest.raises(IncompleteRunError, match=r"Failed tasks: judge\."):
            end(pipeline, {}, judge="failed")


def test_a_history_that_is_not_json_fails_no_task(pipeline: PipelineRun, store: MemoryStore) -> None:
    uri = f"{HISTORY}aws_docs_qa/2026-11.json"
    write_json(store, uri, {"runs": 3})
    pipeline.run(EstimateCostOperator)
    assert read_json(store, uri, dict)["runs"] == 3
