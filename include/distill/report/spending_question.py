"""Write the approval request for a run's estimated spending, as Markdown for Airflow's Required Actions."""

from __future__ import annotations

from collections.abc import Iterator

from include.distill.core.records import BillLineRecord
from include.distill.cost.prices import unverified_note
from include.distill.cost.records import HourlyPurchase
from include.distill.cost.spending_approval import SpendingPlan
from include.distill.report.markdown import as_code, as_text

_MILLION = 1e6
_SIMULATED = "**SIMULATED: this account belongs to the AWS simulator, so nobody pays these prices.**"


def spending_subject(use_case: str, plan: SpendingPlan) -> str:
    """Return the headline of the approval request."""
    hourly = f", with endpoints at ${plan.usd_per_hour:,.2f} per hour" if plan.hourly else ""
    return f"May this run of {use_case} spend about ${plan.to_pay_usd:,.2f}{hourly}?"


def spending_question(
    plan: SpendingPlan, *, estimate_uri: str, answer_within_hours: float, expires_after_hours: float, simulated: bool
) -> str:
    """
    Return the text of the approval request, for the person who approves or rejects the spending.

    :param expires_after_hours: ``serving.expires_after_hours`` of the use case.
    :param simulated: whether the account is that of the AWS simulator.
    """
    lines = _lines(plan, estimate_uri, answer_within_hours, expires_after_hours)
    return "\n".join([*([_SIMULATED, ""] if simulated else []), *lines])


def _lines(plan: SpendingPlan, estimate_uri: str, answer_within_hours: float, expires: float) -> Iterator[str]:
    yield (
        f"**Full price of the run: {_usd(plan.estimated_usd)}**. About {_usd(plan.stored_usd)} of this is for results"
        f" that are already paid for and stored, so the run is expected to pay about **{_usd(plan.to_pay_usd)}**. The"
        f" spend cap is {_usd(plan.max_spend_usd)}. Nothing is billed while this question is open."
    )
    yield from ("", "You are asked because:", "")
    yield from (f"- {as_text(reason)}" for reason in plan.reasons)
    if plan.hourly:
        yield from ("", "Billed by the hour:", "")
        yield from (f"- {_hourly(purchase)}" for purchase in plan.hourly)
        yield (
            f"- All endpoints that exist at the same time: {_usd(plan.usd_per_hour)} per hour. If Airflow loses the"
            f" run, the sweeper deletes its endpoints {expires:g} hours after the run started."
        )
    yield from ("", "All items of the run, at full price:", "")
    yield from ("| item | quantity | price | US dollars |", "|---|---|---|---|")
    yield from (_row(line) for line in plan.lines)
    for note in (*plan.notes, unverified_note(plan.lines)):
        if note:
            yield from ("", as_text(note))
    yield from ("", f"The estimate is stored at {as_code(estimate_uri)}.", "")
    yield (
        "If you approve, the run buys what is not stored yet. If you reject, or if no one answers within"
        f" {answer_within_hours:g} hours, nothing is bought, all later tasks are skipped, and the run fails."
    )


def _hourly(purchase: HourlyPurchase) -> str:
    hours = purchase["hours"]
    return (
        f"the endpoint of {as_text(purchase['arm'])}: {_usd(purchase['usd_per_hour'])} per hour, from its purchase"
        f" until the arm has answered. The estimate assumes {hours:g} h, {_usd(hours * purchase['usd_per_hour'])}. The"
        " endpoint is bought once the arm's model exists, and is deleted even if a later task fails."
    )


def _row(line: BillLineRecord) -> str:
    if line["unit"] == "token":
        quantity, price = f"{line['quantity']:,.0f} tokens", f"{_usd(_MILLION * line['unit_price_usd'])} per million"
    else:
        unit = "model-unit hour" if line["quantity"] == 1 else "model-unit hours"
        quantity, price = f"{line['quantity']:g} {unit}", f"{_usd(line['unit_price_usd'])} per hour"
    unverified = ", not verified" if line.get("unverified") else ""
    return f"| {as_text(line['what'])} | {quantity} | {price}{unverified} | {line['usd']:,.4f} |"


def _usd(amount: float) -> str:
    # A dollar sign may start a formula, so it is escaped. Prices of tokens can be fractions of a cent.
    decimals = 2 if amount == 0 or amount >= 0.1 else 4
    return f"\\${amount:,.{decimals}f}"
