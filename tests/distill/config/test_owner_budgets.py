"""Tests of the file with the monthly budgets of owners."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.distill.config.budgets import MonthBudget, OwnerBudgets
from include.distill.config.owner_budgets import budgets_of, load_owner_budgets, unknown_owner_warnings
from include.distill.core.errors import FAILED_TASK, UseCaseError
from tests.distill.conftest import make_use_case

OWNERS = OwnerBudgets.model_validate({"owners": {"ml": {"month_usd": 1000}, "日本, b": {"month_usd": 0.5}}})


def load(folder: Path, text: str, **environment: str) -> OwnerBudgets:
    path = folder / "budgets.yaml"
    path.write_text(text, encoding="utf-8")
    return load_owner_budgets(path, environment)


def test_the_shipped_file_is_valid_and_sets_no_budget() -> None:
    assert load_owner_budgets() == OwnerBudgets()


def test_budgets_are_read_by_owner_and_may_come_from_the_environment(tmp_path: Path) -> None:
    found = load(tmp_path, "owners: {ml: {month_usd: '${ML_BUDGET:-1000}'}, '日本, b': {month_usd: 0.5}}")
    assert found == OWNERS
    assert load(tmp_path, "owners: {ml: {month_usd: '${M}'}}", M="7").owners["ml"].month_usd == 7


@pytest.mark.parametrize("text", ["", "# nothing\n", "owners:\n", "owners: {}\n"])
def test_a_file_without_owners_sets_no_budget(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, text) == OwnerBudgets()


def test_a_missing_file_sets_no_budget(tmp_path: Path) -> None:
    assert load_owner_budgets(tmp_path / "budgets.yaml") == OwnerBudgets()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("owners: {ml: {month_usd: 0}}", r"owners\.ml\.month_usd: found 0, expected"),
        ("owners: {ml: {month: 5}}", r"owners\.ml\.month: unknown key, did you mean 'month_usd'"),
        ("owners: {ml: {}}", r"owners\.ml\.month_usd: the key is missing"),
        ("owners: {ml: 5}", r"owners\.ml: found 5"),
        ("owner: {}", "owner: unknown key, did you mean 'owners'"),
        ("owners: {ml: {month_usd: 5}, ml: {month_usd: 6}}", "key 'ml' occurs twice"),
        ("- ml", "expected a mapping with the key owners"),
        ("owners: {", "cannot be read as YAML"),
        ("owners: {ml: {month_usd: '${NOT_SET}'}}", "NOT_SET is not set"),
    ],
)
def test_a_wrong_file_is_refused_with_the_key_and_what_to_do(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(UseCaseError, match=problem) as raised:
        load(tmp_path, text)
    assert raised.value.happened.endswith("so no run starts.")
    assert raised.value.to_do == "Correct include/budgets.yaml."
    assert raised.value.then_clear == FAILED_TASK


def test_text_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "budgets.yaml"
    path.write_bytes(b"owners: {\xff: 1}")
    with pytest.raises(UseCaseError, match="cannot be read as text in UTF-8"):
        load_owner_budgets(path)


def test_the_budgets_of_the_use_case_and_of_its_owner_both_apply() -> None:
    use_case = make_use_case(owner="ml", budget={"month_usd": 200})
    assert budgets_of(use_case, OWNERS) == (
        MonthBudget("use_case", "tiny", 200, "budget.month_usd", "tiny.yaml"),
        MonthBudget("owner", "ml", 1000, "owners.ml.month_usd", "include/budgets.yaml"),
    )
    assert budgets_of(make_use_case(owner="other"), OWNERS) == ()


def test_an_owner_that_no_use_case_has_gets_a_warning() -> None:
    [warning] = unknown_owner_warnings(OWNERS, {"ml", "web"})
    assert "no valid use case has the owner '日本, b'" in warning
    assert "The use cases have 'ml', 'web'." in warning
    assert unknown_owner_warnings(OWNERS, {"ml", "日本, b"}) == []
