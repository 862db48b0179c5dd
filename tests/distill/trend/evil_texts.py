"""Put a dangerous text wherever a record of the history may have any text."""

from __future__ import annotations

from typing import Any

from include.distill.core.record_types import record_fault
from include.distill.history.records import HistoryEntry
from tests.distill.trend.example_nights import DRIFT, entry

# The history is refused if these have another value than a time or a known word.
_TIMES = {"started_at", "ended_at"}
_WORDS = {"state", "measure"}
# In these, the names are texts, too.
_NAMED = {"dropped", "spent_by_kind", "settings"}


def evil_entry(text: str, number: int = 0, **changes: Any) -> HistoryEntry:
    """Return a run that has ``text`` in every text of the record, and in every name that the record leaves open."""
    run: Any = {**entry(number), "promoted": "tuned", "champion_model_arn": "arn", "compared_champion": "arn"}
    run |= {"drift": [DRIFT], "settings": {"a": "b"}, "failed_tasks": ["a"]}
    run |= {"budget": {"to_pay_usd": 1.0, "decided": True, "warned": ["a"]}}
    evil: Any = {**_filled(run, text), **changes}
    assert record_fault(HistoryEntry, evil) is None, "the history would be refused"
    for key in _WORDS & evil.keys():
        assert record_fault(HistoryEntry, {**evil, key: text}), f"{key} may be any text, so it belongs to the test"
    return evil  # type: ignore[no-any-return]


def _filled(value: Any, text: str, key: str = "") -> Any:
    if key in _TIMES | _WORDS:
        return value
    if isinstance(value, dict):
        return {text if key in _NAMED else name: _filled(part, text, name) for name, part in value.items()}
    if isinstance(value, list):
        return [_filled(part, text) for part in value]
    return text if isinstance(value, str) else value
