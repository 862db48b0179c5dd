"""A schedule of the simulation runs on a real Airflow, and a difference is a failed row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from include.distill.config.loader import load_use_case
from tools.chaos import calibration
from tools.chaos.calibration import (
    act,
    by_process,
    calibration_cases,
    differences,
    part_of,
    settings,
    wait_for_jobs,
)
from tools.chaos.control import TaskState
from tools.chaos.expected import Expected
from tools.chaos.planned_fault import Place, PlannedFault, Plans
from tools.chaos.runner import prepare
from tools.chaos.trial import BreachError
from tools.simulate.all_parts import PARTS
from tools.simulate.faults import Fault, Kind, Way
from tools.simulate.parts import ON_DEMAND, TRAINING

PLACE = Place("tuned.submit", "task", 1, "GetObject", 1)
NOTHING: dict[str, list[str]] = {"jobs": [], "throughputs": [], "deployments": []}
KEPT = {**NOTHING, "jobs": ["kept"]}
EXPECTED = Expected(
    part="training",
    fault=Fault(0, Kind.KILLED_BEFORE, Way.RETRY),
    place=PLACE,
    calls=(),
    ended=("failed", "success"),
    tasks=({"outcome": "failed"}, {"outcome": "success"}),
    bought=KEPT,
)


class FakeTrial:
    """A trial whose runs end as given, and which remembers what was done."""

    dag_id = "distill_c01"
    run_id = "chaos__run-1"
    match = "c01-tuned-"
    seconds = 1.0

    def __init__(self, folder: Path, ends: list[str]) -> None:
        self.case = SimpleNamespace(name="case", key="c01", changes={"tags": ["calibrated", "training"]})
        self.ends, self.done, self.rows = ends, list[Any](), list[Any]()
        self.states: dict[str, dict[str, str]] = {f"chaos__run-{n + 1}": {"outcome": one} for n, one in enumerate(ends)}
        self.ledger: dict[str, list[dict[str, Any]]] = {
            "jobs": [{"name": "local-c01-tuned-1", "created": 1, "status": "Completed", "alive": False}],
            "throughputs": [],
            "deployments": [],
        }
        operator = SimpleNamespace(
            pause=lambda _: self.done.append("pause"),
            unpause=lambda _: self.done.append("unpause"),
            clear=lambda _, __, tasks: self.done.append(("clear", tasks)),
        )
        metadata = SimpleNamespace(
            tasks=lambda _, run_id: [TaskState(one, -1, state, None, 1) for one, state in self.states[run_id].items()],
            settled=lambda *_: None,
        )
        account = SimpleNamespace(ledger=lambda: self.ledger)
        self.stack = SimpleNamespace(plans=folder, operator=operator, metadata=metadata, account=account)

    def start_run(self, number: int = 1) -> None:
        self.done.append(f"run {number}")

    def finish(self) -> str:
        return self.ends.pop(0)

    def bought(self) -> dict[str, Any]:
        return {**self.ledger, "alive": 0}

    def wait(self, condition: Callable[[], object], what: str, *_: Any) -> None:
        if not condition():
            raise BreachError(what)

    def ensure(self, condition: bool, breach: str) -> None:
        if not condition:
            raise BreachError(breach)

    def wait_state(self, task_id: str, *states: str) -> None:
        self.done.append(("state", task_id, states))

    def task_state(self, _: str) -> str:
        return "deferred"

    def clear(self, task_id: str, *, downstream: bool) -> None:
        self.done.append(("clear", task_id, downstream))

    def mark(self, task_id: str, state: str) -> None:
        self.done.append(("mark", task_id, state))

    def mark_run(self) -> None:
        self.done.append("mark run")


def found(trial: FakeTrial, expected: Expected = EXPECTED, ended: tuple[str, ...] = ("failed", "success")) -> list[str]:
    tested: Any = trial
    return list(differences(tested, Plans(trial.stack.plans), expected, ended))


@pytest.fixture
def trial(tmp_path: Path) -> FakeTrial:
    Plans(tmp_path).mark("distill_c01", "met")
    return FakeTrial(tmp_path, ["failed", "success"])


def test_equal_ends_have_no_difference(trial: FakeTrial) -> None:
    assert found(trial) == []


def test_each_difference_is_named(trial: FakeTrial) -> None:
    trial.states["chaos__run-2"]["outcome"] = "skipped"
    trial.ledger["jobs"][0]["status"] = "Stopped"
    assert found(trial, ended=("success", "success")) == [
        "the runs ended as ['success', 'success'], simulated ['failed', 'success']",
        "outcome of run 2 is skipped, simulated success",
        "jobs: ['stopped'], simulated ['kept']",
    ]


def test_a_fault_that_did_not_happen_is_a_difference(tmp_path: Path) -> None:
    assert found(FakeTrial(tmp_path, ["failed", "success"])) == ["the fault did not happen"]


def test_the_calls_of_an_undisturbed_run_are_compared(tmp_path: Path) -> None:
    undisturbed = replace(EXPECTED, fault=None, place=None, calls=(PLACE,))
    trial = FakeTrial(tmp_path, ["failed", "success"])
    assert found(trial, undisturbed) == ["task 1 of tuned.submit called [], simulated ['GetObject']"]
    Plans(tmp_path).record("distill_c01", "chaos__run-1", PLACE)
    assert found(trial, undisturbed) == []


def test_later_polls_are_not_compared() -> None:
    polls = [Place("tuned.trained", "trigger", 1, "Get", number) for number in (1, 2, 3)]
    assert by_process(polls) == {("tuned.trained", "trigger", 1): ["Get"]}


@pytest.mark.parametrize(
    ("way", "done"),
    [
        (Way.CLEAR, ("clear", "tuned.submit", False)),
        (Way.CLEAR_DOWNSTREAM, ("clear", "tuned.submit", True)),
        (Way.CLEAR_RUN, ("clear", ["outcome"])),
        (Way.MARK_FAILED, ("mark", "tuned.submit", "failed")),
        (Way.MARK_SUCCESS, ("mark", "tuned.submit", "success")),
        (Way.MARK_RUN_FAILED, "mark run"),
    ],
)
def test_a_person_acts(trial: FakeTrial, way: Way, done: object) -> None:
    trial.states["chaos__run-1"]["preflight"] = "success"  # is executed only once in the simulation
    tested: Any = trial
    act(tested, PlannedFault("chaos__run-1", PLACE, Kind.KILLED_BEFORE, way))
    assert trial.done == [done]


def run(trial: FakeTrial, fault: Fault, place: Place = PLACE) -> None:
    tested: Any = trial
    (case,) = calibration_cases([replace(EXPECTED, fault=fault, place=place)])
    case.script(tested)


def test_a_run_that_did_not_succeed_is_followed_by_another_one(trial: FakeTrial) -> None:
    run(trial, Fault(0, Kind.KILLED_BEFORE, Way.RETRY))
    assert trial.done == ["run 1", "run 2"]
    assert [(row.ok, row.state, row.note) for row in trial.rows] == [(True, "failed,success", "")]


def test_airflow_starts_nothing_while_a_person_acts(trial: FakeTrial) -> None:
    run(trial, Fault(0, Kind.LOST, Way.CLEAR))
    waited = ("state", "tuned.submit", ("success", "failed", "deferred", "up_for_retry", "scheduled", "skipped"))
    assert trial.done == ["run 1", "pause", waited, ("clear", "tuned.submit", False), "unpause", "run 2"]
    assert Plans(trial.stack.plans).marked("distill_c01", "go") == ""


def test_a_person_acts_after_the_process_is_dead(trial: FakeTrial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "is_running", lambda _: True)
    with pytest.raises(BreachError, match="the death of"):
        run(trial, Fault(0, Kind.KILLED_AFTER, Way.MARK_RUN_FAILED))
    assert "mark run" not in trial.done


def test_a_stopped_trigger_is_released_after_on_kill(trial: FakeTrial) -> None:
    plans, trigger = Plans(trial.stack.plans), replace(PLACE, process="trigger")
    plans.mark("distill_c01", "stopped")
    with pytest.raises(BreachError, match="on_kill"):
        run(trial, Fault(0, Kind.KILLED_BEFORE, Way.MARK_FAILED), trigger)
    plans.mark("distill_c01", "on_kill")
    run(trial, Fault(0, Kind.KILLED_BEFORE, Way.MARK_FAILED), trigger)
    assert plans.marked("distill_c01", "released") == ""


def test_the_next_run_waits_for_the_jobs(trial: FakeTrial) -> None:
    trial.ledger["jobs"][0]["status"] = "InProgress"
    tested: Any = trial
    with pytest.raises(BreachError, match="the end of the jobs"):
        wait_for_jobs(tested)


def test_the_use_case_of_each_part_is_valid(tmp_path: Path) -> None:
    for part in (TRAINING, ON_DEMAND):
        (case,) = prepare(calibration_cases([replace(EXPECTED, part=part.name)]), tmp_path)
        use_case = load_use_case(tmp_path / f"{case.key}.yaml")
        assert part_of(use_case.tags) is part
        assert use_case.serving.mode == part.use_case.get("serving", {}).get("mode", "provisioned")


def test_a_busy_machine_gets_more_time(tmp_path: Path) -> None:
    (case,) = prepare(calibration_cases([EXPECTED], pace=4), tmp_path)
    assert load_use_case(tmp_path / f"{case.key}.yaml").training.poll_interval_seconds == 60
    assert settings(4)["job_seconds"] == 4 * settings(1)["job_seconds"]


def test_no_part_has_the_name_of_the_tag() -> None:
    assert calibration.TAG not in {part.name for part in PARTS}
