"""Load the prices of models, and compute the lines of a bill from quantities. All amounts are in US dollars."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from include.distill.config.use_case import UseCase
from include.distill.core.errors import UseCaseError
from include.distill.core.paths import INCLUDE
from include.distill.core.records import BillLineRecord
from include.distill.cost.records import ModelPrices, PriceName

PRICES_PATH = INCLUDE / "prices.yaml"
_BASE_PRICES: tuple[PriceName, PriceName] = ("input_per_million", "output_per_million")
# The prices of the tokens of a deployment, for input and output.
DEPLOYED_PRICES: tuple[PriceName, PriceName] = ("custom_input_per_million", "custom_output_per_million")


@dataclass(frozen=True)
class BillLine:
    """
    One line of a bill, estimated or paid.

    :param what: label of the line, such as ``synthesis: nova-pro batch input``. It names the step or arm and the model,
        and says whether the tokens are input or output.
    :param unit: ``token``, or ``unit-hour`` for one model unit during one hour.
    """

    what: str
    quantity: float
    unit: str
    unit_price_usd: float

    @property
    def usd(self) -> float:
        """Quantity times unit price, rounded to a hundredth of a cent."""
        return round(self.quantity * self.unit_price_usd, 4)

    def as_record(self) -> BillLineRecord:
        """Return the line in its stored form."""
        return {
            "what": self.what,
            "quantity": self.quantity,
            "unit": self.unit,
            "unit_price_usd": self.unit_price_usd,
            "usd": self.usd,
        }


def total_usd(lines: Sequence[BillLine]) -> float:
    """Return the total of a bill, in US dollars."""
    return round(sum(line.usd for line in lines), 4)


@dataclass(frozen=True)
class Prices:
    """
    The price table.

    :param models: prices by model key.
    :param batch_share: price of a token in a batch job, as a share of its price on demand.
    :param checked: day on which the prices were compared with the prices that AWS publishes.
    :param model_per_month: price of storing a custom model for a month.
    """

    models: dict[str, ModelPrices]
    batch_share: float
    checked: str = ""
    model_per_month: float = 0.0

    def sources(self, use_case: UseCase) -> dict[str, str]:
        """Return the source of the prices and the day of the last check, for each model of the use case."""
        return {
            model: f"{self.models[model].get('source', 'not stated')}; checked {self.checked}"
            for model in use_case.models
        }

    def price(self, model: str, name: PriceName) -> float:
        """Return one price of a model.

        :raises UseCaseError: the price is not known, so the spend cap could not be enforced.
        """
        try:
            return float(self.models[model][name])
        except KeyError as error:
            raise UseCaseError(
                f"include/prices.yaml has no {name} for {model}. The spend cap cannot be enforced without that price."
                " Add the price to the file.",
            ) from error

    def has(self, model: str, *names: PriceName) -> bool:
        """Return whether all these prices of a model are known."""
        return set(names) <= self.models.get(model, {}).keys()

    def token_prices(self, model: str, *, batch: bool = False, deployed: bool = False) -> tuple[float, float]:
        """
        Return the prices of one token of input and of output.

        :param batch: whether batch jobs answer.
        :param deployed: whether deployments of custom models answer that were trained from ``model``.
        """
        share = self.batch_share if batch else 1.0
        input_name, output_name = DEPLOYED_PRICES if deployed else _BASE_PRICES
        return share * self.price(model, input_name) / 1e6, share * self.price(model, output_name) / 1e6

    def token_lines(
        self,
        what: str,
        model: str,
        input_tokens: float,
        output_tokens: float,
        *,
        batch: bool = False,
        deployed: bool = False,
    ) -> list[BillLine]:
        """Return the bill lines for the input and output of calls; see :meth:`token_prices`."""
        input_price, output_price = self.token_prices(model, batch=batch, deployed=deployed)
        mode = f"{' batch' if batch else ''}{' custom model' if deployed else ''}"
        return [
            BillLine(f"{what}: {model}{mode} input", input_tokens, "token", input_price),
            BillLine(f"{what}: {model}{mode} output", output_tokens, "token", output_price),
        ]

    def training_line(self, arm: str, model: str, tokens: float) -> BillLine:
        """Return the bill line for training ``model``.

        :param tokens: number of tokens in the training file, times the number of epochs.
        """
        return BillLine(f"training {arm}: {model}", tokens, "token", self.price(model, "training_per_thousand") / 1e3)

    def throughput_line(self, arm: str, model: str, unit_hours: float) -> BillLine:
        """Return the bill line for serving an arm. The quantity is in model-unit hours."""
        return BillLine(f"throughput {arm}: {model}", unit_hours, "unit-hour", self.price(model, "throughput_per_hour"))


@functools.cache
def load_prices(path: Path = PRICES_PATH) -> Prices:
    """Read the price table. The result is cached."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    storage = float(raw["storage"]["custom_model_per_month"]["usd"])
    return Prices(raw["models"], raw["batch"]["share_of_on_demand"], str(raw["checked"]), storage)
