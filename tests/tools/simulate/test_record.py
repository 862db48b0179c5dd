"""A record begins with what the part and the first state say, and has the faults that a later one hid."""

from __future__ import annotations

from typing import Any

from tools.simulate.earlier import NOTHING
from tools.simulate.faults import Call, Fault, Kind, Way
from tools.simulate.parts import ABOVE_CAP, REJECTED_SPENDING
from tools.simulate.record import Record, overshadowed
from tools.simulate.wire import Wire


def test_a_record_begins_with_the_part() -> None:
    record = Record.of(ABOVE_CAP, {"s3://b/k": b"1"}, NOTHING)
    assert (record.cap_usd, record.must_fail, record.asks_spending) == (1, True, False)
    assert Record.of(REJECTED_SPENDING, {}, NOTHING).asks_spending
    assert record.executed == {*ABOVE_CAP.before, *ABOVE_CAP.tasks}
    assert (record.first_objects, record.faults, record.ended) == ({"s3://b/k": b"1"}, (), [])


def test_a_process_that_meets_two_faults_has_met_the_first_one_too() -> None:
    unused: Any = None
    wire = Wire(unused, unused)
    faults = [Fault(0, Kind.LOST_ONCE, Way.CLEAR), Fault(1, Kind.KILLED_BEFORE), Fault(2, Kind.OUTLIVED)]
    faults.append(Fault(3, Kind.NEIGHBOUR_PASSES))
    wire.reset({fault.at: fault for fault in (*faults, Fault(9, Kind.LOST))})
    wire.calls = [Call(number, "t", "task", "GetObject", is_aws=True) for number in range(4)]
    record = Record((), met=[(faults[1], wire.calls[1])])
    assert overshadowed(record, wire) == [(Fault(0, Kind.LOST_ONCE), wire.calls[0])]
