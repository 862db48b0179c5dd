"""Check that ``preflight`` refuses a run before any work if nothing is left of a monthly budget."""

from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.run import month_budget
from include.distill.core.errors import BudgetExceededError, UseCaseError
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER
from tests.plugins.operators import test_preflight
from tests.plugins.run.test_month_budget import past_run, put

preflight = test_preflight.preflight  # pytest finds it by its name
BUDGET = {"month_usd": 50}


@pytest.fixture
def spent(store: MemoryStore) -> None:
    """Store a past run of the month that has used up the budget."""
    put(store, past_run("a", 50.0))


@pytest.mark.usefixtures("spent")
def test_a_run_is_refused_and_nothing_is_stored(preflight: Any, store: MemoryStore, context: Any) -> None:
    store.writes.clear()
    expected = r"(?s)Nothing is left .* budget\.month_usd in aws_docs_qa\.yaml.*then clear preflight with downstream"
    with pytest.raises(BudgetExceededError, match=expected):
        preflight(budget=BUDGET).execute(context)
    assert store.writes == []


@pytest.mark.usefixtures("spent")
def test_a_dry_run_pays_for_nothing_and_is_not_refused(preflight: Any, context: Any) -> None:
    context["params"] = {"dry_run": True}
    assert preflight(budget=BUDGET).execute(context)["use_case_uri"] == FOLDER.use_case


def test_an_owner_that_no_use_case_has_is_a_warning(
    preflight: Any, context: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    budgets = tmp_path / "budgets"
    budgets.write_text("owners: {nobody: {month_usd: 5}}")
    read = month_budget.load_owner_budgets
    monkeypatch.setattr(month_budget, "load_owner_budgets", lambda: read(budgets))
    assert "no valid use case has the owner 'nobody'" in preflight().execute(context)["warnings"][-1]
    budgets.write_text("owners: {nobody: 5}")
    with pytest.raises(UseCaseError, match=r"owners\.nobody: found 5"):
        preflight().execute(context)
