"""Render the overview of all use cases: champion, last verdict, cost, what waits for a person, what is billed now."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from include.distill.cost.records import BudgetState
from include.distill.evaluation.champion import Champion
from include.distill.history.records import HistoryEntry, JudgedRate
from include.distill.report.drift_notes import MEASURE_NAMES
from include.distill.report.html import format_dollars, half_win_sentence
from include.distill.report.templates import drawn
from include.distill.trend.figures import preference_figure
from include.distill.trend.night_charts import line_sample, night_chart
from include.distill.trend.nights import Night
from include.distill.trend.templates import render, run_path
from include.distill.trend.trend_page import simulated_notice
from include.distill.trend.words import age_text

_NIGHTS_DRAWN = 30
_NIGHTS_MARKED = 14
_CHART_HEIGHT = 96
_DRIFT_DAYS = 7


@dataclass(frozen=True)
class Waiting:
    """A task that waits for the answer of a person. ``url`` leads to its page in Airflow."""

    task_id: str
    run_id: str
    since: datetime.datetime
    url: str


@dataclass(frozen=True)
class BilledEndpoint:
    """
    An endpoint that is billed by the hour now.

    :param usd_per_hour: ``None`` if the price is not known.
    :param is_standing: whether it is the standing endpoint of the champion. A run deletes its other endpoints itself.
    """

    name: str
    created: datetime.datetime
    usd_per_hour: float | None
    is_standing: bool


@dataclass(frozen=True)
class UseCaseState:
    """
    What the overview shows of one use case.

    :param nights: the newest nights, oldest first.
    :param spent_usd: the bills of this month's runs, and the hours of the standing endpoint in this month until now.
        With a budget, only what counts in it.
    :param reserved_usd: what the runs in progress are expected to pay.
    :param budget_usd: what this may cost together in a month; ``None`` without a budget.
    :param waiting: the tasks that wait for a person; ``None`` if this is not known.
    :param billed: the endpoints that are billed by the hour; ``None`` if this is not known.
    :param running: the ids of the runs that Airflow has not ended; ``None`` if this is not known.
    :param problems: one sentence for each part that cannot be read.
    :param is_month_known: whether all runs of this month can be read. If not, the amounts of the month say too little.
    :param is_champion_known: whether the record of the champion can be read.
    """

    name: str
    description: str
    owner: str
    dag_id: str
    champion: Champion | None
    nights: Sequence[Night]
    spent_usd: float
    reserved_usd: float
    budget_usd: float | None
    waiting: Sequence[Waiting] | None
    billed: Sequence[BilledEndpoint] | None
    running: Sequence[str] | None
    problems: Sequence[str] = ()
    is_month_known: bool = True
    is_champion_known: bool = True

    @property
    def hourly_usd(self) -> float | None:
        """The sum of all known hourly prices; ``None`` if it is not known what is billed."""
        return None if self.billed is None else sum(endpoint.usd_per_hour or 0.0 for endpoint in self.billed)

    @property
    def is_hourly_complete(self) -> bool:
        """Whether all hourly prices are known."""
        return self.billed is not None and all(endpoint.usd_per_hour is not None for endpoint in self.billed)

    @property
    def is_standing_known(self) -> bool:
        """Whether it is known what the standing endpoints have cost in this month."""
        return are_standing_prices_known(self.billed)


@dataclass(frozen=True)
class OwnerState:
    """
    What the overview shows of the monthly budget of an owner.

    :param use_cases: the names of the owner's use cases whose runs are counted here.
    :param hidden: number of the owner's other use cases, which the user may not read or which cannot be shown.
    :param is_complete: whether all runs of this month and the hours of all standing endpoints are known.
    """

    budget: BudgetState
    owner: str
    use_cases: Sequence[str]
    hidden: int
    is_complete: bool


def are_standing_prices_known(billed: Sequence[BilledEndpoint] | None) -> bool:
    """Return whether it is known which standing endpoints there are, and what each of them costs per hour."""
    return billed is not None and all(one.usd_per_hour is not None for one in billed if one.is_standing)


def overview_page(
    states: Sequence[UseCaseState],
    *,
    now: datetime.datetime,
    owners: Sequence[OwnerState] = (),
    problems: Sequence[str] = (),
) -> str:
    """
    Render the overview. Links are relative to the page.

    :param owners: the owners that have a budget.
    :param problems: one message for each use case or part that cannot be shown.
    """
    return render(
        "overview.html.j2",
        cards=[_card(state, now) for state in states],
        totals=_totals(states),
        owners=owners,
        problems=problems,
        now=now,
        simulated=simulated_notice([night for state in states for night in state.nights]),
    )


def _card(state: UseCaseState, now: datetime.datetime) -> dict[str, object]:
    drawn_nights = state.nights[-_NIGHTS_DRAWN:]
    figure = dataclasses.replace(preference_figure(drawn_nights), key=f"preference-{state.name}")
    last = state.nights[-1] if state.nights else None
    judged = next((night for night in reversed(state.nights) if night.run.get("judges")), None)

    def chart(width: int) -> Markup:
        return night_chart(figure, drawn_nights, width=width, height=_CHART_HEIGHT, legend=False)

    return {
        "state": state,
        "last": last,
        "judged": judged,
        "verdict": _verdict(judged, [series.name for series in figure.series]),
        "chart": drawn(chart),
        "marked": state.nights[-_NIGHTS_MARKED:],
        "champion": _champion(state.champion, now),
        "drift": _recent_drift(state.nights, now),
        "share": _share(state),
        "running": [(run_id, run_path(state.dag_id, run_id)) for run_id in state.running or ()],
        "waiting": [(one, age_text(one.since, now)) for one in state.waiting or ()],
        "billed": [(one, age_text(one.created, now)) for one in state.billed or ()],
    }


def _verdict(judged: Night | None, judges: Sequence[str]) -> list[tuple[Markup, str]]:
    """Return the half-win rate of each judge with its interval, and the line of the judge in the chart."""
    rates = {rate["judge"]: rate for rate in judged.run.get("judges", ())} if judged else {}
    return [(line_sample(index), _rate(rates[judge])) for index, judge in enumerate(judges) if judge in rates]


def _rate(rate: JudgedRate) -> str:
    return half_win_sentence(rate["judge"], rate["half_win_rate"], rate["half_win_ci95"], rate["questions"])


def _recent_drift(nights: Sequence[Night], now: datetime.datetime) -> dict[str, object] | None:
    """
    Return the newest change beyond chance of the last days; ``None`` if there was no change.

    A change is shown for some days and not only until the next run, because nobody may look at the page each morning.
    Later runs with other settings say nothing about the change.
    """
    since = now - datetime.timedelta(days=_DRIFT_DAYS)
    checked = [night for night in nights if "drift" in night.run]
    newest = next((index for index in reversed(range(len(checked))) if checked[index].drift), None)
    if newest is None or checked[newest].started < since:
        return None
    night = checked[newest]
    return {
        "night": night,
        "measures": ", ".join(MEASURE_NAMES[drift["measure"]] for drift in night.drift),
        "later": sum(_compared_like(later.run) == _compared_like(night.run) for later in checked[newest + 1 :]),
    }


def _compared_like(run: HistoryEntry) -> tuple[object, ...]:
    return run.get("settings"), run.get("simulated"), run.get("example", False)


def _champion(champion: Champion | None, now: datetime.datetime) -> dict[str, str] | None:
    if champion is None:
        return None
    promoted = datetime.datetime.fromisoformat(champion.promoted_at)
    # The records of early versions have no time zone.
    promoted = promoted if promoted.tzinfo else promoted.replace(tzinfo=datetime.UTC)
    return {"arm": champion.arm, "age": age_text(promoted, now), "student": champion.student}


def _share(state: UseCaseState) -> float | None:
    """Return which share of the budget is spent or reserved; ``None`` without a budget or if this is not known."""
    if not state.budget_usd or not state.is_month_known:
        return None
    return (state.spent_usd + state.reserved_usd) / state.budget_usd


def _totals(states: Sequence[UseCaseState]) -> dict[str, float | str]:
    hourly = [state.hourly_usd for state in states if state.hourly_usd is not None]
    month = [state.spent_usd for state in states if state.is_month_known]
    is_month_complete = all(state.is_month_known and state.is_standing_known for state in states)
    waiting = [len(state.waiting) for state in states if state.waiting is not None]
    return {
        "use_cases": len(states),
        "waiting": sum(waiting) if len(waiting) == len(states) else "not known",
        "hourly": _total(hourly, states, is_complete=all(state.is_hourly_complete for state in states)),
        "month": _total(month, states, is_complete=is_month_complete),
    }


def _total(amounts: Sequence[float], states: Sequence[UseCaseState], *, is_complete: bool) -> str:
    """Write the sum of the amounts that are known. If none is known, the sum of nothing would look like an amount."""
    if states and not amounts:
        return "not known"
    return format_dollars(sum(amounts)) + ("" if is_complete else " or more")
