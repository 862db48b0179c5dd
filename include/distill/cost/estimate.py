"""
What a run will cost, and what it did cost, in US dollars.

Prices come from ``include/prices.yaml``. Before the run, tokens of prompts are counted on a sample where Bedrock can,
else an estimate (characters divided by four), and those of answers are an estimate; each is labelled so. Afterwards
they are the usage that Bedrock returned, the training file's tokens and the seconds of throughput.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from include.distill.config.catalog import Model, load_catalog
from include.distill.config.sections import Arm, Judging, Synthesis
from include.distill.config.use_case import UseCase
from include.distill.core.storage import Record
from include.distill.core.tokens import CHARACTERS_PER_TOKEN, character_count, rough_token_count
from include.distill.cost.prices import BillLine, Prices
from include.distill.dataset.arm_rows import hold_out, original_rows, rows_for_teacher, rows_of_pairs
from include.distill.dataset.records import Role, Row, RowLengths

VERDICT_TOKENS = 60
PROMPT_TOKENS = 350


@dataclass(frozen=True)
class TokenRate:
    """
    How the tokens of a step's prompts are reckoned.

    :param prompt_tokens: of the prompt without the row's texts.
    :param tokens_per_character: of these; ``None`` estimates them.
    :param method: for the reader of the estimate.
    """

    prompt_tokens: float = PROMPT_TOKENS
    tokens_per_character: float | None = None
    method: str = f"estimated at {CHARACTERS_PER_TOKEN} characters a token"

    def input_tokens(self, rows: Sequence[Row | RowLengths | Record], *columns: Role) -> float:
        """Return the input tokens of asking about ``rows``."""
        if self.tokens_per_character is None:
            texts: float = _row_tokens(rows, *columns)
        else:
            texts = self.tokens_per_character * sum(character_count(row[column]) for row in rows for column in columns)
        return texts + self.prompt_tokens * len(rows)


def uses_batch(section: Synthesis | Judging, model: str, calls: int) -> bool:
    """Tell whether a step's ``calls`` to ``model`` go out in batch jobs: stated, and enough of them for one."""
    return section.inference == "batch" and meets_batch_minimum(load_catalog().model(model), calls)


def meets_batch_minimum(model: Model, questions: int) -> bool:
    """Tell whether Bedrock takes so many questions to ``model`` as a batch job."""
    return model.batch is not None and questions >= model.batch.minimum_records


def estimate(
    use_case: UseCase,
    *,
    train: Sequence[Row | RowLengths],
    evaluation: Sequence[Row | RowLengths],
    prices: Prices,
    champion: bool = False,
    counted: Mapping[str, TokenRate] | None = None,
) -> list[BillLine]:
    """
    Return the bill to expect when nothing was paid for before, second asks and longer serving not included.

    :param champion: a model was promoted; else the base student takes its arm's place.
    :param counted: how prompts are reckoned: of ``synthesis``, ``critic``, ``answers``, and of each judge by its key.
    """
    by = {**dict.fromkeys(("synthesis", "critic", "answers", *use_case.judges), TokenRate()), **(counted or {})}
    lines: list[BillLine] = []
    if use_case.wants_pairs:
        sent = rows_for_teacher(use_case, train)
        lines += synthesis_lines(use_case, sent, prices, by["synthesis"])
        if use_case.critic:
            critic_bill = critic_lines(use_case, sent, prices, by["critic"])
            lines += scale_to_budget(critic_bill, use_case.critic.max_spend_usd)
    for arm in use_case.arms:
        on_demand = arm.kind == "base" or (arm.kind == "champion" and not champion)
        lines += answer_lines(use_case, evaluation, prices, arm.name, on_demand=on_demand, rate=by["answers"])
        if arm.kind == "fine_tuned":
            lines.append(_tuning_line(use_case, train, prices, arm))
    pairs = len(use_case.judged_pairs)
    judging = (
        judging_lines(use_case, evaluation, prices, judge=judge, pairs=pairs, rate=by[judge])
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


def _row_tokens(rows: Sequence[Row | RowLengths | Record], *columns: Role) -> int:
    return sum(rough_token_count(row[column]) for row in rows for column in columns)


def synthesis_lines(
    use_case: UseCase, train: Sequence[Row | RowLengths | Record], prices: Prices, rate: TokenRate = TokenRate()
) -> list[BillLine]:
    """Return the lines of asking the teacher about the rows of ``train``."""
    prompt_tokens = rate.input_tokens(train, "document", "question", "answer")
    written = use_case.synthesis.pairs_per_document * _row_tokens(train, "question", "answer")
    batch = uses_batch(use_case.synthesis, use_case.teacher, len(train))
    return prices.token_lines("synthesis", use_case.teacher, prompt_tokens, written, batch=batch)


def critic_lines(
    use_case: UseCase, train: Sequence[Row | RowLengths | Record], prices: Prices, rate: TokenRate = TokenRate()
) -> list[BillLine]:
    """
    Return the lines of asking the critic about all pairs written from ``train``, whatever its budget; none without one.

    Every pair asked for is supposed to be written, to pass the other filters, and to be as long as the pair of its row.
    """
    if use_case.critic is None:
        return []
    pairs = use_case.synthesis.pairs_per_document
    prompt_tokens = pairs * rate.input_tokens(train, "document", "question", "answer")
    return prices.token_lines("critic", use_case.critic.model, prompt_tokens, pairs * VERDICT_TOKENS * len(train))


def scale_to_budget(lines: Sequence[BillLine], budget_usd: float) -> list[BillLine]:
    """Return ``lines`` with so much less of everything that they come to ``budget_usd`` at most."""
    whole = sum(line.quantity * line.unit_price_usd for line in lines)
    share = min(1.0, budget_usd / whole) if whole else 1.0
    return [replace(line, quantity=line.quantity * share) for line in lines]


def answer_lines(
    use_case: UseCase,
    evaluation: Sequence[Row | RowLengths | Record],
    prices: Prices,
    arm: str,
    *,
    on_demand: bool,
    rate: TokenRate = TokenRate(),
) -> list[BillLine]:
    """Return the lines of an arm's answers: the base student's tokens, or the hours of an endpoint."""
    times = 2 if arm == use_case.noise_control_arm else 1
    prompt_tokens = times * rate.input_tokens(evaluation, "document", "question")
    written = times * _row_tokens(evaluation, "answer")
    if on_demand:
        return prices.token_lines(f"answers {arm}", use_case.student, prompt_tokens, written)
    # Tokens of a provisioned model are paid for by the hour.
    return [
        prices.throughput_line(arm, use_case.student, use_case.serving.expected_hours * use_case.serving.model_units)
    ]


def _tuning_line(use_case: UseCase, train: Sequence[Row | RowLengths], prices: Prices, arm: Arm) -> BillLine:
    """Suppose that every pair asked for is written, and is as long as the pair of its row."""
    training, _ = hold_out(train, use_case)
    written = rows_of_pairs(arm, training)
    pairs = use_case.synthesis.pairs_per_document * len(written)
    taken = pairs if arm.synthetic == "all" else min(arm.synthetic, pairs)
    columns: tuple[Role, ...] = ("document", "question", "answer")
    originals = _row_tokens(original_rows(arm, training), *columns)
    synthetic = taken / len(written) * _row_tokens(written, *columns) if written else 0
    return prices.training_line(arm.name, use_case.student, use_case.epochs * (originals + synthetic))


def judging_lines(
    use_case: UseCase,
    evaluation: Sequence[Row | RowLengths | Record],
    prices: Prices,
    *,
    judge: str,
    pairs: int,
    rate: TokenRate = TokenRate(),
) -> list[BillLine]:
    """Return the lines of asking one judge about ``pairs`` pairs of arms, in both orders."""
    calls = 2 * pairs
    prompt_tokens = rate.input_tokens(evaluation, "document", "question", "answer", "answer")
    written = calls * VERDICT_TOKENS * len(evaluation)
    batch = uses_batch(use_case.judging, judge, calls * len(evaluation))
    return prices.token_lines("judging", judge, calls * prompt_tokens, written, batch=batch)
