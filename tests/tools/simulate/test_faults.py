"""Faults are stored as JSON, and described in words."""

from __future__ import annotations

import json

from tools.simulate.faults import Fault, Kind, Way


def test_a_stored_fault_is_read_again() -> None:
    fault = Fault(9, Kind.LOST, Way.CLEAR_DOWNSTREAM)
    assert Fault.from_json(json.loads(json.dumps(fault.as_json()))) == fault


def test_a_fault_is_described_in_words() -> None:
    assert str(Fault(9, Kind.THROTTLED_ONCE, Way.CLEAR)) == "call 9: throttled once; the task is cleared"
