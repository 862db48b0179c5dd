"""
Build the names of the usage types that AWS's price list uses for the prices in ``include/prices.yaml``.

In the offer ``AmazonBedrock``, for example, the usage type for ``input_per_million`` ends with ``input-tokens``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from include.distill.cost.offer_file import Quantity
from include.distill.cost.price_table import UsageTypes
from include.distill.cost.records import PriceName

BATCH: Mapping[Literal["input_per_million", "output_per_million"], str] = {
    "input_per_million": "input-tokens-batch",
    "output_per_million": "output-tokens-batch",
}
STORAGE = "Customization-Storage"
# The quantity that each price is for, such as 1,000,000 tokens.
UNITS: Mapping[PriceName, tuple[Quantity, int]] = {
    "input_per_million": ("token", 1_000_000),
    "output_per_million": ("token", 1_000_000),
    "training_per_thousand": ("token", 1_000),
    "throughput_per_hour": ("hour", 1),
    "custom_input_per_million": ("token", 1_000_000),
    "custom_output_per_million": ("token", 1_000_000),
}


@dataclass(frozen=True)
class UsageType:
    """A usage type, with the service's name if it is sold through AWS Marketplace."""

    name: str
    service: str = ""


def usage_types(table: UsageTypes, model: str) -> dict[PriceName, UsageType]:
    """Return the usage type of each price that AWS may list for a model, by the price's name."""
    names = table.models[model]
    prefix = table.prefixes[names.region]
    if names.offer == "AmazonBedrock":
        return {price: UsageType(f"{prefix}-{names.name}-{suffix}") for price, suffix in table.suffixes.items()}
    tokens: dict[PriceName, str | None] = {"input_per_million": names.input, "output_per_million": names.output}
    return {
        price: UsageType(f"{prefix}-MP:{prefix}_{tokens_}-Units", names.name)
        for price, tokens_ in tokens.items()
        if tokens_
    }


def extra_usage_type(table: UsageTypes, model: str, suffix: str) -> UsageType | None:
    """
    Return a model's usage type that ends with ``suffix``, such as ``Customization-Storage``.

    Return ``None`` if the model is sold through AWS Marketplace.
    """
    names = table.models[model]
    if names.offer != "AmazonBedrock":
        return None
    return UsageType(f"{table.prefixes[names.region]}-{names.name}-{suffix}")
