"""Build nights for tests of the pages about many nights."""

from __future__ import annotations

import datetime
from typing import Any

from include.distill.history.records import Drift, HistoryEntry
from include.distill.trend.nights import Night, nights_of

FIRST = datetime.datetime(2026, 11, 1, 2, tzinfo=datetime.UTC)
DRIFT: Drift = {"measure": "half_win_rate", "value": 0.38, "expected": 0.55, "low": 0.46, "high": 0.64, "runs": 14}


def entry(number: int = 0, **changes: Any) -> HistoryEntry:
    """Return a successful run that was due to start ``number`` days after the first one."""
    started = FIRST + datetime.timedelta(days=number)
    run: Any = {
        **begun(number),
        "ended_at": (started + datetime.timedelta(hours=2.5)).isoformat(),
        "state": "succeeded",
        "spent_usd": 7.5,
        "spent_by_kind": {"teacher": 2.0, "judges": 5.5},
        "claim": "tuned is better than base",
        "candidate": "tuned",
        "baseline": "base",
        "judges": [
            {"judge": "nova-pro", "half_win_rate": 0.6, "half_win_ci95": [0.5, 0.7], "questions": 100},
            {"judge": "mistral-large-3", "half_win_rate": 0.55, "half_win_ci95": None, "questions": 99},
        ],
        "training_loss": 0.75,
        "pairs": {
            "requested": 400,
            "accepted": 300,
            "rejected": 90,
            "missing": 10,
            "dropped": {"grounding": 70, "length": 20},
        },
        "rows": {
            "read": 210 + number,
            "accepted": 200 + number,
            "rejected": 10,
            "training": 100 + number,
            "evaluation": 100,
            "documents": 50 + 2 * number,
            "mean_document_characters": 2000.0,
        },
        "calls": {"calls": 25, "stored": 75, "input_tokens": 1000, "output_tokens": 500},
        "drift": [],
        **changes,
    }
    return run


def begun(number: int = 0, **changes: Any) -> HistoryEntry:
    """Return a run without results, which is in progress."""
    started = FIRST + datetime.timedelta(days=number)
    run: Any = {
        "run_key": f"key-{number}",
        "use_case": "faq",
        "dag_id": "distill_faq",
        "run_id": f"scheduled__{started.isoformat()}",
        "owner": "ml",
        "started_at": started.isoformat(),
        "ended_at": None,
        "state": "running",
        "scheduled": True,
        "estimated_usd": 9.0,
        "spent_usd": None,
        "spent_by_kind": {},
        **changes,
    }
    return run


def failed(number: int) -> HistoryEntry:
    """Return a run that failed before it had results."""
    return begun(number, state="failed", ended_at=FIRST.isoformat(), spent_usd=1.0, spent_by_kind={"teacher": 1.0})


def nights(count: int, **changes: Any) -> list[Night]:
    """Return successful nights."""
    return nights_of(entry(number, **changes) for number in range(count))
