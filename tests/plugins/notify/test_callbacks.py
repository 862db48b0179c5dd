from __future__ import annotations

import copy
import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.sdk.execution_time import task_runner

from bedrock_distill.notify import callbacks
from bedrock_distill.notify.callbacks import EventNotifier
from include.distill.config.loader import USE_CASES_FOLDER
from include.distill.notification.message import Message
from tests.distill.conftest import make_use_case
from tests.fakes.dag_parsing import with_use_cases
from tests.fakes.receivers import WebHook
from tests.plugins.notify.conftest import recipients

SLACK = {"slack": {"conn_id": "slack"}}
SAMPLE = yaml.safe_load((USE_CASES_FOLDER / "aws_docs_qa.yaml").read_text(encoding="utf-8"))


def test_a_callback_sends_the_text_without_rendering_it(slack: WebHook, message: Message) -> None:
    notifier = copy.deepcopy(EventNotifier(recipients(SLACK), lambda context: [message, message]))
    notifier({"ti": None})
    assert len(slack.bodies) == 2
    assert "{{ var.value.secret }}" in slack.bodies[0]["text"]


def test_airflow_runs_the_callback_of_a_failed_task(slack: WebHook) -> None:
    use_case = make_use_case(notify=[{"on": ["failed"], **SLACK}])
    with DAG("distill_tiny", schedule=None):
        outcome = EmptyOperator(task_id="outcome", **callbacks.on_failure(use_case))
    ti = SimpleNamespace(dag_id="distill_tiny", run_id="r", task_id="outcome", map_index=-1)
    context: Any = {"ti": ti, "task": outcome, "dag": outcome.dag, "exception": RuntimeError("{{ 1 / 0 }}")}
    task_runner._run_task_state_change_callbacks(outcome, "on_failure_callback", context, logging.getLogger())
    (body,) = slack.bodies
    assert body["text"] == "[test] tiny: the run failed"
    assert "outcome of run r failed: {{ 1 / 0 }}" in str(body["blocks"])


def test_a_message_that_cannot_be_written_raises_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def fail(context: Any) -> Iterator[Message]:
        yield from {}["missing"]

    with caplog.at_level(logging.WARNING):
        EventNotifier(recipients(SLACK), fail)({})
    assert "A notification could not be written. The run is not affected." in caplog.text


@pytest.mark.parametrize(
    ("event", "argument"),
    [
        ("failed", callbacks.on_failure),
        ("still_billed", callbacks.on_failure),
        ("budget", callbacks.on_failure),
        ("verdict", callbacks.on_report),
        ("drift", callbacks.on_report),
        ("promoted", callbacks.on_promotion),
        ("budget", callbacks.on_estimate),
        ("waits_for_approval", callbacks.on_question),
    ],
)
def test_a_task_has_a_callback_only_if_a_channel_wants_its_event(event: str, argument: Any) -> None:
    ((_, (notifier,)),) = argument(make_use_case(notify=[{"on": [event], **SLACK}])).items()
    assert isinstance(notifier, EventNotifier)
    assert argument(make_use_case(notify=[{"on": ["late"], **SLACK}])) == {}


def test_the_sweeper_reports_to_the_use_cases_of_its_region() -> None:
    use_cases = [make_use_case(), make_use_case(notify=[{"on": ["still_billed"], **SLACK}])]
    assert callbacks.on_sweep(use_cases, "aws").keys() == {"on_failure_callback", "on_success_callback"}
    assert callbacks.on_forgotten_workers(use_cases, "aws").keys() == {"on_failure_callback"}
    assert callbacks.on_sweep(use_cases[:1], "aws") == {}


def callbacks_of(task: Any) -> set[str]:
    names = ("on_failure_callback", "on_success_callback", "notifiers")
    return {name for name in names if any(isinstance(one, EventNotifier) for one in getattr(task, name, None) or ())}


def test_the_tasks_of_a_dag_report_their_events(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    changed = {"name": "other", "timezone": "Europe/Berlin", "ready_by": "06:00", "notify": [{"on": "all", **SLACK}]}
    promotion = {"ask_a_person": True}
    arms = [{"name": "base", "kind": "base"}, {"name": "tuned"}, {"name": "best", "kind": "champion"}]
    raw = {**SAMPLE, **changed, "promotion": promotion, "arms": arms}
    raw.pop("comparisons", None)
    bag = with_use_cases(monkeypatch, tmp_path, other=yaml.safe_dump(raw))
    assert not bag.import_errors
    dag = bag.dags["distill_other"]
    found = {task.task_id: callbacks_of(task) for task in dag.tasks}
    assert all("on_failure_callback" in names for names in found.values())
    asked = {task_id for task_id, names in found.items() if "notifiers" in names}
    assert asked == {"approve_spending", "approve"}
    succeeded = {task_id for task_id, names in found.items() if "on_success_callback" in names}
    assert succeeded == {"estimate", "report", "promote"}
    assert dag.deadline is not None
    assert str(dag.timezone) == "Europe/Berlin"
    sweep = bag.dags["distill_release_leftovers"].tasks[0]
    assert callbacks_of(sweep) == {"on_failure_callback", "on_success_callback"}
    assert "send_unsent_messages" in bag.dags["distill_release_leftovers"].task_ids
    plain = bag.dags["distill_aws_docs_qa"]
    assert not any(callbacks_of(task) for task in plain.tasks)
    assert (plain.deadline, str(plain.timezone)) == (None, "UTC")


def test_a_class_that_cannot_be_imported_affects_only_its_use_case(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    notify = [{"on": "all", "notifier": {"import_path": "no_such.Pager"}}]
    bag = with_use_cases(monkeypatch, tmp_path, other=yaml.safe_dump({**SAMPLE, "name": "other", "notify": notify}))
    assert "distill_other" not in bag.dags
    assert "distill_aws_docs_qa" in bag.dags
    (error,) = bag.import_errors.values()
    assert "other.yaml: notify.0.notifier.import_path: found 'no_such.Pager', which cannot be imported" in error


def test_no_task_looks_for_unsent_messages_if_nobody_is_notified(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bag = with_use_cases(monkeypatch, tmp_path, other=yaml.safe_dump({**SAMPLE, "name": "other"}))
    assert bag.dags["distill_release_leftovers"].task_ids == ["sweep_aws_default_us-east-1"]
