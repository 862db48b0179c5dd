"""A rollback is crashed at the instants of a promotion, and its questions are answered as a person would."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from include.distill.evaluation.rollback_form import ROLLBACK_DAG_ID
from tools.chaos import promotions, rollbacks
from tools.chaos.rollbacks import PATHS, Rollback
from tools.chaos.trial import Case


def test_a_rollback_is_crashed_at_the_instants_of_a_promotion_and_records_in_its_own_task() -> None:
    for name, path in PATHS.items():
        assert [instant.name for instant in path] == [instant.name for instant in promotions.PATHS[name]]
        assert path[-1].task(promotions.UPDATE) == "restore"


def test_every_case_runs_with_the_use_case_of_the_promotions() -> None:
    cases = rollbacks.rollbacks()
    assert len({case.name for case in cases}) == len(cases) > 3
    assert all(case.changes is promotions.CHANGES and case.name.startswith("rollback, ") for case in cases)


class FakeOperator:
    """An Airflow in which one question waits for an answer."""

    is_signed_in = True

    def __init__(self) -> None:
        self.started: list[Any] = []
        self.answered: list[str] = []

    def start(self, *arguments: Any) -> None:
        self.started.append(arguments)

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, str]]:
        return [{"task_id": "approve_rollback", "state": "success" if self.answered else "awaiting_input"}]

    def questions(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        asked = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=1)
        instance = {"task_id": "approve_rollback", "state": "awaiting_input"}
        return [
            {
                "task_instance": instance,
                "created_at": asked.isoformat(),
                "response_received": bool(self.answered),
                "subject": "Roll back?",
                "body": "",
            }
        ]

    def answer(self, dag_id: str, run_id: str, task_id: str, option: str) -> None:
        self.answered.append(f"{run_id} {task_id} {option}")


def test_a_rollback_goes_back_to_the_previous_champion_and_its_question_is_approved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rollbacks, "LOOK_SECONDS", 0.001)
    operator = FakeOperator()
    account = SimpleNamespace(fired_by_rule=dict)
    stack = SimpleNamespace(operator=operator, account=account, layout=None, ports=SimpleNamespace(ui_url="http://ui"))
    rollback = Rollback(Case("a case", lambda _: None, key="c01"), stack, None)  # type: ignore[arg-type]
    with rollbacks.approved(rollback):
        rollback.start_run()
        while not operator.answered:
            pass
    conf = {"use_case": "c01", "to": "previous"}
    assert operator.started == [(ROLLBACK_DAG_ID, "c01__rollback-1", conf)]
    assert operator.answered[0] == "c01__rollback-1 approve_rollback Approve"
