"""Read the quotas and prices of the simulated account from ``quotas.yaml`` and ``prices.yaml``."""

from __future__ import annotations

import functools
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from tools.aws_simulator.catalog.catalog import FactSource

_FOLDER = Path(__file__).parent


class _Fact(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class QuotaName(_Fact):
    """A quota's code and name in Service Quotas."""

    code: str
    name: str


class RateNames(_Fact):
    """
    A model's name as it appears in the names of its rate quotas, and the codes of these quotas.

    For example, the quota name "Cross-region model inference requests per minute for Amazon Nova Micro" contains the
    model name "Amazon Nova Micro". A code is None if it is not known.
    """

    name: str
    requests: str | None = None
    tokens: str | None = None


class QuotaNames(_Fact):
    """The names of all quotas. ``quotas.yaml`` explains the fields."""

    provisioned: dict[str, QuotaName]
    rates: dict[str, RateNames]
    source: FactSource


class Price(_Fact):
    """The prices of one model in US dollars, as decimal texts. ``prices.yaml`` explains the fields."""

    model: str
    provider: str
    family: str
    regions: tuple[str, ...]
    input: str | None = None
    output: str | None = None
    custom_input: str | None = None
    custom_output: str | None = None
    training: str | None = None
    throughput: str | None = None
    storage: str | None = None
    unverified: tuple[str, ...] = ()
    source: FactSource


class Prices(_Fact):
    """All prices by the model's key."""

    models: dict[str, Price]


@functools.cache
def load_quota_names() -> QuotaNames:
    """Read ``quotas.yaml``."""
    return QuotaNames.model_validate(yaml.safe_load((_FOLDER / "quotas.yaml").read_text(encoding="utf-8")))


@functools.cache
def load_prices() -> Prices:
    """Read ``prices.yaml``."""
    return Prices.model_validate(yaml.safe_load((_FOLDER / "prices.yaml").read_text(encoding="utf-8")))
