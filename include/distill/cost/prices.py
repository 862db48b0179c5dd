"""Load prices of models and make the lines of a bill, in US dollars."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from include.distill.config.use_case import UseCase
from include.distill.core.errors import UseCaseError
from include.distill.core.paths import INCLUDE
from include.distill.core.storage import Record

PRICES_PATH = INCLUDE / "prices.yaml"


@dataclass(frozen=True)
class BillLine:
    """One line of a bill. ``usd`` is ``quantity`` times ``unit_price_usd``."""

    what: str
    quantity: float
    unit: str
    unit_price_usd: float

    @property
    def usd(self) -> float:
        """The line's sum, in US dollars, to the hundredth of a cent."""
        return round(self.quantity * self.unit_price_usd, 4)

    def as_record(self) -> Record:
        """The line as it stands in ``report.json``."""
        return {**asdict(self), "usd": self.usd}


def total_usd(lines: Sequence[BillLine]) -> float:
    """Return the sum of a bill in US dollars."""
    return round(sum(line.usd for line in lines), 4)


@dataclass(frozen=True)
class Prices:
    """
    Prices by model key.

    :param batch_share: what a token of a batch job costs, as a share of the same token on demand.
    """

    models: dict[str, dict[str, Any]]
    batch_share: float
    checked: str = ""

    def sources(self, use_case: UseCase) -> dict[str, str]:
        """Return where the prices of a use case's models were read, and when they were checked."""
        return {
            model: f"{self.models[model].get('source', 'not stated')}; checked {self.checked}"
            for model in use_case.models
        }

    def price(self, model: str, what: str) -> float:
        """Return a price in US dollars.

        :raises UseCaseError: the price is not known, so no cap could be kept.
        """
        try:
            return float(self.models[model][what])
        except KeyError as error:
            message = f"include/prices.yaml has no {what} for {model}: without it no spend cap can be kept. Add it."
            raise UseCaseError(message) from error

    def token_prices(self, model: str, *, batch: bool = False) -> tuple[float, float]:
        """Return the prices of one token of input and of output, on demand or in batch jobs."""
        share = self.batch_share if batch else 1.0
        of_input, of_output = self.price(model, "input_per_million"), self.price(model, "output_per_million")
        return share * of_input / 1e6, share * of_output / 1e6

    def token_lines(
        self, what: str, model: str, input_tokens: float, output_tokens: float, *, batch: bool = False
    ) -> list[BillLine]:
        """Return the two lines of asking ``model``, call by call or in batch jobs."""
        of_input, of_output = self.token_prices(model, batch=batch)
        how = " batch" if batch else ""
        return [
            BillLine(f"{what}: {model}{how} input", input_tokens, "token", of_input),
            BillLine(f"{what}: {model}{how} output", output_tokens, "token", of_output),
        ]

    def training_line(self, arm: str, model: str, tokens: float) -> BillLine:
        """Return the line of training ``model`` on ``tokens`` (epochs included)."""
        return BillLine(f"training {arm}: {model}", tokens, "token", self.price(model, "training_per_thousand") / 1e3)

    def throughput_line(self, arm: str, model: str, unit_hours: float) -> BillLine:
        """Return the line of serving an arm, in model-unit hours."""
        return BillLine(f"throughput {arm}: {model}", unit_hours, "unit-hour", self.price(model, "throughput_per_hour"))


@functools.cache
def load_prices(path: Path = PRICES_PATH) -> Prices:
    """Read the price table; cached."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Prices(raw["models"], raw["batch"]["share_of_on_demand"], str(raw["checked"]))
