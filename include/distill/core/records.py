"""Define records that several packages share without importing each other."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

# Whose runs a monthly budget limits: those of one use case, or those of all use cases of an owner.
BudgetKind = Literal["use_case", "owner"]


class BillLineRecord(TypedDict):
    """
    One line of an estimate or of a bill.

    The record is stored in the ``lines`` of ``estimate.json`` and of the ``cost`` part of ``report/report.json``, and
    as ``training_price`` of ``merged/<arm>/data_card.json``. Prices are in US dollars.
    """

    what: str  # step or arm, model, and whether tokens are input or output, such as "synthesis: nova-pro batch input"
    quantity: float  # in ``unit``
    unit: str  # "token" or "unit-hour" (one model unit for one hour)
    unit_price_usd: float
    usd: float  # quantity times unit price, rounded to a hundredth of a cent
    unverified: NotRequired[bool]  # True if include/prices.yaml marks the unit price as not verified; otherwise absent
