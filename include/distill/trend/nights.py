"""Derive from the history of a use case what its pages show of each night. A night is a run of any kind."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from include.distill.history.records import Drift, HistoryEntry, Measure, RunState


@dataclass(frozen=True)
class Night:
    """
    One run of a use case, with what has changed since the runs before it.

    :param state: ``lost`` also if the history calls the run running, although Airflow does not run it any more.
    :param champion_changed: whether the use case has another champion than after the run before.
    :param rows_added: the rows of this run minus the rows of the run before it; ``None`` if either is not known.
    :param documents_added: the same for documents.
    :param questions_added: the same for evaluation questions.
    """

    run: HistoryEntry
    state: RunState
    champion_changed: bool = False
    rows_added: int | None = None
    documents_added: int | None = None
    questions_added: int | None = None

    @property
    def started(self) -> datetime.datetime:
        """When the run was due to start."""
        return datetime.datetime.fromisoformat(self.run["started_at"]).astimezone(datetime.UTC)

    @property
    def hours(self) -> float | None:
        """The time from the planned start to the end; ``None`` if the run has not ended."""
        ended = self.run["ended_at"]
        if ended is None:
            return None
        return (datetime.datetime.fromisoformat(ended) - self.started).total_seconds() / 3600

    @property
    def accepted_share(self) -> float | None:
        """The share of the requested pairs that the filters accepted."""
        pairs = self.run.get("pairs")
        return pairs["accepted"] / pairs["requested"] if pairs and pairs["requested"] else None

    @property
    def stored_share(self) -> float | None:
        """The share of the needed answers that the answer store had."""
        calls = self.run.get("calls")
        needed = calls["calls"] + calls["stored"] if calls else 0
        return calls["stored"] / needed if calls and needed else None

    @property
    def simulated(self) -> bool:
        """Whether the AWS simulator ran the run."""
        return self.run.get("simulated", False)

    @property
    def drift(self) -> Sequence[Drift]:
        """The measures that changed beyond chance."""
        return self.run.get("drift", ())

    def drifted(self, measure: Measure) -> bool:
        """Return whether a measure of this run changed beyond chance."""
        return any(drift["measure"] == measure for drift in self.drift)


def nights_of(runs: Iterable[HistoryEntry], *, alive: Collection[str] | None = None) -> list[Night]:
    """
    Return the nights of a use case, oldest first.

    :param runs: the history of the use case, oldest first.
    :param alive: the ids of the runs that Airflow has not ended; ``None`` if this is not known.
    """
    nights = []
    champion: str | None = None
    before: HistoryEntry | None = None  # the newest run that knows its rows
    for run in runs:
        known = run.get("champion_model_arn")
        changed = "promoted" in run or (None not in (known, champion) and known != champion)
        nights.append(
            Night(
                run,
                _state(run, alive),
                champion_changed=changed,
                rows_added=_added(run, before, "accepted"),
                documents_added=_added(run, before, "documents"),
                questions_added=_added(run, before, "evaluation"),
            )
        )
        champion = known or champion
        before = run if "rows" in run else before
    return nights


def earliest_start(days: int, now: datetime.datetime) -> datetime.datetime:
    """Return the earliest time at which a night of the last ``days`` days can start; see :func:`last_days`."""
    return _midnight(now) - datetime.timedelta(days=days)


def last_days(nights: Sequence[Night], days: int, now: datetime.datetime) -> list[Night]:
    """
    Return the nights of the last ``days`` days (UTC).

    The last day is today or, as long as no run of today is recorded, yesterday. So a nightly schedule always has
    ``days`` nights, at any time of the day.

    :param nights: the nights, oldest first.
    """
    today = _midnight(now)
    ends_today = any(night.started >= today for night in nights)
    first = earliest_start(days, now) + datetime.timedelta(days=1 if ends_today else 0)
    return [night for night in nights if night.started >= first]


def _midnight(moment: datetime.datetime) -> datetime.datetime:
    return moment.astimezone(datetime.UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _state(run: HistoryEntry, alive: Collection[str] | None) -> RunState:
    if run["state"] == "running" and alive is not None and run["run_id"] not in alive:
        return "lost"
    return run["state"]


def _added(
    run: HistoryEntry, before: HistoryEntry | None, name: Literal["accepted", "documents", "evaluation"]
) -> int | None:
    if "rows" not in run or before is None or "rows" not in before:
        return None
    now, then = run["rows"][name], before["rows"][name]
    return None if now is None or then is None else now - then
