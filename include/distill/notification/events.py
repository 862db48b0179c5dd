"""Write the message about each event. Every message says what happened, what is billed, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict

from include.distill.config.notifications import Event
from include.distill.cost.amounts import usd_text
from include.distill.history.records import Drift
from include.distill.notification.links import Link, Place, runbook_url
from include.distill.notification.message import Message
from include.distill.report.drift_notes import drift_sentence

HAPPENED, BILLED, TO_DO, WHERE = "What happened", "What is billed now", "What to do", "Where"
# What to do about a late run, by its state.
_LATE_TO_DO = {
    "running": "open the run. If a task waits for a person, answer in Required Actions. If a task failed, its error"
    " names the task to clear. Otherwise wait: the run goes on.",
    "queued": "open the earlier runs of this DAG. This run starts when they have ended. If all have ended, check"
    " Airflow's scheduler.",
    "failed": "open the run. The error of its task outcome names the tasks to clear.",
    "success": "nothing. The run has succeeded, but too late.",
}


class UsedBudget(TypedDict):
    """The part of the state of a monthly budget that a message states, in US dollars."""

    kind: Literal["use_case", "owner"]
    month: str
    month_usd: float
    spent_usd: float
    reserved_usd: float
    share: float  # spent and reserved, without this run
    expected_usd: float  # of this run
    is_warning: bool  # whether this run is the first of the month to use up most of the budget


@dataclass(frozen=True)
class Origin:
    """
    Where an event happened.

    :param environment: name of the installation.
    :param use_case: name of the use case; empty for an event of all use cases of a Region.
    """

    environment: str
    use_case: str
    simulated: bool
    place: Place


def message(event: Event, origin: Origin, what: str, lines: Sequence[str], links: Sequence[Link]) -> Message:
    """
    Return a message about an event.

    The title names the installation and the use case, the last line the run, and the last link the runbook.
    """
    simulated = "SIMULATED " if origin.simulated else ""
    about = f"{origin.use_case}: " if origin.use_case else ""
    return Message(
        event=event,
        use_case=origin.use_case,
        title=f"[{origin.environment}] {simulated}{about}{what}",
        lines=(*lines, f"{WHERE}: {origin.place.described}."),
        links=(*links, ("Runbook", runbook_url(event))),
    )


@dataclass(frozen=True)
class Cause:
    """
    A failed task because of which a run failed.

    :param reason: what happened in the task, as sentences; empty if the task stored no reason.
    """

    place: Place
    reason: str = ""


def failed(origin: Origin, lines: Sequence[str], *, whole_run: bool, causes: Sequence[Cause] = ()) -> Message:
    """
    Return the message about a failed task or run.

    :param lines: what the task says about its error.
    :param whole_run: whether the run has ended, so that the error is about all of its tasks.
    :param causes: the tasks whose failures made the run fail. Their reasons follow the first line.
    """
    what = "the run failed" if whole_run else f"{origin.place.name} failed, the other tasks go on"
    links = [(f"Failed task {cause.place.name}", cause.place.task) for cause in causes]
    return message(
        "failed",
        origin,
        what,
        [*lines[:1], *_reasons(causes), *lines[1:]],
        [*links, *_task_and_report(origin.place)],
    )


def _reasons(causes: Sequence[Cause]) -> list[str]:
    """Return one line for each reason. Instances of a mapped task often fail for the same reason."""
    names: dict[str, list[str]] = {}
    for cause in causes:
        if cause.reason:
            names.setdefault(cause.reason, []).append(cause.place.name)
    return [f"Why {', '.join(tasks)} failed: {reason}" for reason, tasks in names.items()]


def still_billed(origin: Origin, what: str, lines: Sequence[str]) -> Message:
    """Return the message about something that may be billed although no run needs it."""
    links = _task_and_report(origin.place) if origin.use_case else [_task(origin.place)]
    return message("still_billed", origin, what, lines, links)


def waits_for_approval(
    origin: Origin, subject: str, *, meanwhile: str, hours: float, approvers: Sequence[str]
) -> Message:
    """Return the message about a task that waits for a person's decision."""
    who = f" Only these users may answer: {', '.join(approvers)}." if approvers else ""
    lines = [
        f"{HAPPENED}: {origin.place.name} waits for a person: {subject}",
        f"{BILLED}: {meanwhile}",
        f"{TO_DO}: open Required Actions and answer within {hours:g} h.{who} To ask again after a rejection, clear"
        f" {origin.place.task_id} with downstream.",
    ]
    links = [("Answer", origin.place.required_actions), *_task_and_report(origin.place)]
    return message("waits_for_approval", origin, f"{origin.place.task_id} waits for an answer", lines, links)


def verdict(origin: Origin, claim: str, spent_usd: float) -> Message:
    """Return the message about the verdict of a run."""
    lines = [
        f"{HAPPENED}: {claim}",
        f"{BILLED}: the task {origin.place.task_id} costs nothing. The run has cost {usd_text(spent_usd)} so far.",
        f"{TO_DO}: read the report.",
    ]
    return message("verdict", origin, "the report is ready", lines, _task_and_report(origin.place))


def promoted(origin: Origin, arm: str, model_arn: str, *, before: str | None, endpoint: str) -> Message:
    """
    Return the message about a promotion.

    :param before: the ARN of the model that was the champion before, if there was one.
    :param endpoint: what the standing endpoint costs, as a sentence; empty without such an endpoint.
    """
    lines = [
        f"{HAPPENED}: the arm {arm} was promoted. The champion is {model_arn} (before: {before or 'no champion'}).",
        f"{BILLED}: {endpoint or 'nothing by the hour. AWS bills the storage of the model.'}",
        f"{TO_DO}: nothing. To return to an earlier champion, trigger distill_rollback.",
    ]
    return message("promoted", origin, f"{arm} was promoted", lines, _task_and_report(origin.place))


def drifted(origin: Origin, drifts: Sequence[Drift]) -> Message:
    """Return the message about measures that differ from those of earlier runs by more than chance."""
    lines = [
        f"{HAPPENED}: {' '.join(map(drift_sentence, drifts))}",
        f"{BILLED}: this check costs nothing.",
        f"{TO_DO}: look for changes of the input files, the prompts and the models since the last run. If the change"
        " is intended, do nothing. Otherwise correct the cause and trigger a new run.",
    ]
    return message("drift", origin, "the results have drifted", lines, _task_and_report(origin.place))


def budget_reached(origin: Origin, state: UsedBudget) -> Message:
    """Return the message about a monthly budget of which a large part is used."""
    whose = "the use case" if state["kind"] == "use_case" else "the owner of the use case"
    share = state["share"] + state["expected_usd"] / state["month_usd"]
    lines = [
        f"{HAPPENED}: with this run, {share:.0%} of the budget of {whose} for {state['month']} (UTC) is spent or"
        f" reserved. The budget is {usd_text(state['month_usd'])}: {usd_text(state['spent_usd'])} were spent,"
        f" {usd_text(state['reserved_usd'])} are reserved for other runs, and this run is expected to pay"
        f" {usd_text(state['expected_usd'])}.",
        f"{BILLED}: the task {origin.place.task_id} costs nothing. The run goes on and buys what it needs.",
        f"{TO_DO}: nothing for this run. If more runs are needed this month, raise the budget: a run that would exceed"
        f" it does not start. To start a run that was refused, raise the budget and clear {origin.place.task_id} with"
        " downstream in that run.",
    ]
    what = f"{share:.0%} of the budget of {whose} for {state['month']} is used"
    return message("budget", origin, what, lines, _task_and_report(origin.place))


def budget_refused(origin: Origin, lines: Sequence[str]) -> Message:
    """
    Return the message about a run that a monthly budget refused.

    :param lines: what the task says about its error.
    """
    return message("budget", origin, "a monthly budget refused the run", lines, _task_and_report(origin.place))


def late(origin: Origin, *, ready_by: str, timezone: str, state: str) -> Message:
    """
    Return the message about a run that has not succeeded in time.

    :param state: the state of the run when Airflow found that it was late.
    """
    lines = [
        f"{HAPPENED}: the run has not succeeded by {ready_by} ({timezone}). Its state was {state} then.",
        f"{BILLED}: open the report page of the run, which shows this also while the run goes on.",
        f"{TO_DO}: {_LATE_TO_DO.get(state, _LATE_TO_DO['running'])}",
    ]
    links = [("Run", origin.place.run), ("Report", origin.place.report)]
    return message("late", origin, f"not ready by {ready_by}", lines, links)


def _task_and_report(place: Place) -> list[Link]:
    return [_task(place), ("Report", place.report)]


def _task(place: Place) -> Link:
    return (f"Task {place.name}", place.task)
