"""Test how much of the budgets of owners the overview shows as used."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from bedrock_distill.ui import owner_budgets
from bedrock_distill.ui.owner_budgets import owner_states, standing_usd
from include.distill.config.budgets import OwnerBudgets
from include.distill.config.use_case import UseCase
from include.distill.core.errors import UseCaseError
from include.distill.trend.overview import BilledEndpoint
from tests.distill.trend.example_nights import begun, entry

NOW = datetime.datetime(2026, 11, 27, 8, tzinfo=datetime.UTC)
AN_HOUR_AGO = NOW - datetime.timedelta(hours=1)


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    found = OwnerBudgets.model_validate({"owners": {"ml-platform": {"month_usd": 10}, "nobody": {"month_usd": 5}}})
    monkeypatch.setattr(owner_budgets, "load_owner_budgets", lambda: found)


def test_bills_claims_and_standing_endpoints_of_the_month_count(limits: None, use_case: UseCase) -> None:
    other = use_case.model_copy(update={"name": "payroll"})
    own = {"owner": "ml-platform"}
    runs: Any = {
        "aws_docs_qa": [
            *(entry(0, **own), begun(1, estimated_usd=1.0, **own), entry(-5, **own)),
            *(entry(2, example=True, **own), entry(3, owner="the owner before")),
        ]
    }
    endpoints = {
        "aws_docs_qa": [
            BilledEndpoint("standing", AN_HOUR_AGO, 0.5, is_standing=True),
            BilledEndpoint("run", AN_HOUR_AGO, 50.0, is_standing=False),
        ],
        "payroll": None,
    }
    [state], problems = owner_states([use_case, other], runs, endpoints, now=NOW)
    assert problems == []
    assert (state.owner, state.use_cases, state.hidden, state.is_complete) == (
        "ml-platform",
        ["aws_docs_qa"],
        1,
        True,
    )
    assert (state.budget["spent_usd"], state.budget["reserved_usd"], state.budget["share"]) == (8.0, 1.0, 0.9)


def test_hours_that_are_not_known_are_said_to_be_unknown(limits: None, use_case: UseCase) -> None:
    without_price = [BilledEndpoint("standing", AN_HOUR_AGO, None, is_standing=True)]
    for endpoints in (None, without_price):
        [state], _ = owner_states([use_case], {"aws_docs_qa": []}, {"aws_docs_qa": endpoints}, now=NOW)
        assert not state.is_complete


def test_an_owner_of_whom_the_user_may_read_nothing_is_left_out(limits: None, use_case: UseCase) -> None:
    assert owner_states([use_case], {}, {}, now=NOW) == ([], [])


def test_a_file_that_cannot_be_used_is_a_problem(use_case: UseCase, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> OwnerBudgets:
        raise UseCaseError("budgets.yaml: found 3")

    monkeypatch.setattr(owner_budgets, "load_owner_budgets", fail)
    states, [problem] = owner_states([use_case], {}, {}, now=NOW)
    assert states == []
    assert problem.startswith("The budgets of owners cannot be shown. The error is UseCaseError.")


def test_a_price_that_is_not_known_counts_as_nothing() -> None:
    assert standing_usd([BilledEndpoint("standing", AN_HOUR_AGO, None, is_standing=True)], NOW) == 0
