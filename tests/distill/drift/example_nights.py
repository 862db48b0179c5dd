"""Build records of nights for the tests of the drift detection."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from include.distill.history.records import HistoryEntry

FIRST_NIGHT = datetime.datetime(2026, 11, 1, 2, tzinfo=datetime.UTC)


def night(day: int, **changes: Any) -> HistoryEntry:
    """Return the record of a night, with ``changes``. All nights have the same figures."""
    started = (FIRST_NIGHT + datetime.timedelta(days=day)).isoformat()
    record: Any = {
        "run_key": f"night-{day}",
        "use_case": "docs",
        "dag_id": "distill_docs",
        "run_id": f"scheduled__{started}",
        "owner": "ml",
        "started_at": started,
        "ended_at": None,
        "state": "succeeded",
        "scheduled": True,
        "estimated_usd": 1.0,
        "spent_usd": 1.0,
        "spent_by_kind": {},
        "simulated": True,
        "candidate": "tuned",
        "baseline": "base",
        "judges": judged(0.6),
        "pairs": {"requested": 2000, "accepted": 1600, "rejected": 400, "missing": 0, "dropped": {}},
        "new_pairs": {"documents": 125, "requested": 500, "accepted": 400, "usd": 0.5},
        "rows": rows(20),
    }
    return {**record, **changes}


def judged(*rates: float | None, questions: int = 100) -> list[Any]:
    return [
        {
            "judge": f"judge-{number}",
            "half_win_rate": rate,
            "half_win_ci95": None if rate is None else [rate - 0.08, rate + 0.08],
            "questions": questions,
        }
        for number, rate in enumerate(rates)
    ]


def rows(rejected: int, *, read: int = 1000, characters: float | None = 2000.0, documents: int | None = 500) -> Any:
    return {
        "read": read,
        "accepted": read - rejected,
        "rejected": rejected,
        "training": read - rejected - 100,
        "evaluation": 100,
        "documents": documents,
        "mean_document_characters": characters,
    }


def half_win_nights(rates: Sequence[float]) -> list[HistoryEntry]:
    """Return one night for each half-win rate."""
    return [night(day, judges=judged(rate)) for day, rate in enumerate(rates)]
