"""
Run schedules of the simulation on a real Airflow, and compare how they end.

Each schedule has its own use case and DAG. The DAG is the real one; the tasks that do not belong to the part of the
schedule do nothing, as in the simulation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from tools.chaos.account import purchases
from tools.chaos.expected import Expected, bought_in
from tools.chaos.planned_fault import Place, PlannedFault, Plans
from tools.chaos.row import Row
from tools.chaos.trial import REACH_SECONDS, RUN_SECONDS, Case, Trial
from tools.local_airflow.process_table import is_running
from tools.simulate.all_parts import PARTS
from tools.simulate.faults import Way
from tools.simulate.parts import Part

TAG = "calibrated"
POLL_SECONDS = 15
# As in the simulation, a job ends between the second and the third poll, and an endpoint between the first and the
# second one. On a busy machine, the wait begins late, so the end is close to the later poll.
SECONDS = {"job_seconds": 44.0, "throughput_seconds": 28.0, "deployment_seconds": 28.0}


def settings(pace: float) -> dict[str, float]:
    """Return the settings of the simulated account. On a busy machine, a larger ``pace`` keeps the order of events."""
    return {name: seconds * pace for name, seconds in SECONDS.items()}


def part_of(tags: Sequence[str]) -> Part:
    """Return the part that the tags of a use case name."""
    return next(part for part in PARTS if part.name in tags)


def calibration_cases(schedules: Sequence[Expected], pace: float = 1.0) -> list[Case]:
    """Return a case for each schedule. ``pace`` is that of :func:`settings`."""
    return [_case(number, expected, pace) for number, expected in enumerate(schedules, start=1)]


def _case(number: int, expected: Expected, pace: float) -> Case:
    part = next(part for part in PARTS if part.name == expected.part)
    poll = {"poll_interval_seconds": POLL_SECONDS * pace}
    serving = {**part.use_case.get("serving", {}), **poll}
    changes = {"training": poll, "serving": serving, "tags": [TAG, part.name]}
    fault = f"{expected.fault.kind}; {expected.fault.way}" if expected.fault else "no fault"
    name = f"calibration {number}, {part.name}: {fault} ({expected.place})"
    return Case(name, partial(_run, expected=expected), changes, training_rows=part.training_rows)


def _run(trial: Trial, *, expected: Expected) -> None:
    """Run the schedule, and write the row."""
    plans = Plans(trial.stack.plans)
    fault = None
    if expected.fault and expected.place:
        fault = PlannedFault("chaos__run-1", expected.place, expected.fault.kind, expected.fault.way)
        plans.write(trial.dag_id, fault)
    trial.start_run(1)
    if fault and fault.is_acted_on:
        _act_on(trial, plans, fault)
    ended = [trial.finish()]
    if fault and ended[0] != "success":
        wait_for_jobs(trial)  # the simulation's next run is a day later
        trial.start_run(2)
        ended.append(trial.finish())
    trial.rows.append(_row(trial, expected, ended, list(differences(trial, plans, expected, ended))))


def _act_on(trial: Trial, plans: Plans, fault: PlannedFault) -> None:
    """Wait for the fault, and do what a person does. Airflow starts nothing in the meantime."""
    metadata, dag_id, run_id = trial.stack.metadata, trial.dag_id, trial.run_id

    def is_met() -> bool:
        return plans.marked(dag_id, "met") is not None or metadata.settled(dag_id, run_id) is not None

    trial.wait(is_met, f"{fault.place} in {dag_id}", RUN_SECONDS)
    pid = plans.marked(dag_id, "met")
    trial.ensure(pid is not None, f"The run has ended without the call: {fault.place}.")
    trial.stack.operator.pause(dag_id)
    plans.mark(dag_id, "go")
    if fault.is_kill and fault.place.process == "trigger":
        trial.wait(lambda: plans.marked(dag_id, "stopped") is not None, f"the stop of {fault.place}", REACH_SECONDS)
    elif fault.is_kill:
        trial.wait(lambda: not is_running(int(pid or 0)), f"the death of {fault.place}", REACH_SECONDS)
    else:
        ended = ("success", "failed", "deferred", "up_for_retry", "scheduled", "skipped")
        before = ("deferred",) if fault.place.process == "trigger" else ()
        trial.wait_state(fault.place.task, *(state for state in ended if state not in before))
    was_deferred = trial.task_state(fault.place.task) == "deferred"
    act(trial, fault)
    if fault.is_kill and fault.place.process == "trigger":
        if was_deferred:
            trial.wait(lambda: plans.marked(dag_id, "on_kill") is not None, f"on_kill of {fault.place}", REACH_SECONDS)
        plans.mark(dag_id, "released")
    trial.stack.operator.unpause(dag_id)


def act(trial: Trial, fault: PlannedFault) -> None:
    """Do what a person does after a fault."""
    task_id, part = fault.place.task, part_of(trial.case.changes["tags"])
    if fault.way in (Way.CLEAR, Way.CLEAR_DOWNSTREAM):
        trial.clear(task_id, downstream=fault.way is Way.CLEAR_DOWNSTREAM)
    elif fault.way is Way.CLEAR_RUN:
        all_tasks = {task.task_id for task in trial.stack.metadata.tasks(trial.dag_id, trial.run_id)}
        cleared = all_tasks - (set(part.before) - set(part.tasks))
        trial.stack.operator.clear(trial.dag_id, trial.run_id, sorted(cleared))
    elif fault.way is Way.MARK_RUN_FAILED:
        trial.mark_run()
    else:
        trial.mark(task_id, "failed" if fault.way is Way.MARK_FAILED else "success")


def wait_for_jobs(trial: Trial) -> None:
    """Wait until no job of the case is running any more."""

    def have_ended() -> bool:
        jobs = purchases(trial.stack.account.ledger(), trial.match)["jobs"]
        return all(job["status"] not in ("InProgress", "Stopping") for job in jobs)

    trial.wait(have_ended, f"the end of the jobs of {trial.case.key}", REACH_SECONDS)


def differences(trial: Trial, plans: Plans, expected: Expected, ended: Sequence[str]) -> Iterator[str]:
    """Yield where the real runs differ from the simulated ones."""
    if expected.fault and plans.marked(trial.dag_id, "met") is None:
        yield "the fault did not happen"
    if tuple(ended) != expected.ended:
        yield f"the runs ended as {list(ended)}, simulated {list(expected.ended)}"
    for number, states in enumerate(expected.tasks[: len(ended)], start=1):
        tasks = trial.stack.metadata.tasks(trial.dag_id, f"chaos__run-{number}")
        real = {one.task_id if one.map_index < 0 else f"{one.task_id}[{one.map_index}]": one.state for one in tasks}
        for task in sorted({*real, *states}):
            if real.get(task) != states.get(task):
                yield f"{task} of run {number} is {real.get(task)}, simulated {states.get(task)}"
    bought = bought_in(trial.bought())
    for kind, simulated in expected.bought.items():
        if bought[kind] != simulated:
            yield f"{kind}: {bought[kind]}, simulated {simulated}"
    if expected.calls:
        yield from _other_calls(plans.recorded(trial.dag_id, "chaos__run-1"), expected)


def _other_calls(recorded: Sequence[Place], expected: Expected) -> Iterator[str]:
    """Yield the processes of an undisturbed run that make other calls than simulated, apart from late polls."""
    part = next(part for part in PARTS if part.name == expected.part)
    real, simulated = by_process(recorded), by_process(expected.calls)
    for process in sorted({*real, *simulated}):
        ours, theirs = real.get(process, []), simulated.get(process, [])
        if process[0] in part.tasks and ours != theirs:
            yield f"{process[1]} {process[2]} of {process[0]} called {ours}, simulated {theirs}"


def by_process(calls: Sequence[Place]) -> dict[tuple[str, str, int], list[str]]:
    """Return the operations of each process in order. Only the first polls of a trigger are kept."""
    found: dict[tuple[str, str, int], list[str]] = {}
    for place in calls:
        process = place.task, place.process, place.number
        if place.process == "task" or place.occurrence <= 1:
            found.setdefault(process, []).append(place.what)
    return found


def _row(trial: Trial, expected: Expected, ended: Sequence[str], wrong: Sequence[str]) -> Row:
    bought: Mapping[str, Any] = trial.bought()
    return Row(
        trial.case.name,
        len(bought["jobs"]),
        len(bought["throughputs"]),
        expected_jobs=len(expected.bought["jobs"]),
        expected_throughputs=len(expected.bought["throughputs"]),
        alive_at_end=bought["alive"],
        repaid=0,
        in_flight=0,
        ok=not wrong,
        state=",".join(ended),
        expected_state=",".join(expected.ended),
        seconds=trial.seconds,
        note="; ".join(wrong),
        deployments=len(bought["deployments"]),
        expected_deployments=len(expected.bought["deployments"]),
    )
