"""Write the question of whether to promote the winner of a run, as Markdown for Airflow's Required Actions."""

from __future__ import annotations

from collections.abc import Iterator

from include.distill.cost.standing_price import HOURS_PER_MONTH
from include.distill.evaluation.champion import Champion, describe_champion
from include.distill.evaluation.endpoint_records import StandingPrice
from include.distill.evaluation.records import DecisionRecord
from include.distill.report.markdown import as_code, as_text
from include.distill.report.records import Report


def promotion_subject(use_case: str, decision: DecisionRecord, price: StandingPrice | None) -> str:
    """
    Return the headline of the question.

    :param price: the price per hour that the person is asked to approve; ``None`` if there is none.
    """
    hourly = f", and pay ${price['usd_per_hour']:,.2f} per hour for its endpoint" if price else ""
    return f"Promote {decision['candidate']} of {use_case}{hourly}?"


def promotion_question(
    report: Report,
    decision: DecisionRecord,
    champion: Champion | None,
    *,
    answer_within_hours: float,
    report_uri: str,
    is_served: bool = False,
    price: StandingPrice | None = None,
) -> str:
    """
    Return the text for the person who approves or rejects the promotion.

    It contains the verdict, the rule's reasons, the current champion, the price per hour if there is one, and where to
    find the report.

    :param is_served: whether the champion has a standing endpoint.
    :param price: the price per hour that the person is asked to approve; ``None`` if there is none.
    """
    candidate = as_code(decision["candidate"])
    served = (
        " is put behind the standing endpoint, which applications call. If the endpoint answers the smoke prompts,"
        f" {candidate}"
    )
    lines = [
        as_text(report["verdict"]),
        "",
        f"According to the promotion rule that was set before the run, {candidate} should"
        f" replace {as_code(decision['champion'])}:",
        "",
        *(f"- {as_text(reason)}" for reason in decision["reasons"]),
        "",
        f"The current champion: {as_text(describe_champion(champion))}",
        "",
        *(price_lines(price) if price else ()),
        f'The full report is in the tab "Distill report" of this run, and at {as_code(report_uri)}.',
        "",
        f"If you approve, {candidate}{served if is_served else ''} becomes the champion, and the DAGs that are"
        " scheduled on the champion's asset start. If you reject, or if no one answers within"
        f" {answer_within_hours:g} hours, nothing changes.",
    ]
    simulated = ["**SIMULATED: the models are small simulated models. No real model is promoted.**", ""]
    return "\n".join([*(simulated if report["simulated"] else []), *lines])


def price_lines(price: StandingPrice) -> Iterator[str]:
    """Yield the lines about a standing endpoint that is billed by the hour, with an empty line at the end."""
    hourly = price["usd_per_hour"]
    units = f"{price['units']} model unit{'s' if price['units'] > 1 else ''}"
    yield (
        f"**The standing endpoint is provisioned throughput with {units}: \\${hourly:,.2f} per hour, about"
        f" \\${hourly * HOURS_PER_MONTH:,.0f} per month of {HOURS_PER_MONTH} hours.** Once it exists, it is billed"
        " until a person deletes it, even while it is idle. The spend cap of a run does not limit it."
    )
    yield ""
