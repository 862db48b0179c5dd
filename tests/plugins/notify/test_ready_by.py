from __future__ import annotations

import asyncio
import datetime
import functools
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.models import DagModel, DagRun, Deadline, Trigger, import_all_models
from airflow.models.base import Base
from airflow.sdk.definitions.deadline import DeadlineAlert
from airflow.serialization.decoders import decode_deadline_alert
from airflow.serialization.encoders import encode_deadline_alert
from airflow.triggers.callback import CallbackTrigger
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunType
from bedrock_distill_plugin import BedrockDistillPlugin
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from bedrock_distill.notify.ready_by import ReadyByReference, deadline_of, report_late
from include.distill.config import loader
from include.distill.config.loader import load_use_cases
from tests.distill.conftest import make_use_case, raw_use_case
from tests.fakes.receivers import WebHook

LATE = [{"on": ["late"], "slack": {"conn_id": "slack"}}]


@pytest.fixture
def alert() -> DeadlineAlert:
    found = deadline_of(make_use_case(ready_by="06:00", timezone="Europe/Berlin", notify=LATE))
    assert found is not None
    return found


@pytest.fixture
def session() -> Iterator[Session]:
    """Airflow's own tables in an empty database."""
    import_all_models()
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session


def add_run(session: Session, run_type: DagRunType, run_after: str) -> None:
    time = datetime.datetime.fromisoformat(run_after)
    session.add(DagRun(dag_id="distill_tiny", run_id="r", run_type=run_type, run_after=time, logical_date=time))
    session.flush()


@pytest.fixture
def scheduler(monkeypatch: pytest.MonkeyPatch, alert: DeadlineAlert) -> Any:
    """The alert as the scheduler reads it from its database. It finds the class through the plugin."""
    path = f"{ReadyByReference.__module__}.{ReadyByReference.__qualname__}"
    classes = {f"{one.__module__}.{one.__qualname__}": one for one in BedrockDistillPlugin.deadline_references}
    assert classes == {path: ReadyByReference}
    monkeypatch.setattr("airflow.plugins_manager.get_deadline_references_plugins", lambda: classes)
    return decode_deadline_alert(encode_deadline_alert(alert))


def evaluated(scheduler: Any, session: Session, run_id: str = "r") -> Any:
    return scheduler.reference.evaluate_with(
        session=session, interval=scheduler.interval, dag_id="distill_tiny", run_id=run_id
    )


@pytest.mark.parametrize(
    ("run_after", "deadline"),
    [
        ("2026-03-28T01:00+00:00", "2026-03-28T05:00+00:00"),  # the day before the clocks change
        ("2026-03-29T00:00+00:00", "2026-03-29T04:00+00:00"),  # the day on which they change
    ],
)
def test_the_scheduler_computes_the_deadline_on_the_clocks_of_the_zone(
    scheduler: Any, session: Session, run_after: str, deadline: str
) -> None:
    add_run(session, DagRunType.SCHEDULED, run_after)
    assert evaluated(scheduler, session) == datetime.datetime.fromisoformat(deadline)


@pytest.mark.parametrize("run_type", [one for one in DagRunType if one is not DagRunType.SCHEDULED])
def test_only_a_scheduled_run_has_a_deadline(scheduler: Any, session: Session, run_type: DagRunType) -> None:
    """Runs that a person or another DAG triggers have none, nor have the historical runs of a backfill."""
    add_run(session, run_type, "2026-03-28T01:00+00:00")
    assert evaluated(scheduler, session) is None
    assert evaluated(scheduler, session, "unknown") is None


def test_an_error_does_not_prevent_the_run(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    add_run(session, DagRunType.SCHEDULED, "2026-03-28T01:00+00:00")
    broken = ReadyByReference("06:00", "Zone/That was removed")
    assert broken._evaluate_with(session=session, dag_id="distill_tiny", run_id="r") is None
    assert "The run r of distill_tiny has no deadline" in caplog.text


def test_the_triggerer_gets_the_path_of_the_callback(scheduler: Any) -> None:
    assert scheduler.interval == timedelta()
    assert scheduler.callback.path == "bedrock_distill.notify.ready_by.report_late"
    assert scheduler.callback.kwargs == {"use_case": "tiny"}


def test_a_use_case_without_ready_by_has_no_alert() -> None:
    assert deadline_of(make_use_case()) is None


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(loader, "load_use_cases", functools.partial(load_use_cases, tmp_path))
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.com")
    return tmp_path


def test_people_are_notified_of_a_late_run(files: Path, slack: WebHook) -> None:
    write_use_case(files)
    run = {"dag_run_id": "scheduled__1", "state": "running"}
    asyncio.run(report_late("tiny", context={"dag_run": run, "deadline": {}}))
    (body,) = slack.bodies
    assert body["text"].endswith("tiny: not ready by 06:00")
    assert "the run has not succeeded by 06:00 (Europe/Berlin). Its state was running then." in str(body["blocks"])
    assert "https://airflow.example.com/dags/distill_tiny/runs/scheduled__1" in str(body["blocks"])


def write_use_case(folder: Path) -> None:
    raw = raw_use_case(ready_by="06:00", timezone="Europe/Berlin", notify=LATE)
    (folder / "tiny.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")


@pytest.mark.parametrize(("ended", "sent"), [("2026-03-28T04:59:59Z", 0), ("2026-03-28T05:00:01Z", 1)])
@pytest.mark.parametrize("written", [str, datetime.datetime.fromisoformat])
def test_nobody_is_notified_of_a_run_that_a_person_marked_as_successful_in_time(
    files: Path, slack: WebHook, ended: str, sent: int, written: Any
) -> None:
    write_use_case(files)
    run = {"dag_run_id": "scheduled__1", "state": "success", "end_date": ended}
    deadline = {"deadline_time": written("2026-03-28T05:00:00+00:00")}
    asyncio.run(report_late("tiny", context={"dag_run": run, "deadline": deadline}))
    assert len(slack.bodies) == sent


@pytest.mark.parametrize("state", [DagRunState.RUNNING, DagRunState.FAILED])
def test_airflow_stores_the_alert_and_calls_it_in_the_triggerer(
    scheduler: Any, session: Session, files: Path, slack: WebHook, state: DagRunState
) -> None:
    """The alert goes through the two tables in which the scheduler leaves it for the triggerer."""
    write_use_case(files)
    add_run(session, DagRunType.SCHEDULED, "2026-03-28T01:00+00:00")
    session.add(DagModel(dag_id="distill_tiny", bundle_name="dags-folder"))
    run = session.scalars(select(DagRun)).one()
    run.state = state
    session.add(Deadline(evaluated(scheduler, session), scheduler.callback, run.id, None, "distill_tiny"))
    session.flush()
    session.expunge_all()
    session.scalars(select(Deadline)).one().handle_miss(session)
    session.flush()
    session.expunge_all()
    assert session.scalars(select(Deadline.missed)).one()
    (stored,) = session.scalars(select(Trigger)).all()
    trigger = CallbackTrigger(**stored.kwargs)

    async def events() -> list[Any]:
        return [event.payload["state"] async for event in trigger.run()]

    assert stored.classpath == "airflow.triggers.callback.CallbackTrigger"
    assert asyncio.run(events()) == ["running", "success"]
    (body,) = slack.bodies
    assert f"Its state was {state} then." in str(body["blocks"])


def test_a_use_case_that_was_removed_notifies_nobody(files: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        asyncio.run(report_late("tiny"))
    assert "A run of tiny is late, but its file names no time any more" in caplog.text


def test_airflow_gives_the_run_in_the_form_that_the_callback_reads() -> None:
    from airflow.api_fastapi.core_api.datamodels.dag_run import DAGRunResponse

    assert {"dag_run_id", "state"} <= DAGRunResponse.model_fields.keys()
