"""Choose the nights that a run is compared with."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from include.distill.history.records import HistoryEntry, Measure

FEWEST_NIGHTS = 7
MOST_NIGHTS = 28
# If a change is flagged on this many nights in a row, it is the new normal.
LASTING_NIGHTS = 3

_SETTINGS_OF_PAIRS = ("teacher", "synthesis", "curation", "prompts", "seed")
# The settings that affect a measure. A measure is compared only with nights of the same settings. None means all.
_SETTINGS: dict[Measure, tuple[str, ...] | None] = {
    "half_win_rate": None,
    "accepted_share": _SETTINGS_OF_PAIRS,
    "usd_per_pair": _SETTINGS_OF_PAIRS,
    "document_characters": ("rows",),
    "rejected_row_share": ("rows",),
}


def earlier_nights(runs: Sequence[HistoryEntry], current: HistoryEntry) -> list[HistoryEntry]:
    """
    Return the runs before the current one that count as its nights, oldest first: at most one per day (UTC).

    A night is the last successful run of its day. Runs that a person started count only if the schedule started fewer
    than :data:`FEWEST_NIGHTS`, as in a use case without a schedule.
    """
    today = _day(current)
    before = [
        run
        for run in runs
        if run["state"] == "succeeded"
        and run["run_key"] != current["run_key"]
        and run.get("simulated") == current.get("simulated")
        and run.get("example", False) == current.get("example", False)
        and _day(run) < today
    ]
    scheduled = _last_of_each_day([run for run in before if run["scheduled"]])
    return scheduled if len(scheduled) >= FEWEST_NIGHTS else _last_of_each_day(before)


def comparable_nights(nights: Sequence[HistoryEntry], current: HistoryEntry, measure: Measure) -> list[HistoryEntry]:
    """
    Return the nights whose measure can be compared with that of the current run, oldest first.

    Nights with other settings are left out. The half-win rate is compared only with nights of the same pair of arms and
    the same champion. A night on which the measure was flagged is left out, so that one odd night does not hide the
    next change. If the measure was flagged in the same direction on :data:`LASTING_NIGHTS` nights in a row, the change
    is the new normal: the comparison starts again with the first of these nights.
    """
    same = _kind(current, measure)
    comparable: list[HistoryEntry] = []
    streak: list[HistoryEntry] = []
    for night in nights:
        if _kind(night, measure) != same:
            continue
        direction = _flagged(night, measure)
        if not direction:
            comparable.append(night)
            streak = []
            continue
        streak = [*streak, night] if streak and _flagged(streak[-1], measure) == direction else [night]
        if len(streak) == LASTING_NIGHTS:
            comparable, streak = streak, []
    return comparable


def _kind(run: HistoryEntry, measure: Measure) -> tuple[object, ...]:
    """Return what must be equal on two nights whose measure is compared."""
    settings, names = run.get("settings", {}), _SETTINGS[measure]
    chosen = settings if names is None else {name: settings.get(name) for name in names}
    if measure != "half_win_rate":
        return chosen, measure == "accepted_share" and "new_pairs" in run
    judges = [judge["judge"] for judge in run.get("judges", [])]
    champion = run.get("compared_champion", "not compared")
    return chosen, run.get("candidate"), run.get("baseline"), judges, champion


def _flagged(run: HistoryEntry, measure: Measure) -> int:
    """Return 1 if a measure of a run was flagged as too high, -1 if it was flagged as too low, and otherwise 0."""
    change = next((change for change in run.get("drift", []) if change["measure"] == measure), None)
    return 0 if change is None else 1 if change["value"] > change["expected"] else -1


def _last_of_each_day(runs: Sequence[HistoryEntry]) -> list[HistoryEntry]:
    by_day = {_day(run): run for run in sorted(runs, key=lambda run: run["started_at"])}
    return [by_day[day] for day in sorted(by_day)]


def _day(run: HistoryEntry) -> datetime.date:
    return datetime.datetime.fromisoformat(run["started_at"]).astimezone(datetime.UTC).date()
