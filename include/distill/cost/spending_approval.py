"""
Decide whether a person must approve a run's estimate, and whether a person's recorded decision approves it.

Every task that buys something also checks the recorded decision. After a rejection, Airflow skips these tasks, but only
as long as nobody intervenes: a person can mark ``approve_spending`` as successful, or clear only a later task.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from include.distill.config.approval_rule import Approval
from include.distill.config.use_case import UseCase
from include.distill.core.naming import canonical_hash
from include.distill.core.records import BillLineRecord
from include.distill.cost.records import HourlyPurchase, ServingChoice, SpendingApproval, SpendingEstimate

_HOURLY = "unit-hour"
_CENT = 0.01


@dataclass(frozen=True)
class SpendingPlan:
    """
    What a run is about to buy, and why a person must approve it.

    :param stored_usd: the part of the estimate for results that are expected to be stored already.
    :param hourly: the endpoints that are billed by the hour.
    :param usd_per_hour: the highest price per hour of the endpoints in ``hourly`` that can exist at the same time.
    :param reasons: why a person must approve the plan, as sentences; empty if nobody has to.
    :param notes: what the run may cost beyond the estimate, as sentences.
    """

    estimated_usd: float
    stored_usd: float
    max_spend_usd: float
    lines: Sequence[BillLineRecord]
    hourly: Sequence[HourlyPurchase]
    usd_per_hour: float
    reasons: Sequence[str]
    notes: Sequence[str] = ()

    @property
    def to_pay_usd(self) -> float:
        """The part of the estimate for results that are not expected to be stored already."""
        return round(max(0.0, self.estimated_usd - self.stored_usd), 4)

    @property
    def asked(self) -> str:
        """
        A hash of the figures that a person is asked to approve.

        The price of results that are stored already is not part of the hash, because it can only make the run cheaper.
        """
        lines = [[line["what"], line["quantity"], line["unit"], line["unit_price_usd"]] for line in self.lines]
        return canonical_hash(
            {"lines": lines, "hourly": list(self.hourly), "usd": self.estimated_usd, "cap_usd": self.max_spend_usd}
        )


def plan_spending(use_case: UseCase, estimate: SpendingEstimate) -> SpendingPlan:
    """Return what a run is about to buy, and why a person must approve it according to the use case."""
    serving = estimate.get("serving")
    hourly = _provisioned(serving) if serving is not None else _hourly_lines(use_case, estimate["lines"])
    # At most `arms_at_a_time` arms are served at the same time. They may be the arms with the highest prices.
    at_once = heapq.nlargest(use_case.serving.arms_at_a_time, (purchase["usd_per_hour"] for purchase in hourly))
    usd_per_hour = round(sum(at_once), 4)
    return SpendingPlan(
        estimated_usd=estimate["estimated_usd"],
        stored_usd=estimate.get("stored_usd", 0.0),
        max_spend_usd=use_case.max_spend_usd,
        lines=estimate["lines"],
        hourly=hourly,
        usd_per_hour=usd_per_hour,
        notes=(*estimate.get("distillation_notes", ()), *estimate.get("optimization_notes", ())),
        reasons=_reasons(use_case.approval, estimate["estimated_usd"], usd_per_hour if hourly else None),
    )


def _provisioned(serving: Mapping[str, ServingChoice]) -> list[HourlyPurchase]:
    return [
        {"arm": arm, "usd_per_hour": option["usd_per_hour"], "hours": round((option["minutes"] or 0) / 60, 2)}
        for arm, choice in serving.items()
        for option in choice["options"]
        if option["mode"] == choice["mode"] and option["usd_per_hour"] is not None
    ]


def _hourly_lines(use_case: UseCase, lines: Sequence[BillLineRecord]) -> list[HourlyPurchase]:
    """
    Return the hourly endpoints of an estimate that an earlier version wrote.

    Such an estimate has no ``serving``. The endpoints are read from its lines, which are labeled
    ``throughput <arm>: <model>``.
    """
    units = use_case.serving.model_units
    return [
        {
            "arm": line["what"].removeprefix("throughput ").partition(":")[0],
            "usd_per_hour": units * line["unit_price_usd"],
            "hours": line["quantity"] / units,
        }
        for line in lines
        if line["unit"] == _HOURLY
    ]


def _reasons(rule: Approval, estimated_usd: float, usd_per_hour: float | None) -> list[str]:
    reasons = []
    if rule.before_spending == "always":
        reasons.append("The use case or the trigger form requires an approval, whatever the run costs.")
    if rule.before_spending == "above_usd" and rule.above_usd is not None and estimated_usd > rule.above_usd:
        reasons.append(f"The estimate of ${estimated_usd:,.2f} is above approval.above_usd, ${rule.above_usd:,.2f}.")
    if usd_per_hour is None:
        return reasons
    if rule.before_hourly == "always":
        reasons.append("Endpoints that are billed by the hour must be approved (approval.before_hourly: always).")
    if rule.before_hourly == "above_usd" and usd_per_hour > rule.above_usd_per_hour:
        reasons.append(
            f"Endpoints cost ${usd_per_hour:,.2f} per hour, which is above approval.above_usd_per_hour,"
            f" ${rule.above_usd_per_hour:,.2f}."
        )
    return reasons


def why_nobody_is_asked(rule: Approval, plan: SpendingPlan) -> str:
    """Return why no person has to approve a plan, as one sentence."""
    hourly = (
        f"${plan.usd_per_hour:,.2f} per hour for endpoints" if plan.hourly else "nothing that is billed by the hour"
    )
    limits = {
        "approval.above_usd": rule.above_usd if rule.before_spending == "above_usd" else None,
        "approval.above_usd_per_hour": rule.above_usd_per_hour if rule.before_hourly == "above_usd" else None,
    }
    stated = ", ".join(f"{key} is ${limit:,.2f}" for key, limit in limits.items() if limit is not None)
    settings = stated or "approval.before_spending and approval.before_hourly do not require it"
    return f"Nobody has to approve this estimate: ${plan.estimated_usd:,.2f}, with {hourly}; {settings}."


def approval_obstacle(rule: Approval, plan: SpendingPlan, approval: SpendingApproval | None) -> str | None:
    """
    Return why a plan that must be approved is not approved, as a sentence; ``None`` if it is approved.

    :param approval: the recorded decision; ``None`` if there is none.
    """
    if approval is None:
        return "No answer is recorded, for example because approve_spending was marked as successful by hand."
    if approval["asked"] != plan.asked:
        return f"{describe_answer(approval)} That was a different estimate, ${approval['estimated_usd']:,.2f}."
    if approval["decision"] != "approved":
        return describe_answer(approval)
    if plan.to_pay_usd > approval["to_pay_usd"] + _CENT:
        return (
            f"{answered_by(approval)} approved ${approval['to_pay_usd']:,.2f}. Fewer results are stored now, so the run"
            f" would pay ${plan.to_pay_usd:,.2f}."
        )
    if approval["user_name"] is None:
        return "The recorded approval does not name a user."
    if rule.approvers and approval["user_id"] not in {approver.id for approver in rule.approvers}:
        return f"{answered_by(approval)} is not among the approvers in approval.approvers."
    return None


def answered_by(approval: SpendingApproval) -> str:
    """Return the name and the id of the user who decided, for messages."""
    if approval["user_name"] is None:
        return "nobody"
    return f"{approval['user_name']} (user id {approval['user_id']})"


def describe_answer(approval: SpendingApproval) -> str:
    """Return a sentence that says who approved or rejected the estimate and when, or that nobody answered."""
    if approval["decision"] == "unanswered":
        return f"Nobody answered by {approval['answered_at']}."
    return f"{answered_by(approval)} {approval['decision']} the estimate at {approval['answered_at']}."
