"""Tests of the sums over the runs of a use case."""

from __future__ import annotations

import datetime
from typing import cast, get_args

import pytest

from include.distill.core.records import BillLineRecord
from include.distill.cost.bought_jobs import bought_job_lines
from include.distill.cost.estimate import estimate
from include.distill.cost.evaluation_lines import token_lines
from include.distill.cost.prices import BillLine, load_prices
from include.distill.dataset.records import RowTokens
from include.distill.history.records import HistoryEntry, SpendingKind
from include.distill.history.spending import kind_of_line, month_spending, spent_by_kind
from tests.distill.conftest import make_use_case
from tests.distill.history.test_months import DECEMBER, NOVEMBER, entry

PRICES = load_prices()


def line(what: str, usd: float = 1.0) -> BillLineRecord:
    return {"what": what, "quantity": 1, "unit": "token", "unit_price_usd": usd, "usd": usd}


@pytest.mark.parametrize(
    ("billed", "kind"),
    [
        (PRICES.token_lines("synthesis", "nova-pro", 1, 1, batch=True)[0], "teacher"),
        (PRICES.token_lines("teacher managed", "nova-pro", 1, 1)[0], "teacher"),
        (PRICES.token_lines("critic", "nova-pro", 1, 1)[0], "critic"),
        (PRICES.training_line("tuned", "nova-micro", 1), "training"),
        (PRICES.token_lines("answers tuned", "nova-micro", 1, 1, deployed=True)[0], "answers"),
        (PRICES.token_lines("judging", "nova-pro", 1, 1)[0], "judges"),
        (token_lines(PRICES, "tuned", "nova-pro", 1, 1)[0], "evaluations"),
        (PRICES.human_line(3), "evaluations"),
        (
            PRICES.token_lines("prompt optimization prompted (estimated), judge", "nova-pro", 1, 1)[0],
            "prompt_optimization",
        ),
        (PRICES.throughput_line("tuned", "nova-micro", 1), "endpoints"),
        (PRICES.token_lines("smoke prompts", "nova-micro", 1, 1, deployed=True)[0], "endpoints"),
        (PRICES.token_lines("calls", "nova-pro", 1, 1)[0], "other"),
        (PRICES.token_lines("calls without an answer (at most)", "nova-pro", 1, 1)[0], "other"),
    ],
    ids=lambda value: value.what if isinstance(value, BillLine) else value,
)
def test_every_line_of_a_bill_has_a_kind(billed: BillLine, kind: SpendingKind) -> None:
    assert kind in get_args(SpendingKind)
    assert kind_of_line(billed.as_record()) == kind


def test_a_job_without_results_has_the_kind_of_a_completed_one() -> None:
    lines = [token.as_record() for token in token_lines(PRICES, "tuned", "nova-pro", 1, 1)]
    stopped = bought_job_lines({"job_name": "j", "kind": "evaluation", "lines": lines}, completed=False)
    assert {kind_of_line(billed.as_record()) for billed in stopped} == {"evaluations"}


def test_every_line_of_an_estimate_has_a_kind() -> None:
    rows = [RowTokens(group=str(n), document=300, question=10, answer=20) for n in range(100)]
    lines = estimate(make_use_case(), train=rows, evaluation=rows, prices=PRICES)
    assert {kind_of_line(billed.as_record()) for billed in lines} == {
        "teacher",
        "training",
        "answers",
        "judges",
        "endpoints",
    }


def test_a_name_that_only_begins_like_a_kind_is_other() -> None:
    assert kind_of_line(line("trainingdata: nova-pro input")) == "other"


def test_the_kinds_add_up_to_the_bill() -> None:
    lines = [line("synthesis: a input", 0.25), line("synthesis: a output", 0.5), line("judging: b input", 2.0)]
    assert spent_by_kind([*lines, line("critic: c input", 0.0)]) == {"teacher": 0.75, "judges": 2.0}


def ended(run_key: str, started: datetime.datetime, spent: float | None, **changes: object) -> HistoryEntry:
    return cast(HistoryEntry, {**entry(run_key, started, spent=spent), "state": "succeeded", **changes})


def test_a_month_has_the_runs_that_were_due_to_start_in_it() -> None:
    runs = [ended("b", DECEMBER, 4.0), ended("a", NOVEMBER, 1.5)]
    november = month_spending(runs, NOVEMBER.replace(day=1))
    assert (november.month, november.spent_usd, november.reserved_usd) == ("2026-11", 1.5, 0)
    assert [run["run_key"] for run in november.runs] == ["a"]


def test_the_month_of_a_run_is_that_in_utc() -> None:
    night_in_berlin = datetime.datetime.fromisoformat("2026-12-01T00:30:00+01:00")
    assert month_spending([ended("a", night_in_berlin, 1.0)], NOVEMBER).spent_usd == 1.0
    assert month_spending([ended("a", NOVEMBER, 1.0)], night_in_berlin).spent_usd == 1.0


@pytest.mark.parametrize(
    ("run", "reserved"),
    [
        (entry("running", NOVEMBER), 2.0),
        (entry("cleared after it had spent more than its estimate", NOVEMBER, spent=3.0), 3.0),
        (entry("cleared after it had spent less", NOVEMBER, spent=0.5), 2.0),
        (ended("without a bill", NOVEMBER, None, state="failed"), 2.0),
        (ended("failed before its estimate, without a bill", NOVEMBER, None, state="failed", estimated_usd=None), 0.0),
    ],
    ids=lambda value: value["run_key"] if isinstance(value, dict) else "",
)
def test_a_run_without_a_final_bill_counts_with_its_estimate(run: HistoryEntry, reserved: float) -> None:
    month = month_spending([run, ended("paid", NOVEMBER, 1.0)], NOVEMBER)
    assert (month.spent_usd, month.reserved_usd) == (1.0, reserved)


def test_a_failed_run_counts_with_what_it_has_spent() -> None:
    month = month_spending([ended("failed", NOVEMBER, 0.25, state="failed")], NOVEMBER)
    assert (month.spent_usd, month.reserved_usd) == (0.25, 0)


def test_a_run_in_progress_counts_with_what_it_has_spent_and_what_it_claimed_of_a_budget() -> None:
    claimed: HistoryEntry = {
        **entry("a", NOVEMBER, spent=1.5),
        "budget": {"to_pay_usd": 0.25, "decided": True, "warned": []},
    }
    assert month_spending([claimed], NOVEMBER).reserved_usd == 1.75
    ended: HistoryEntry = {**claimed, "state": "failed"}
    assert month_spending([ended], NOVEMBER).spent_usd == 1.5
