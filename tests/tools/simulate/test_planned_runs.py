"""Runs have the ids and dates that Airflow would give them."""

from __future__ import annotations

import datetime

import pytest
from airflow.sdk.api.datamodels._generated import DagRunType
from airflow.timetables.trigger import CronTriggerTimetable
from airflow.utils.types import DagRunType as Type
from pendulum import instance

from include.distill.core.naming import run_key
from tools.simulate.checks.outcome import folder_of
from tools.simulate.clock import START
from tools.simulate.parts import EARLIER_RUN, PROMOTION, ROLLBACK
from tools.simulate.planned_runs import DAY, PlannedRun, backfilled, planned, planned_of


def test_the_first_run_is_triggered_by_a_person() -> None:
    assert planned(1) == PlannedRun("manual__simulated-1", "manual", None)


def test_the_next_runs_are_scheduled_a_day_apart() -> None:
    assert planned(2).run_type == "scheduled"
    assert [planned(number).logical_date for number in (2, 3)] == [START + DAY, START + 2 * DAY]


def test_a_backfill_is_for_earlier_days() -> None:
    assert (backfilled(1).run_type, backfilled(1).logical_date) == ("backfill", START - DAY)


@pytest.mark.parametrize("run", [planned(2), backfilled(1)], ids=lambda run: run.run_type)
def test_the_id_is_the_one_that_airflow_gives(run: PlannedRun) -> None:
    assert run.logical_date is not None
    moment = instance(datetime.datetime.fromtimestamp(run.logical_date, datetime.UTC))
    timetable = CronTriggerTimetable("0 2 * * *", timezone="UTC")
    expected = timetable.generate_run_id(run_type=Type(run.run_type), run_after=moment, data_interval=None)
    assert run.run_id == expected
    assert DagRunType(run.run_type)


@pytest.mark.parametrize("run", [planned(1), planned(2), planned(3), backfilled(1)], ids=lambda run: run.run_id)
def test_the_checker_finds_the_folder_of_a_run(run: PlannedRun) -> None:
    assert f"/{run_key('distill_simulated', run.run_id)}/".startswith(folder_of(run.run_id))


def test_people_trigger_the_runs_of_other_dags_and_the_earlier_runs() -> None:
    second = planned_of(ROLLBACK, 2)
    assert (second.run_type, second.configuration["use_case"]) == ("manual", "simulated")
    assert planned_of(PROMOTION, EARLIER_RUN).run_type == "manual"
    assert planned_of(PROMOTION, 2) == planned(2)
