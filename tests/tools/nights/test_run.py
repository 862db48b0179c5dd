"""A simulated run is judged and billed by the pipeline's own functions."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest

from include.distill.config.frozen_use_case import dump_use_case, restore_use_case
from include.distill.config.loader import load_use_case
from include.distill.cost.prices import total_usd
from tools.local_airflow.settings import LOCAL_INSTALLATION, Layout
from tools.nights.plan import COST_FACTOR, PLANS, plan_nights
from tools.nights.run import CHAMPION, SimulatedRun, simulated_use_case

NOW = datetime.datetime(2026, 11, 28, 14, tzinfo=datetime.UTC)
USE_CASES = {plan.name: load_use_case(Layout().use_cases / f"{plan.name}.yaml", LOCAL_INSTALLATION) for plan in PLANS}


def run_of(number: int = 3, plan: int = 0) -> SimulatedRun:
    chosen = PLANS[plan]
    night = next(night for night in plan_nights(chosen, NOW) if night.number == number)
    use_case = simulated_use_case(USE_CASES[chosen.name], compares_champion=chosen.compares_champion, pairs=night.pairs)
    return SimulatedRun(night, use_case, None, 0.0, None)


def test_the_use_case_of_the_nights_is_valid_and_says_that_it_is_simulated() -> None:
    run = run_of()
    restored = restore_use_case(dump_use_case(run.use_case), "use_case.yaml")
    assert restored.champion_arm == CHAMPION
    assert [(pair.candidate, pair.baseline) for pair in restored.pairs] == [("tuned", "base"), ("tuned", CHAMPION)]
    assert "SIMULATED" in restored.source.attribution


def test_the_report_has_the_bill_and_says_that_it_is_simulated() -> None:
    run = run_of()
    report = run.report({"judging": "1"})
    assert report["simulated"]
    assert report["cost"]["actual_usd"] == total_usd(run.lines()) > 0
    assert report["cost"]["estimated_usd"] > report["cost"]["actual_usd"]
    assert (report["comparisons"][0]["candidate"], report["comparisons"][0]["baseline"]) == ("tuned", "base")


def test_a_failed_night_pays_only_for_the_pairs() -> None:
    lines = run_of().lines_until_failure()
    assert {line.what.partition(":")[0] for line in lines} == {"synthesis"}


def test_the_estimate_does_not_know_the_planted_drift() -> None:
    run = run_of(25)
    expensive = SimulatedRun(replace(run.night, cost_factor=COST_FACTOR), run.use_case, None, 0.0, None)
    assert total_usd(expensive.lines()) > total_usd(run.lines())
    assert total_usd(expensive.estimated_lines()) == pytest.approx(total_usd(run.estimated_lines()), abs=0.01)


def test_a_distillation_job_is_billed_with_its_teacher() -> None:
    lines = run_of(5, plan=1).lines()
    assert any(line.what.startswith("teacher managed: nova-pro") for line in lines)
