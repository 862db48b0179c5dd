"""Add up, for the overview, how much of the monthly budgets of owners is used."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping, Sequence

from bedrock_distill.ui.served_pages import logged
from include.distill.config.budgets import MonthBudget
from include.distill.config.owner_budgets import budgets_of, load_owner_budgets
from include.distill.config.use_case import UseCase
from include.distill.core.errors import UseCaseError
from include.distill.cost.month_budget import StandingCost, budget_state, covers, hours_in_month
from include.distill.history.records import HistoryEntry
from include.distill.trend.overview import BilledEndpoint, OwnerState, are_standing_prices_known


def owner_states(
    use_cases: Sequence[UseCase],
    runs: Mapping[str, Sequence[HistoryEntry]],
    endpoints: Mapping[str, Sequence[BilledEndpoint] | None],
    *,
    now: datetime.datetime,
    incomplete: Collection[str] = (),
) -> tuple[list[OwnerState], list[str]]:
    """
    Return the state of each owner's budget, and a message if the file with the budgets cannot be used.

    Only use cases that the user may read are counted. An owner of whom the user may read no use case is left out.

    :param use_cases: all valid use cases.
    :param runs: by name, the newest runs of the use cases that are shown to the user.
    :param endpoints: by name, the endpoints that are billed by the hour; ``None`` if they are not known.
    :param incomplete: the names of the use cases of which not all runs of this month are known.
    """
    try:
        limits = load_owner_budgets()
    except UseCaseError as error:
        return [], [f"The budgets of owners cannot be shown. {logged(error, 'include/budgets.yaml')}"]
    budgets: dict[str, MonthBudget] = {}
    for use_case in use_cases:
        budgets |= {one.name: one for one in budgets_of(use_case, limits) if one.kind == "owner"}
    states = [_state(budget, use_cases, runs, endpoints, now, incomplete) for budget in budgets.values()]
    return [state for state in states if state.use_cases], []


def _state(
    budget: MonthBudget,
    use_cases: Sequence[UseCase],
    runs: Mapping[str, Sequence[HistoryEntry]],
    endpoints: Mapping[str, Sequence[BilledEndpoint] | None],
    now: datetime.datetime,
    incomplete: Collection[str],
) -> OwnerState:
    own = [use_case.name for use_case in use_cases if use_case.owner == budget.name]
    shown = [name for name in own if name in runs]
    # A run counts for the owner that its use case had when the run started.
    covered = [run for of_use_case in runs.values() for run in of_use_case if covers(budget, run)]
    standing = [
        StandingCost(name, endpoint.name, standing_usd([endpoint], now), endpoint.usd_per_hour or 0.0)
        for name in shown
        for endpoint in endpoints.get(name) or ()
        if endpoint.is_standing
    ]
    return OwnerState(
        budget=budget_state("owner", budget.month_usd, covered, now, standing=standing),
        owner=budget.name,
        use_cases=shown,
        hidden=len(own) - len(shown),
        is_complete=all(are_standing_prices_known(endpoints.get(name)) and name not in incomplete for name in shown),
    )


def standing_usd(billed: Sequence[BilledEndpoint], now: datetime.datetime) -> float:
    """Return what standing endpoints have cost in this month, which the budgets count too. No bill contains it."""
    return sum(
        hours_in_month(endpoint.created, now, now) * (endpoint.usd_per_hour or 0.0)
        for endpoint in billed
        if endpoint.is_standing
    )
