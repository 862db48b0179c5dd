"""
What a run will cost, and what it did cost, in US dollars.

Prices come from ``include/prices.yaml``. Before the run, tokens of prompts are counted on a sample where Bedrock can,
else an estimate (characters divided by four), and those of answers are an estimate; each is labelled so. Afterwards
they are the usage that Bedrock returned, the training file's tokens and the seconds of throughput.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from include.distill.arm_rows import hold_out, original_rows, rows_for_teacher, rows_of_pairs
from include.distill.catalog import Model, load_catalog
from include.distill.documents import GROUP, group_of
from include.distill.errors import UseCaseError
from include.distill.storage import Record
from include.distill.use_case import UseCase
from include.distill.use_case_sections import Arm, Judging, Synthesis

PRICES_PATH = Path(__file__).parents[1] / "prices.yaml"
CHARACTERS_PER_TOKEN = 4
VERDICT_TOKENS = 60
PROMPT_TOKENS = 350


@dataclass(frozen=True)
class Line:
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


def total(lines: Sequence[Line]) -> float:
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

    def of(self, model: str, what: str) -> float:
        """Return a price in US dollars.

        :raises UseCaseError: the price is not known, so no cap could be kept.
        """
        try:
            return float(self.models[model][what])
        except KeyError as error:
            message = f"include/prices.yaml has no {what} for {model}: without it no spend cap can be kept. Add it."
            raise UseCaseError(message) from error

    def of_tokens(self, model: str, *, batch: bool = False) -> tuple[float, float]:
        """Return the prices of one token of input and of output, on demand or in batch jobs."""
        share = self.batch_share if batch else 1.0
        of_input, of_output = self.of(model, "input_per_million"), self.of(model, "output_per_million")
        return share * of_input / 1e6, share * of_output / 1e6

    def token_lines(
        self, what: str, model: str, input_tokens: float, output_tokens: float, *, batch: bool = False
    ) -> list[Line]:
        """Return the two lines of asking ``model``, call by call or in batch jobs."""
        of_input, of_output = self.of_tokens(model, batch=batch)
        how = " batch" if batch else ""
        return [
            Line(f"{what}: {model}{how} input", input_tokens, "token", of_input),
            Line(f"{what}: {model}{how} output", output_tokens, "token", of_output),
        ]

    def training_line(self, arm: str, model: str, tokens: float) -> Line:
        """Return the line of training ``model`` on ``tokens`` (epochs included)."""
        return Line(f"training {arm}: {model}", tokens, "token", self.of(model, "training_per_thousand") / 1e3)

    def throughput_line(self, arm: str, model: str, unit_hours: float) -> Line:
        """Return the line of serving an arm, in model-unit hours."""
        return Line(f"throughput {arm}: {model}", unit_hours, "unit-hour", self.of(model, "throughput_per_hour"))


@functools.cache
def load_prices(path: Path = PRICES_PATH) -> Prices:
    """Read the price table; cached."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Prices(raw["models"], raw["batch"]["share_of_on_demand"], str(raw["checked"]))


def estimated_tokens(text: str | int) -> int:
    """Return a rough number of tokens of a text, or of so many characters; an estimate, not a count."""
    return _characters(text) // CHARACTERS_PER_TOKEN + 1


def lengths(rows: Iterable[Record]) -> list[Record]:
    """Return rows that hold the lengths of their texts in the place of the texts: all that an estimate needs."""
    columns = ("document", "question", "answer")
    return [{GROUP: group_of(row), **{column: len(row[column]) for column in columns}} for row in rows]


@dataclass(frozen=True)
class Counting:
    """
    How the tokens of a step's prompts are reckoned.

    :param prompt_tokens: of the prompt without the row's texts.
    :param tokens_per_character: of these; ``None`` estimates them.
    :param how: for the reader of the estimate.
    """

    prompt_tokens: float = PROMPT_TOKENS
    tokens_per_character: float | None = None
    how: str = f"estimated at {CHARACTERS_PER_TOKEN} characters a token"

    def of(self, rows: Sequence[Record], *columns: str) -> float:
        """Return the input tokens of asking about ``rows``."""
        if self.tokens_per_character is None:
            texts: float = _row_tokens(rows, *columns)
        else:
            texts = self.tokens_per_character * sum(_characters(row[column]) for row in rows for column in columns)
        return texts + self.prompt_tokens * len(rows)


def _characters(text: str | int) -> int:
    return text if isinstance(text, int) else len(text)


def in_batches(section: Synthesis | Judging, model: str, calls: int) -> bool:
    """Tell whether a step's ``calls`` to ``model`` go out in batch jobs: stated, and enough of them for one."""
    return section.inference == "batch" and is_enough_for_a_batch(load_catalog().model(model), calls)


def is_enough_for_a_batch(model: Model, questions: int) -> bool:
    """Tell whether Bedrock takes so many questions to ``model`` as a batch job."""
    return model.batch is not None and questions >= model.batch.minimum_records


def estimate(
    use_case: UseCase,
    *,
    train: Sequence[Record],
    evaluation: Sequence[Record],
    prices: Prices,
    champion: bool = False,
    counted: Mapping[str, Counting] | None = None,
) -> list[Line]:
    """
    Return the bill to expect when nothing was paid for before, second asks and longer serving not included.

    :param champion: a model was promoted; else the base student takes its arm's place.
    :param counted: how prompts are reckoned: of ``synthesis``, ``critic``, ``answers``, and of each judge by its key.
    """
    by = {**dict.fromkeys(("synthesis", "critic", "answers", *use_case.judges), Counting()), **(counted or {})}
    lines: list[Line] = []
    if use_case.wants_pairs:
        sent = rows_for_teacher(use_case, train)
        lines += synthesis_lines(use_case, sent, prices, by["synthesis"])
        if use_case.critic:
            looked_at = critic_lines(use_case, sent, prices, by["critic"])
            lines += within_budget(looked_at, use_case.critic.max_spend_usd)
    for arm in use_case.arms:
        on_demand = arm.kind == "base" or (arm.kind == "champion" and not champion)
        lines += answer_lines(use_case, evaluation, prices, arm.name, on_demand=on_demand, counting=by["answers"])
        if arm.kind == "fine_tuned":
            lines.append(_tuning_line(use_case, train, prices, arm))
    pairs = len(use_case.judged_pairs)
    judging = (
        judging_lines(use_case, evaluation, prices, judge=judge, pairs=pairs, counting=by[judge])
        for judge in use_case.judges
    )
    return [*lines, *(line for judge in judging for line in judge)]


def expected_calls(use_case: UseCase, *, train: int, evaluation: int) -> dict[str, int]:
    """Return how often each step asks about so many rows, second asks not included."""
    given = [train if arm.originals == "all" else min(arm.originals, train) for arm in use_case.arms if arm.wants_pairs]
    calls = {"synthesis": max((rows or train for rows in given), default=0)}
    if use_case.critic:
        calls["critic"] = use_case.synthesis.pairs_per_document * calls["synthesis"]
    for arm in use_case.arms:
        calls[f"answers {arm.name}"] = evaluation * (2 if arm.name == use_case.noise_control_arm else 1)
    for judge in use_case.judges:
        calls[f"judging {judge}"] = 2 * evaluation * len(use_case.judged_pairs)
    return calls


def _row_tokens(rows: Sequence[Record], *columns: str) -> int:
    return sum(estimated_tokens(row[column]) for row in rows for column in columns)


def synthesis_lines(
    use_case: UseCase, train: Sequence[Record], prices: Prices, counting: Counting = Counting()
) -> list[Line]:
    """Return the lines of asking the teacher about the rows of ``train``."""
    asked = counting.of(train, "document", "question", "answer")
    written = use_case.synthesis.pairs_per_document * _row_tokens(train, "question", "answer")
    batch = in_batches(use_case.synthesis, use_case.teacher, len(train))
    return prices.token_lines("synthesis", use_case.teacher, asked, written, batch=batch)


def critic_lines(
    use_case: UseCase, train: Sequence[Record], prices: Prices, counting: Counting = Counting()
) -> list[Line]:
    """
    Return the lines of asking the critic about all pairs written from ``train``, whatever its budget; none without one.

    Every pair asked for is supposed to be written, to pass the other filters, and to be as long as the pair of its row.
    """
    if use_case.critic is None:
        return []
    pairs = use_case.synthesis.pairs_per_document
    asked = pairs * counting.of(train, "document", "question", "answer")
    return prices.token_lines("critic", use_case.critic.model, asked, pairs * VERDICT_TOKENS * len(train))


def within_budget(lines: Sequence[Line], budget_usd: float) -> list[Line]:
    """Return ``lines`` with so much less of everything that they come to ``budget_usd`` at most."""
    asked = sum(line.quantity * line.unit_price_usd for line in lines)
    share = min(1.0, budget_usd / asked) if asked else 1.0
    return [replace(line, quantity=line.quantity * share) for line in lines]


def answer_lines(
    use_case: UseCase,
    evaluation: Sequence[Record],
    prices: Prices,
    arm: str,
    *,
    on_demand: bool,
    counting: Counting = Counting(),
) -> list[Line]:
    """Return the lines of an arm's answers: the base student's tokens, or the hours of an endpoint."""
    times = 2 if arm == use_case.noise_control_arm else 1
    asked = times * counting.of(evaluation, "document", "question")
    written = times * _row_tokens(evaluation, "answer")
    if on_demand:
        return prices.token_lines(f"answers {arm}", use_case.student, asked, written)
    # Tokens of a provisioned model are paid for by the hour.
    return [
        prices.throughput_line(arm, use_case.student, use_case.serving.expected_hours * use_case.serving.model_units)
    ]


def _tuning_line(use_case: UseCase, train: Sequence[Record], prices: Prices, arm: Arm) -> Line:
    """Suppose that every pair asked for is written, and is as long as the pair of its row."""
    training, _ = hold_out(train, use_case)
    written = rows_of_pairs(arm, training)
    pairs = use_case.synthesis.pairs_per_document * len(written)
    taken = pairs if arm.synthetic == "all" else min(arm.synthetic, pairs)
    columns = ("document", "question", "answer")
    originals = _row_tokens(original_rows(arm, training), *columns)
    synthetic = taken / len(written) * _row_tokens(written, *columns) if written else 0
    return prices.training_line(arm.name, use_case.student, use_case.epochs * (originals + synthetic))


def judging_lines(
    use_case: UseCase,
    evaluation: Sequence[Record],
    prices: Prices,
    *,
    judge: str,
    pairs: int,
    counting: Counting = Counting(),
) -> list[Line]:
    """Return the lines of asking one judge about ``pairs`` pairs of arms, in both orders."""
    calls = 2 * pairs
    asked = counting.of(evaluation, "document", "question", "answer", "answer")
    written = calls * VERDICT_TOKENS * len(evaluation)
    batch = in_batches(use_case.judging, judge, calls * len(evaluation))
    return prices.token_lines("judging", judge, calls * asked, written, batch=batch)
