"""Tests of the sections that set monthly budgets."""

from __future__ import annotations

import pytest

from include.distill.config.budgets import MonthBudget
from include.distill.config.use_case import UseCase
from include.distill.core.errors import UseCaseError
from tests.distill.conftest import make_use_case


def test_a_use_case_has_no_budget_unless_it_sets_one() -> None:
    assert make_use_case().budget.month_usd is None
    assert make_use_case(budget={"month_usd": 200}).budget.month_usd == 200


@pytest.mark.parametrize("value", [0, -1, "much", True, ".inf"])
def test_a_budget_is_an_amount_above_zero(value: object) -> None:
    with pytest.raises(UseCaseError, match=r"budget\.month_usd: found"):
        make_use_case(budget={"month_usd": value})


def test_a_use_case_that_an_earlier_version_froze_has_no_budget() -> None:
    raw = make_use_case().model_dump(mode="json", exclude={"budget"})
    assert UseCase.model_validate(raw).budget.month_usd is None


def test_a_budget_says_whose_it_is() -> None:
    assert MonthBudget("use_case", "faq", 5, "budget.month_usd", "faq.yaml").whose == "use case faq"
    assert MonthBudget("owner", "ml", 5, "owners.ml.month_usd", "include/budgets.yaml").whose == "owner ml"
