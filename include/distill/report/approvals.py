"""List who approved what and when, for the report."""

from __future__ import annotations

from include.distill.cost.records import SpendingApproval
from include.distill.evaluation.champion import Champion
from include.distill.report.records import ReportApproval


def spending_entry(approval: SpendingApproval) -> ReportApproval:
    """Return the entry about the approval or rejection of the run's spending."""
    hourly = f", and endpoints at ${approval['usd_per_hour']:,.2f} per hour" if approval["usd_per_hour"] else ""
    return {
        "what": "spending",
        "subject": f"an estimate of ${approval['estimated_usd']:,.2f}, of which about ${approval['to_pay_usd']:,.2f}"
        f" had to be paid{hourly}",
        "decision": approval["decision"],
        "user_name": approval["user_name"],
        "user_id": approval["user_id"],
        "at": approval["answered_at"],
    }


def price_entry(champion: Champion) -> ReportApproval | None:
    """Return the entry for the hourly price of the standing endpoint; ``None`` if nobody approved a price."""
    price = champion.endpoint.approved_price if champion.endpoint else None
    if champion.endpoint is None or price is None:
        return None
    return {
        "what": "endpoint",
        "subject": f"${price.usd_per_hour:,.2f} per hour for the standing endpoint {champion.endpoint.arn}",
        "decision": "approved",
        "user_name": price.by,
        "user_id": None,
        "at": price.at,
    }


def promotion_entry(champion: Champion) -> ReportApproval | None:
    """Return the entry about the earlier promotion of ``champion``; ``None`` if no person approved that promotion."""
    if champion.approved_by is None:
        return None
    return {
        "what": "promotion",
        "subject": f"the promotion of {champion.model_arn}, the champion before this run",
        "decision": "approved",
        "user_name": champion.approved_by,
        "user_id": None,
        "at": champion.promoted_at,
    }
