"""Sum up the plan of a clean-up for the log: what is deleted and kept, what it costs, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from include.distill.cleanup.choice import CLEAN_UP_DAG_ID, CleanUpChoice
from include.distill.cleanup.plan import CleanUpPlan, PlanItem, ResourceKind, count_by_kind
from include.distill.config.form_faults import field_name

HOURS_PER_MONTH = 730
_DRY_RUN = field_name(CleanUpChoice, "dry_run")


def plan_summary(
    plans: Sequence[CleanUpPlan], *, dry_run: bool, usd_per_unit_hour: Mapping[str, float], usd_per_model_month: float
) -> list[str]:
    """
    Return the totals of all plans, the cost of what is deleted, and what happens next, as lines of text.

    :param usd_per_unit_hour: the price of a model unit of throughput for an hour, by use case.
    :param usd_per_model_month: the price of storing a custom model for a month.
    """
    deleted = [item for plan in plans for item in (*plan.to_delete, *plan.with_buckets)]
    kept = [item for plan in plans for item in plan.to_keep]
    lines = [f"To delete: {totals(count_by_kind(deleted))}. To keep: {totals(count_by_kind(kept))}."]
    if deleted:
        lines += _savings(deleted, usd_per_unit_hour, usd_per_model_month)
    if not deleted:
        lines.append(
            "Nothing is deleted. Each KEEP line gives the reason. If another choice in the form would delete the"
            " item, the line names this choice."
        )
    elif dry_run:
        lines.append(
            f"Dry run: nothing was deleted. To delete what is marked DELETE, trigger {CLEAN_UP_DAG_ID} again with the"
            f" same choices, but without {_DRY_RUN}."
        )
    return lines


def totals(by_kind: Mapping[str, int]) -> str:
    """Return how many items there are of each kind, in the order of deletion."""
    return ", ".join(f"{kind} {by_kind[kind]}" for kind in ResourceKind if by_kind.get(kind)) or "nothing"


def _savings(items: Sequence[PlanItem], usd_per_unit_hour: Mapping[str, float], usd_per_model: float) -> list[str]:
    throughputs = [item.endpoint for item in items if item.endpoint and item.kind is ResourceKind.THROUGHPUT]
    models = sum(item.kind is ResourceKind.CUSTOM_MODEL for item in items)
    lines = []
    if throughputs:
        prices = [usd_per_unit_hour.get(listed.use_case or "") for listed in throughputs]
        known = [listed.units * price for listed, price in zip(throughputs, prices, strict=True) if price is not None]
        per_hour = sum(known)
        missing = len(prices) - len(known)
        unknown = f", not counting {missing} whose price is unknown" if missing else ""
        lines.append(
            f"The throughput to delete costs about ${per_hour:,.2f} per hour, ${HOURS_PER_MONTH * per_hour:,.2f} per"
            f" month{unknown}."
        )
    if models:
        lines.append(f"Storing the models to delete costs about ${models * usd_per_model:,.2f} per month.")
    if any(item.uris or item.marks for item in items):
        lines.append("Every month, S3 bills the objects to delete by their size.")
    return lines


def plan_table(plan: CleanUpPlan) -> list[str]:
    """Format the plan as lines of text: first the items to delete, then the items to keep and the reasons."""
    with_buckets = [
        f"DELETE  {item.kind:<18} {item.name}  {item.detail} -- together with its bucket" for item in plan.with_buckets
    ]
    deleted = [f"DELETE  {item.kind:<18} {item.name}  {item.detail}".rstrip() for item in plan.to_delete]
    kept = [f"KEEP    {item.kind:<18} {item.name}  {item.detail} -- {item.keep_reason}" for item in plan.to_keep]
    return deleted + with_buckets + kept
