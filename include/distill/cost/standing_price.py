"""Compute what a standing endpoint costs per hour, and whether a person still has to approve the price."""

from __future__ import annotations

from include.distill.config.use_case import UseCase
from include.distill.cost.prices import load_prices
from include.distill.evaluation.approval import PriceQuestion
from include.distill.evaluation.records import StandingKind

# AWS's price examples assume this number of hours for a month.
HOURS_PER_MONTH = 730


def price_question(
    kind: StandingKind, student: str, *, units: int, exists: bool, approved_usd_per_hour: float | None
) -> PriceQuestion | None:
    """
    Return the price of a standing endpoint; ``None`` if the endpoint is billed by the token.

    A person still has to approve the price (``is_open``) if the endpoint does not exist yet, or if nobody has approved
    this price or a higher one for it.

    :param student: key in models.yaml of the base model whose custom models the endpoint serves.
    :param units: number of model units.
    :param approved_usd_per_hour: the price that a person approved for the existing endpoint; ``None`` if there is none.
    """
    if kind != "provisioned":
        return None
    usd_per_hour = round(units * load_prices().price(student, "throughput_per_hour"), 4)
    is_approved = exists and approved_usd_per_hour is not None and approved_usd_per_hour >= usd_per_hour
    return PriceQuestion({"usd_per_hour": usd_per_hour, "units": units}, is_open=not is_approved)


def standing_note(use_case: UseCase) -> str | None:
    """Return sentences about the hourly price after the first promotion; ``None`` if nothing is billed by the hour."""
    units = use_case.serving.model_units
    if use_case.promotion.serve == "none":
        return None
    question = price_question(
        use_case.promotion.serve, use_case.student, units=units, exists=False, approved_usd_per_hour=None
    )
    if question is None:
        return None
    usd = question.price["usd_per_hour"]
    return (
        f"If the rule promotes a model, its standing endpoint costs ${usd:,.2f} per hour, about"
        f" ${HOURS_PER_MONTH * usd:,.0f} per month, from the first promotion until a person deletes it. Before"
        " the first promotion, the task approve asks a person to approve this price. The estimate and the spend cap do"
        " not include it."
    )
