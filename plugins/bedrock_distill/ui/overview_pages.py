"""
Serve the overview of all use cases, the trend of a use case, and its nights as a CSV file.

The routes belong to the app of the report pages, which requires a login. A user sees only the use cases whose DAG the
user may read. If something cannot be read, the page says so and shows the rest.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Any

from airflow.api_fastapi.core_api.security import get_user
from fastapi import APIRouter, Depends, Query, Request, Response

from bedrock_distill.ui.airflow_state import AirflowState, read_airflow
from bedrock_distill.ui.billed_now import billed_now
from bedrock_distill.ui.owner_budgets import owner_states, standing_usd
from bedrock_distill.ui.served_pages import (
    LINKED_POLICY,
    PageError,
    headers_with,
    is_foreign,
    logged,
    may_read,
    page,
    store_for,
    unusable_months,
)
from include.distill.config.layout import Layout
from include.distill.config.loader import load_use_cases
from include.distill.config.use_case import UseCase
from include.distill.core.storage import ObjectStore
from include.distill.cost.month_budget import is_counted, month_start
from include.distill.evaluation.champion import Champion, read_champion
from include.distill.evaluation.rollback_form import ROLLBACK_DAG_ID
from include.distill.history.readable import ReadableHistory, read_readable_history
from include.distill.history.records import HistoryEntry
from include.distill.history.spending import month_spending
from include.distill.trend.csv_file import csv_file
from include.distill.trend.nights import Night, earliest_start, last_days, nights_of
from include.distill.trend.overview import BilledEndpoint, UseCaseState, overview_page
from include.distill.trend.trend_page import trend_page

router = APIRouter()

_OVERVIEW_DAYS = 45
_DEFAULT_DAYS = 30
_READERS = 8
Days = Annotated[int, Query(ge=1, le=3660)]
User = Annotated[Any, Depends(get_user)]


def utc_now() -> datetime.datetime:
    """Return the current time."""
    return datetime.datetime.now(datetime.UTC)


@router.get("/overview")
def overview(request: Request, user: User) -> Response:
    """Show the state of all use cases whose DAG the user may read."""
    found = load_use_cases().valid
    use_cases = [use_case for use_case in found if may_read(use_case.dag_id, request, user)]
    with ThreadPoolExecutor(max_workers=_READERS) as pool:
        billed = pool.submit(billed_now, use_cases)
        airflow, problems = _airflow_state(use_cases, request, user)
        stored = list(pool.map(_stored, use_cases))
        endpoints = billed.result()
    problems += [part for part in stored if isinstance(part, str)]
    parts = {use_case.name: part for use_case, part in zip(use_cases, stored, strict=True) if not isinstance(part, str)}
    states = [
        _state(use_case, parts[use_case.name], airflow, endpoints[use_case.name])
        for use_case in use_cases
        if use_case.name in parts
    ]
    runs = {name: part.runs for name, part in parts.items()}
    incomplete = {name for name, part in parts.items() if not part.is_month_known}
    owners, unreadable = owner_states(found, runs, endpoints, now=utc_now(), incomplete=incomplete)
    html = overview_page(states, now=utc_now(), owners=owners, problems=[*problems, *unreadable])
    return page(html, status=503 if problems and not states else 200)


def _airflow_state(use_cases: Sequence[UseCase], request: Request, user: Any) -> tuple[AirflowState | None, list[str]]:
    """Return what is going on in the DAGs that the user may read, and a message if Airflow's database fails."""
    dag_ids = [use_case.dag_id for use_case in use_cases]
    others = [use_case.label_dag_id for use_case in use_cases] + [ROLLBACK_DAG_ID]
    try:
        return read_airflow([*dag_ids, *(dag_id for dag_id in others if may_read(dag_id, request, user))]), []
    except Exception as error:  # any error: what S3 has is shown nevertheless
        return None, [f"It is not known what waits for a person. {logged(error, 'runs and questions')}"]


@dataclass(frozen=True)
class _Stored:
    """
    What S3 has of a use case.

    :ivar runs: the newest runs that can be read, oldest first.
    :ivar is_month_known: whether all runs of this month can be read.
    :ivar is_champion_known: whether the record of the champion can be read. ``champion`` is ``None`` if not.
    :ivar problems: one sentence for each part that cannot be read.
    """

    runs: Sequence[HistoryEntry]
    is_month_known: bool
    champion: Champion | None
    is_champion_known: bool
    problems: Sequence[str]


def _stored(use_case: UseCase) -> _Stored | str:
    """Return what S3 has of a use case, or a sentence that says why nothing of it can be shown."""
    try:
        store = store_for(use_case)
        if is_foreign(store, use_case):
            return f"{use_case.name} is not shown, because its storage.prefix belongs to another environment."
    except Exception as error:  # any error: the other use cases are not affected
        return f"{use_case.name} cannot be shown. {logged(error, use_case.name)}"
    now = utc_now()
    runs, is_month_known, problems = _newest_runs(store, use_case, now)
    champion, is_champion_known = None, True
    try:
        champion = read_champion(store, Layout(use_case.storage).champion(use_case.name))
    except Exception as error:  # any error: the runs are shown nevertheless
        is_champion_known = False
        problems.append(f"The champion is not known. {logged(error, use_case.name)}")
    return _Stored(runs, is_month_known, champion, is_champion_known, problems)


def _newest_runs(
    store: ObjectStore, use_case: UseCase, now: datetime.datetime
) -> tuple[Sequence[HistoryEntry], bool, list[str]]:
    """Return the newest runs, whether all runs of this month are among them, and a sentence for each problem."""
    since = min(month_start(now), now - datetime.timedelta(days=_OVERVIEW_DAYS))
    try:
        history = read_readable_history(store, Layout(use_case.storage).roots[0], use_case.name, since=since)
    except Exception as error:  # any error: the champion and what is billed now are shown nevertheless
        return [], False, [f"The runs are not known. {logged(error, use_case.name)}"]
    return history.runs, not history.lacks(now), unusable_months(history)


def _state(
    use_case: UseCase, stored: _Stored, airflow: AirflowState | None, billed: list[BilledEndpoint] | None
) -> UseCaseState:
    running = None if airflow is None else airflow.running.get(use_case.dag_id, [])
    own = (use_case.dag_id, use_case.label_dag_id)
    now = utc_now()
    limit = use_case.budget.month_usd
    month = month_spending([run for run in stored.runs if limit is None or is_counted(run)], now)
    return UseCaseState(
        name=use_case.name,
        description=use_case.description,
        owner=use_case.owner,
        dag_id=use_case.dag_id,
        champion=stored.champion,
        nights=nights_of(stored.runs, alive=running),
        spent_usd=month.spent_usd + standing_usd(billed or (), now),
        reserved_usd=month.reserved_usd,
        budget_usd=limit,
        waiting=None if airflow is None else airflow.waiting_for(use_case.name, own, shared=[ROLLBACK_DAG_ID]),
        billed=billed,
        running=running,
        problems=stored.problems,
        is_month_known=stored.is_month_known,
        is_champion_known=stored.is_champion_known,
    )


# This route comes first, because the next one would match its URL too.
@router.get("/trend/{name}.csv")
def nights_as_csv(name: str, request: Request, user: User, days: Days = _DEFAULT_DAYS) -> Response:
    """Return the nights of a use case as a CSV file."""
    use_case = _readable(name, request, user)
    nights, history = _nights(use_case, days)
    headers = headers_with(LINKED_POLICY) | {"Content-Disposition": f'attachment; filename="{use_case.name}.csv"'}
    body = csv_file(nights, unusable=history.unusable)
    return Response(body, headers=headers, media_type="text/csv; charset=utf-8")


@router.get("/trend/{name}")
def trend(name: str, request: Request, user: User, days: Days = _DEFAULT_DAYS) -> Response:
    """Show the nights of a use case."""
    use_case = _readable(name, request, user)
    nights, history = _nights(use_case, days)
    return page(trend_page(use_case.name, nights, days=days, problems=unusable_months(history)))


def _readable(name: str, request: Request, user: Any) -> UseCase:
    """
    Return a use case that the user may read.

    :raises PageError: there is no such use case, or the user may not read it. The answer is the same, so that it
        does not say which use cases exist.
    """
    use_case = next((valid for valid in load_use_cases().valid if valid.name == name), None)
    if use_case is None or not may_read(use_case.dag_id, request, user):
        raise PageError("There is no such use case", f"There is no use case {name} whose DAG you may read.")
    return use_case


def _nights(use_case: UseCase, days: int) -> tuple[list[Night], ReadableHistory]:
    """Return the nights of the last ``days`` days, oldest first, and what can be read of the history since then."""
    store = store_for(use_case)
    if is_foreign(store, use_case):
        raise PageError(
            "This use case is not shown",
            f"{use_case.name} is not shown, because its storage.prefix is another environment's.",
        )
    now = utc_now()
    root = Layout(use_case.storage).roots[0]
    history = read_readable_history(store, root, use_case.name, since=earliest_start(days, now))
    nights = nights_of(history.runs, alive=_alive(use_case, history.runs))
    return last_days(nights, days, now), history


def _alive(use_case: UseCase, runs: Sequence[HistoryEntry]) -> list[str] | None:
    """Return the ids of the runs in progress; ``None`` if this is not known. Most pages need no look at Airflow."""
    if all(run["state"] != "running" for run in runs):
        return []
    try:
        return read_airflow([use_case.dag_id]).running.get(use_case.dag_id, [])
    except Exception as error:  # any error: the page shows these runs as the history calls them
        logged(error, f"the runs of {use_case.dag_id}")
        return None
