"""Compute what a standing endpoint costs per hour, and whether a person still has to approve the price."""

from __future__ import annotations

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

    The price is open if the endpoint would be bought, or if nobody has approved this price or a higher one.

    :param student: key in models.yaml of the base model of the models that it serves.
    :param units: number of model units.
    :param approved_usd_per_hour: the price that a person approved for the existing endpoint; ``None`` if there is none.
    """
    if kind != "provisioned":
        return None
    usd_per_hour = round(units * load_prices().price(student, "throughput_per_hour"), 4)
    is_approved = exists and approved_usd_per_hour is not None and approved_usd_per_hour >= usd_per_hour
    return PriceQuestion({"usd_per_hour": usd_per_hour, "units": units}, is_open=not is_approved)
