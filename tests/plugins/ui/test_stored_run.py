"""Read runs from a real database of Airflow."""

from __future__ import annotations

import datetime
import itertools
import json
import uuid
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from airflow import settings
from airflow.models import import_all_models
from airflow.models.base import Base
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import delete, insert

from bedrock_distill.run.failed_tasks import next_steps
from bedrock_distill.run.running_purchases import describe_running_purchases
from bedrock_distill.ui import stored_run
from bedrock_distill.ui.stored_run import Instance, pipeline_order, read_run

DAG_ID, RUN_ID = "distill_stored_run", "manual__1"
NOW = datetime.datetime(2026, 11, 28, 2, tzinfo=datetime.UTC)
NOTE = {"to_do": "Raise the quota, then clear tuned.provision with downstream.", "billed": "Nothing."}


@pytest.fixture(scope="module")
def database() -> None:
    settings.initialize()
    import_all_models()
    Base.metadata.create_all(settings.engine)


@pytest.fixture
def stored(database: None) -> Iterator[Any]:
    """Return a function that stores a run with tasks in these states, and the values that tasks have stored."""

    def store(states: dict[tuple[str, int], str | None], xcoms: dict[tuple[str, int, str], Any]) -> None:
        with create_session(scoped=False) as session:
            run = DagRun(dag_id=DAG_ID, run_id=RUN_ID, run_type="manual", state="running", start_date=NOW)
            session.add(run)
            session.flush()
            for (task_id, map_index), state in states.items():
                session.execute(
                    insert(TaskInstance).values(
                        id=uuid.uuid4(),
                        dag_id=DAG_ID,
                        run_id=RUN_ID,
                        task_id=task_id,
                        map_index=map_index,
                        state=state,
                        start_date=NOW if state else None,
                        pool="default_pool",
                    )
                )
            for (task_id, map_index, key), value in xcoms.items():
                named = {"dag_run_id": run.id, "dag_id": DAG_ID, "run_id": RUN_ID, "key": key}
                session.execute(
                    insert(XComModel).values(**named, task_id=task_id, map_index=map_index, value=json.dumps(value))
                )

    yield store
    with create_session(scoped=False) as session:
        for model in (XComModel, TaskInstance, DagRun):
            session.execute(delete(model).where(model.dag_id == DAG_ID))  # type: ignore[attr-defined]


def test_a_run_that_airflow_does_not_have_is_none(database: None) -> None:
    assert read_run(DAG_ID, "manual__other") is None


def test_the_states_and_results_of_the_tasks_are_read(stored: Any) -> None:
    stored(
        {
            ("preflight", -1): "success",
            ("synthesize", 0): "success",
            ("synthesize", 1): "running",
            ("curate", -1): None,
        },
        {("preflight", -1, "return_value"): {"x": [1, "ü"]}, ("synthesize", 0, "return_value"): {"documents": 4}},
    )
    run = read_run(DAG_ID, RUN_ID)
    assert run is not None
    assert (run.state, run.started, run.ended) == ("running", NOW, None)
    assert Instance("synthesize", 1, "running", NOW, None) in run.instances
    assert run.states.states == {
        "preflight": "success",
        "synthesize_0": "success",
        "synthesize_1": "running",
        "curate": None,
    }
    assert run.xcom_pull(task_ids="preflight") == {"x": [1, "ü"]}
    assert run.xcom_pull(task_ids="curate") is None
    assert run.xcoms.keys() == {("preflight", -1, "return_value")}, "the results of mapped tasks are not read"


def test_the_code_of_the_tasks_reads_a_stored_run_like_a_task_instance(stored: Any) -> None:
    created = {"throughput_name": "tuned-s1", "usd_per_hour": 24.0}
    stored(
        {
            ("tuned.provision", -1): "success",
            ("tuned.in_service", -1): "running",
            ("tuned.release", -1): None,
            ("synthesize", 3): "failed",
        },
        {("tuned.provision", -1, "return_value"): created, ("synthesize", 3, "failure"): NOTE},
    )
    run = read_run(DAG_ID, RUN_ID)
    assert run is not None
    assert describe_running_purchases({"ti": run}, own_task="") == (  # type: ignore[typeddict-item]
        "The endpoint of arm tuned is billed at $24.00 per hour until tuned.release deletes it."
    )
    (failed,) = run.states.failed
    assert str(failed) == "synthesize[3]"
    assert next_steps(run.states, run) == NOTE["to_do"]


class TestDag:
    """The structure of the DAG, which Airflow stores in its database in a form of its own."""

    @pytest.fixture
    def bag(self, stored: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
        stored({("synthesize", 0): "running", ("ingest", -1): "success", ("added", -1): None}, {})
        bag = SimpleNamespace()
        monkeypatch.setattr(stored_run, "_dag_bag", lambda: bag)
        return bag

    def test_it_gives_the_order_of_the_tasks(self, bag: Any) -> None:
        ingest = SimpleNamespace(task_id="ingest", upstream_task_ids=set(), is_mapped=False)
        synthesize = SimpleNamespace(task_id="synthesize", upstream_task_ids={"ingest"}, is_mapped=True)
        bag.get_dag_for_run = lambda run, session: SimpleNamespace(tasks=[synthesize, ingest])
        run = read_run(DAG_ID, RUN_ID)
        assert run is not None
        assert run.order == ["ingest", "synthesize", "added"]
        assert run.mapped == ["synthesize"]

    def test_without_it_the_tasks_are_listed_by_name(self, bag: Any, caplog: pytest.LogCaptureFixture) -> None:
        def fail(run: Any, session: Any) -> None:
            raise ValueError("a DAG of another version")

        bag.get_dag_for_run = fail
        run = read_run(DAG_ID, RUN_ID)
        assert run is not None
        assert run.order == ["added", "ingest", "synthesize"]
        assert "cannot be read" in caplog.text

    def test_a_dag_that_is_gone_has_no_order_either(self, bag: Any) -> None:
        bag.get_dag_for_run = lambda run, session: None
        run = read_run(DAG_ID, RUN_ID)
        assert run is not None
        assert run.order == ["added", "ingest", "synthesize"]


class TestPipelineOrder:
    UPSTREAM: ClassVar = {
        "report": ["judge"],
        "judge": ["tuned.answer", "base.answer"],
        "tuned.answer": ["tuned.active"],
        "tuned.active": ["tuned.deploy"],
        "tuned.deploy": ["preflight"],
        "base.answer": ["preflight"],
        "preflight": [],
    }

    def test_each_task_comes_after_those_it_depends_on_and_the_tasks_of_an_arm_stay_together(self) -> None:
        expected = ["preflight", "base.answer", "tuned.deploy", "tuned.active", "tuned.answer", "judge", "report"]
        for items in itertools.permutations(self.UPSTREAM.items(), len(self.UPSTREAM)):
            assert pipeline_order(dict(items)) == expected

    def test_no_tasks_have_no_order(self) -> None:
        assert pipeline_order({}) == []
