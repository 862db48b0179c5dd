"""Every fault is tried at every call where it is possible."""

from __future__ import annotations

import random

import pytest

from tools.simulate.faults import SLEEPS, Call, Kind, Way
from tools.simulate.schedules import draw, faults_at, part_of, single_faults

AWS = Call(0, "t", "task", "GetObject", is_aws=True)
TRIGGER = Call(1, "t", "trigger", "GetObject", is_aws=True)
MESSAGE = Call(2, "t", "task", "SetXCom", is_aws=False)


def test_a_call_to_aws_meets_every_kind_with_every_way_back() -> None:
    found = {(fault.kind, fault.way) for fault in faults_at(AWS)}
    assert found == {(kind, way) for kind in Kind if kind is not Kind.DEAD_TRIGGERER for way in Way}


def test_only_a_trigger_meets_a_dead_triggerer() -> None:
    dead = [fault.way for fault in faults_at(TRIGGER) if fault.kind is Kind.DEAD_TRIGGERER]
    assert set(dead) == set(Way) - {Way.RETRY}


def test_only_the_process_of_a_task_sleeps() -> None:
    assert not {fault.kind for fault in faults_at(TRIGGER)} & set(SLEEPS)


def test_a_message_to_airflow_meets_only_kills_and_sleep() -> None:
    assert {fault.kind for fault in faults_at(MESSAGE)} == {Kind.KILLED_BEFORE, Kind.KILLED_AFTER, *SLEEPS}


def test_the_shares_cover_all_schedules_once() -> None:
    schedules = list(single_faults([AWS, TRIGGER, MESSAGE]))
    shares = [part_of(schedules, f"{number}/3") for number in (1, 2, 3)]
    assert sorted(map(str, (one for share in shares for one in share))) == sorted(map(str, schedules))
    with pytest.raises(ValueError, match="4/3"):
        part_of(schedules, "4/3")


def test_a_seed_always_draws_the_same_schedule_and_later_faults_come_later() -> None:
    calls = [AWS, TRIGGER, MESSAGE]
    one, same = (draw(random.Random(7), calls, 3) for _ in range(2))
    assert one == same
    assert one[0].at < one[1].at < one[2].at
