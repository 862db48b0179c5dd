"""
Count the tokens of a run's prompts with Bedrock's CountTokens, on a sample of the rows, before anything is bought.

CountTokens is free: https://docs.aws.amazon.com/bedrock/latest/userguide/count-tokens.html
If the model or the Region does not support CountTokens, or the role is not allowed to call it, tokens are estimated
from the texts alone, and the estimate says so.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from include.distill.config.prompts import Prompt
from include.distill.config.use_case import UseCase
from include.distill.core.errors import ServiceError
from include.distill.cost.estimate import ESTIMATED, TokenRate
from include.distill.curation.critic import Critic
from include.distill.dataset.records import Role, Row, Side
from include.distill.evaluation.judge import Judge, PairwiseComparison
from include.distill.evaluation.verdicts import orders
from include.distill.inference.fan_out import Failure, for_each
from include.distill.inference.requests import ModelRequest
from include.distill.inference.student import Student
from include.distill.synthesis.teacher import Teacher
from include.distill.text.token_count import central_token_count

CONCURRENCY = 8
EMPTY_ROW: Row = {
    "row": 0, "line": 0, "source": "", "document": "", "question": "", "answer": "", "row_id": "", "group": "",
}  # fmt: skip

CountTokens = Callable[[ModelRequest], int]


@dataclass(frozen=True)
class PromptProbe:
    """
    How to build the requests of a step, in order to count the tokens of the step's prompts.

    :param step: ``synthesis``, ``critic``, ``answers``, or the key of a judge.
    :param request: returns the step's request for a row.
    :param columns: columns of the row that the prompt contains. A column that occurs twice is listed twice.
    :param rows: the rows that the step sends requests for: ``train`` or ``evaluation``.
    """

    step: str
    request: Callable[[Row], ModelRequest]
    columns: tuple[Role, ...]
    rows: Side


def prompt_probes(use_case: UseCase, prompts: Mapping[str, Prompt]) -> Iterator[PromptProbe]:
    """Yield a :class:`PromptProbe` for each model that a use case prompts: teacher, critic, student and judges."""
    names = use_case.prompts
    teacher = Teacher(use_case.catalog_model(use_case.teacher), prompts[names.synthesis], use_case.synthesis)
    student = Student.from_use_case(use_case, prompts)
    if use_case.wants_pairs:
        yield PromptProbe("synthesis", teacher.request, ("document", "question", "answer"), "train")
    if settings := use_case.critic:
        critic = Critic(use_case.catalog_model(settings.model), prompts[names.critic], settings)
        # The pairs are not written yet. The row's question and answer are used in place of each pair.
        yield PromptProbe(
            "critic", lambda row: critic.request(row, row["document"]), ("document", "question", "answer"), "train"
        )
    yield PromptProbe("answers", student.request, ("document", "question"), "evaluation")
    for judge in use_case.judges:
        yield PromptProbe(
            judge, _judge_request(use_case, judge, prompts), ("document", "question", "answer", "answer"), "evaluation"
        )


def _judge_request(use_case: UseCase, key: str, prompts: Mapping[str, Prompt]) -> Callable[[Row], ModelRequest]:
    """Return a function that builds a judge's request for a row. The row's answer stands in for both arms' answers."""
    judge = Judge.from_use_case(use_case, prompts, key)
    return lambda row: judge.request(PairwiseComparison(row, "", "", row["answer"], row["answer"], orders()[0]))


def measure_token_rate(probe: PromptProbe, rows: Iterable[Row], count: CountTokens) -> TokenRate:
    """
    Count the tokens of a step's prompts for ``rows``, and return the token rate.

    :param count: returns the number of tokens of a request, free of charge.
    :return: the measured rate. If a call fails or there are no rows, the returned rate estimates tokens from
        the texts alone. If a call failed, the attribute ``method`` of the rate contains the error.
    """

    def estimated_and_counted(row: Row) -> tuple[int, int]:
        return sum(central_token_count(row[column]) for column in probe.columns), count(probe.request(row))

    counted_rows = estimated = tokens = 0
    try:
        prompt_tokens = count(probe.request(EMPTY_ROW))
        for outcome in for_each(rows, estimated_and_counted, threads=CONCURRENCY):
            if isinstance(outcome, Failure):
                raise outcome.error
            counted_rows += 1
            estimated += outcome[0]
            tokens += outcome[1]
    except ServiceError as error:
        return TokenRate(method=f"{ESTIMATED}, because CountTokens failed: {error}")
    if not estimated:
        return TokenRate()
    tokens_per_estimated_token = (tokens - counted_rows * prompt_tokens) / estimated
    return TokenRate(prompt_tokens, tokens_per_estimated_token, f"CountTokens on {counted_rows} rows")


def sample_rows(rows: Iterable[Row], size: int, seed: int) -> list[Row]:
    """Select up to ``size`` random rows, all with the same probability, from a stream of unknown length."""
    sample: list[Row] = []
    generator = random.Random(seed)
    for number, row in enumerate(rows):  # reservoir sampling
        if number < size:
            sample.append(row)
        elif (place := generator.randrange(number + 1)) < size:
            sample[place] = row
    return sample
