"""Every fault is tried at every call where it is possible."""

from __future__ import annotations

import random
from dataclasses import replace

from tools.simulate.faults import KILLS, OTHERS, SLEEPS, WAITING, Call, Fault, Kind, Way
from tools.simulate.schedules import (
    count_second_faults,
    draw,
    faults_at,
    part_of,
    second_faults,
    single_faults,
    some_second_faults,
    spread,
)

AWS = Call(0, "t", "task", "GetObject", is_aws=True)
TRIGGER = Call(1, "t", "trigger", "GetObject", is_aws=True)
MESSAGE = Call(2, "t", "task", "SetXCom", is_aws=False)


def test_a_call_to_aws_meets_every_kind_with_every_way_back() -> None:
    found = {(fault.kind, fault.way) for fault in faults_at(AWS)}
    assert found == {(kind, way) for kind in Kind if kind not in (Kind.DEAD_TRIGGERER, *OTHERS) for way in Way}


def test_another_run_is_tried_only_where_it_can_matter_and_a_person_marks_only_while_it_waits() -> None:
    found = {(fault.kind, fault.way) for fault in faults_at(replace(AWS, meets_others=True)) if fault.kind in OTHERS}
    assert found == {(kind, Way.RETRY) for kind in OTHERS} | {(kind, Way.MARK_FAILED) for kind in WAITING}
    assert not [fault for fault in faults_at(AWS) if fault.kind in OTHERS]
    calls = [replace(AWS, number=number, meets_others=number == 7) for number in range(20)]
    drawn = [fault for seed in range(300) for fault in draw(random.Random(seed), calls, 3) if fault.kind in OTHERS]
    assert {fault.at for fault in drawn} == {7}


def test_only_a_trigger_meets_a_dead_triggerer() -> None:
    dead = [fault.way for fault in faults_at(TRIGGER) if fault.kind is Kind.DEAD_TRIGGERER]
    assert set(dead) == set(Way) - {Way.RETRY}


def test_only_the_process_of_a_task_sleeps() -> None:
    assert not {fault.kind for fault in faults_at(TRIGGER)} & set(SLEEPS)


def test_a_message_to_airflow_meets_only_kills_and_sleep() -> None:
    assert {fault.kind for fault in faults_at(MESSAGE)} == {Kind.KILLED_BEFORE, Kind.KILLED_AFTER, *SLEEPS}


def test_the_shares_cover_all_schedules_once() -> None:
    schedules = list(single_faults([replace(AWS, number=number) for number in range(40)]))
    shares = [part_of(schedules, number, 3) for number in (1, 2, 3)]
    assert sorted(map(str, (one for share in shares for one in share))) == sorted(map(str, schedules))
    assert [len({fault.at for (fault,) in share}) for share in shares] == [16, 16, 8]  # neighbours are in one share


def test_a_seed_always_draws_the_same_schedule_and_later_faults_come_later() -> None:
    calls = [AWS, TRIGGER, MESSAGE]
    one, same = (draw(random.Random(7), calls, 3) for _ in range(2))
    assert one == same
    assert one[0].at < one[1].at < one[2].at


def test_rare_situations_come_early_in_every_order() -> None:
    reads = [Call(number, "submit", "task", "GetObject", is_aws=True) for number in range(50)]
    waits = [Call(number, "trained", "trigger", "GetJob", is_aws=True) for number in (50, 51)]
    buys = Call(52, "submit", "task", "CreateJob", is_aws=True)
    calls = [*reads, *waits, buys]
    schedules = list(single_faults(calls))
    orders = [spread(schedules, calls, seed) for seed in (1, 2)]
    assert orders[0] != orders[1]
    assert orders[0] == spread(schedules, calls, 1)
    for order in orders:
        assert sorted(map(str, order)) == sorted(map(str, schedules))
        assert sum(fault.at in (50, 51) for (fault,) in order[:64]) == 32  # task and trigger take turns
        early = [fault for (fault,) in order[:130]]  # two tasks or triggers, and 64 situations of the first one
        for way in Way:
            assert any(one.at == 52 and one.way is way and one.kind in KILLS for one in early)
            assert any(one.at in (50, 51) and one.way is way and one.kind in KILLS for one in early)


def test_an_operation_and_a_kind_of_fault_come_early_although_others_are_frequent() -> None:
    reads = [Call(number, "submit", "task", "GetObject", is_aws=True) for number in range(50)]
    writes = [Call(number, "submit", "task", "SetXCom", is_aws=False) for number in range(50, 60)]
    calls = [*reads, *writes, Call(60, "submit", "task", "CreateJob", is_aws=True)]
    for seed in range(1, 6):
        order = spread(single_faults(calls), calls, seed)
        assert {calls[one.at].what for (one,) in order[:3]} == {"GetObject", "SetXCom", "CreateJob"}
        of_purchase = [one for (one,) in order if one.at == 60]
        assert order.index((of_purchase[31],)) < 100
        assert {(one.kind in KILLS, one.way) for one in of_purchase[:32]} >= {(True, way) for way in Way}


def test_numbered_second_faults_are_each_second_fault_once_and_spread_over_the_calls() -> None:
    first = Fault(0, Kind.LOST)
    calls = [AWS, TRIGGER, MESSAGE, *(Call(number, "t", "task", "GetObject", is_aws=True) for number in range(3, 40))]
    for length in (1, 2, 3, 40):
        every = list(second_faults(first, calls[:length]))
        numbered = [*some_second_faults(first, calls[:length], range(8))]
        numbered += some_second_faults(first, calls[:length], range(8, 10_000))
        assert sorted(map(str, numbered)) == sorted(map(str, every))
    early = [second for _, second in some_second_faults(first, calls, range(13))]
    assert all(any(second.at in range(at, at + 7) for second in early) for at in range(1, 33))
    assert len({second.kind for second in early}) > 4


def test_a_second_fault_comes_at_every_later_call() -> None:
    first = Fault(0, Kind.LOST)
    found = list(second_faults(first, [AWS, TRIGGER, MESSAGE]))
    assert found == [(first, fault) for call in (TRIGGER, MESSAGE) for fault in faults_at(call)]
    assert count_second_faults(first, [AWS, TRIGGER, MESSAGE]) == len(found)
    assert not list(second_faults(first, [AWS]))
