"""
Read the price table from ``include/prices.yaml``.

The file states the source and the day of each price, and whether the price is verified. The file itself explains its
keys. This module defines their types.
"""

from __future__ import annotations

import datetime
import functools
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from include.distill.config.use_case_faults import describe_faults
from include.distill.core.errors import InputError
from include.distill.core.paths import INCLUDE, PROJECT_ROOT
from include.distill.cost.records import PriceName

PRICES_PATH = INCLUDE / "prices.yaml"


class _Fact(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Price(_Fact):
    """
    One price in US dollars.

    :param verified: whether the price was read in AWS's price list or in an account's bill.
    :param checked: day on which the price was read, or on which AWS published the offer file with the price.
    """

    usd: float = Field(gt=0)
    verified: bool
    source: str = Field(min_length=1)
    checked: datetime.date


class BatchPrice(_Fact):
    """The price of a token in a batch job, as a share of its on-demand price."""

    share_of_on_demand: float = Field(gt=0, le=1)
    source: str = Field(min_length=1)
    checked: datetime.date


class Storage(_Fact):
    """The price of storing a custom model for a month."""

    custom_model_per_month: Price


class EvaluationPrices(_Fact):
    """The price of one answer of one human worker in an evaluation job."""

    human_task: Price


class ModelUsageTypes(_Fact):
    """
    How AWS's price list names the usage types of one model.

    :param region: the Region whose prices for the model are in ``include/prices.yaml``.
    :param name: the part of the usage types that names the model, or the service's name in
        ``AmazonBedrockFoundationModels``.
    :param input: the part of the usage type for input tokens, in ``AmazonBedrockFoundationModels`` only.
    :param verified: whether a usage type with this name was seen in the price list.
    """

    offer: Literal["AmazonBedrock", "AmazonBedrockFoundationModels"]
    region: str
    name: str = Field(min_length=1)
    input: str | None = None
    output: str | None = None
    verified: bool


class UsageTypes(_Fact):
    """
    How AWS's price list names usage types.

    :param prefixes: first part of the usage types, by Region.
    :param suffixes: last part of the usage types in the offer ``AmazonBedrock``, by name of the price.
    """

    prefixes: dict[str, str]
    suffixes: dict[PriceName, str]
    models: dict[str, ModelUsageTypes]
    source: str = Field(min_length=1)
    checked: datetime.date


class PriceTable(_Fact):
    """The content of ``include/prices.yaml``."""

    models: dict[str, dict[PriceName, Price]]
    batch: BatchPrice
    storage: Storage
    evaluation: EvaluationPrices
    usage_types: UsageTypes


@functools.cache
def load_price_table(path: Path = PRICES_PATH) -> PriceTable:
    """Read the price table. The result is cached, because the file does not change while a process runs.

    :raises InputError: a price is missing or invalid. The message names the file, the model and the key.
    """
    return parse_price_table(yaml.safe_load(path.read_text(encoding="utf-8")), path)


def parse_price_table(raw: Any, path: Path) -> PriceTable:
    """Check the content of the file ``path``.

    :raises InputError: a price is missing or invalid.
    """
    try:
        return PriceTable.model_validate(raw)
    except ValidationError as error:
        file = path.relative_to(PROJECT_ROOT) if path.is_relative_to(PROJECT_ROOT) else path
        problems = "; ".join(fault.text for fault in describe_faults(error.errors(), PriceTable))
        raise InputError(f"{file}: {problems}. No cost can be estimated. Correct the file.") from error
