"""Load the prices of models, and compute the lines of a bill from quantities. All amounts are in US dollars."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from include.distill.config.use_case import UseCase
from include.distill.core.errors import FAILED_TASK, UseCaseError
from include.distill.core.records import BillLineRecord
from include.distill.cost.amounts import usd_text
from include.distill.cost.price_table import PRICES_PATH, Price, load_price_table
from include.distill.cost.records import PriceName

_BASE_PRICES: tuple[PriceName, PriceName] = ("input_per_million", "output_per_million")
# The prices of a deployment's input tokens and output tokens.
DEPLOYED_PRICES: tuple[PriceName, PriceName] = ("custom_input_per_million", "custom_output_per_million")


@dataclass(frozen=True)
class BillLine:
    """
    One line of a bill, estimated or paid.

    :param what: label of the line, such as ``synthesis: nova-pro batch input``. It names the step or arm and the model,
        and says whether the tokens are input or output.
    :param unit: ``token``, ``unit-hour`` for one model unit during one hour, or ``answer`` of a human worker.
    :param verified: whether ``include/prices.yaml`` marks the unit price as verified.
    """

    what: str
    quantity: float
    unit: str
    unit_price_usd: float
    verified: bool = True

    @property
    def usd(self) -> float:
        """Quantity times unit price, rounded to a hundredth of a cent."""
        return round(self.quantity * self.unit_price_usd, 4)

    def as_record(self) -> BillLineRecord:
        """Return the line in its stored form."""
        record: BillLineRecord = {
            "what": self.what,
            "quantity": self.quantity,
            "unit": self.unit,
            "unit_price_usd": self.unit_price_usd,
            "usd": self.usd,
        }
        if not self.verified:
            record["unverified"] = True
        return record


def total_usd(lines: Sequence[BillLine]) -> float:
    """Return the total of a bill, in US dollars."""
    return round(sum(line.usd for line in lines), 4)


def unverified_note(lines: Iterable[BillLine | BillLineRecord]) -> str | None:
    """Return a sentence that names the lines with an unverified price and gives their sum; None if all are verified."""
    records = [line.as_record() if isinstance(line, BillLine) else line for line in lines]
    unverified = [record for record in records if record.get("unverified")]
    if not unverified:
        return None
    named = ", ".join(f"{record['what']} ({usd_text(record['usd'])})" for record in unverified)
    return (
        f"Prices that are not verified: {named}; together {usd_text(sum(record['usd'] for record in unverified))}."
        " Compare them with https://aws.amazon.com/bedrock/pricing/ before you rely on the spend cap."
    )


@dataclass(frozen=True)
class Prices:
    """
    The prices in US dollars, in the form in which bills are computed.

    :param models: prices by model key.
    :param batch_share: price of a token in a batch job, as a share of its on-demand price.
    :param facts: source, day and verification of the prices in ``models``. A price without an entry counts as verified.
    :param model_per_month: price of storing a custom model for a month.
    :param human_task: price of one answer of one human worker.
    """

    models: Mapping[str, Mapping[PriceName, float]]
    batch_share: float
    facts: Mapping[str, Mapping[PriceName, Price]] = field(default_factory=dict)
    model_per_month: float = 0.0
    human_task: Price | None = None

    def sources(self, use_case: UseCase) -> dict[str, str]:
        """Return where and when the prices of each model of the use case were read, and which are not verified."""
        return {model: _sources(self.facts.get(model, {})) for model in use_case.all_models}

    def is_verified(self, model: str, name: PriceName) -> bool:
        """Return whether a price was read in AWS's price list or in an account's bill."""
        fact = self.facts.get(model, {}).get(name)
        return fact is None or fact.verified

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
        """Return whether all prices in ``names`` are known for a model."""
        return set(names) <= self.models.get(model, {}).keys()

    def token_prices(self, model: str, *, batch: bool = False, deployed: bool = False) -> tuple[float, float]:
        """
        Return the prices of one input token and one output token.

        :param batch: whether batch jobs answer.
        :param deployed: whether a deployment answers, with a custom model that was trained from ``model``.
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
        input_name, output_name = DEPLOYED_PRICES if deployed else _BASE_PRICES
        return [
            self._line(f"{what}: {model}{mode} input", input_tokens, input_price, model, input_name),
            self._line(f"{what}: {model}{mode} output", output_tokens, output_price, model, output_name),
        ]

    def training_line(self, arm: str, model: str, tokens: float) -> BillLine:
        """Return the bill line for training ``model``.

        :param tokens: number of tokens in the training file, times the number of epochs.
        """
        name: PriceName = "training_per_thousand"
        return self._line(f"training {arm}: {model}", tokens, self.price(model, name) / 1e3, model, name)

    def throughput_line(self, arm: str, model: str, unit_hours: float) -> BillLine:
        """Return the bill line for serving an arm. The quantity is in model-unit hours."""
        verified = self.is_verified(model, "throughput_per_hour")
        price = self.price(model, "throughput_per_hour")
        return BillLine(f"throughput {arm}: {model}", unit_hours, "unit-hour", price, verified)

    def human_line(self, answers: int) -> BillLine:
        """
        Return the bill line for the answers of human workers in an evaluation job.

        :raises UseCaseError: the price is not known.
        """
        if self.human_task is None:
            message = "include/prices.yaml has no evaluation.human_task, so the cost of human workers is not known."
            raise UseCaseError(message, to_do="Add the price to the file.", then_clear=FAILED_TASK)
        return BillLine("labels: human workers", answers, "answer", self.human_task.usd, self.human_task.verified)

    def _line(self, what: str, tokens: float, unit_price: float, model: str, name: PriceName) -> BillLine:
        return BillLine(what, tokens, "token", unit_price, self.is_verified(model, name))


def _sources(prices: Mapping[PriceName, Price]) -> str:
    """Describe where prices of one model were read. Prices with the same origin are described together."""
    names: dict[str, list[str]] = {}
    for name, price in prices.items():
        origin = f"{price.source}, {price.checked}{'' if price.verified else ' (not verified)'}"
        names.setdefault(origin, []).append(name)
    return "; ".join(f"{', '.join(same)}: {origin}" for origin, same in names.items()) or "not stated"


@functools.cache
def load_prices(path: Path = PRICES_PATH) -> Prices:
    """Read the price table. The result is cached."""
    table = load_price_table(path)
    usd = {model: {name: price.usd for name, price in prices.items()} for model, prices in table.models.items()}
    per_month, human_task = table.storage.custom_model_per_month.usd, table.evaluation.human_task
    return Prices(usd, table.batch.share_of_on_demand, table.models, per_month, human_task)
