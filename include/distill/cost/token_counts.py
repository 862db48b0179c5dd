"""
How many tokens the prompts of a run are: counted by Bedrock on a sample of the rows, before anything is paid.

CountTokens is free. Where a model or a Region does not have it, or it may not be called, tokens are an estimate from
characters, and are labelled so.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from include.distill.config.catalog import load_catalog
from include.distill.config.prompts import Prompt
from include.distill.config.sections import CriticSettings
from include.distill.config.use_case import UseCase
from include.distill.core.errors import ServiceError
from include.distill.core.storage import Record
from include.distill.cost.estimate import TokenRate
from include.distill.curation.critic import critic_request
from include.distill.evaluation.judging import orders
from include.distill.evaluation.requests import PairwiseComparison, judging_request
from include.distill.inference.fan_out import Failure, for_each
from include.distill.inference.requests import ModelRequest
from include.distill.inference.student import Student
from include.distill.synthesis.teacher import synthesis_request

CONCURRENCY = 8
EMPTY_ROW = {"row_id": "", "document": "", "question": "", "answer": ""}

CountTokens = Callable[[ModelRequest], int]


@dataclass(frozen=True)
class PromptProbe:
    """
    A step's question on a row.

    :param columns: whose characters its prompt grows with.
    """

    step: str
    request: Callable[[Record], ModelRequest]
    columns: tuple[str, ...]
    rows: str


def prompt_probes(use_case: UseCase, prompts: Mapping[str, Prompt]) -> Iterator[PromptProbe]:
    """Yield the questions of a run: the teacher's, the critic's, the base student's, each judge's."""
    catalog, names = load_catalog(), use_case.prompts
    teacher = catalog.model(use_case.teacher)
    student = Student.from_use_case(use_case, prompts)
    if use_case.wants_pairs:
        yield PromptProbe(
            "synthesis",
            lambda row: synthesis_request(
                row, teacher=teacher, prompt=prompts[names.synthesis], settings=use_case.synthesis
            ),
            ("document", "question", "answer"),
            "train",
        )
    if critic := use_case.critic:
        looking = _critic_question(critic, prompts[names.critic])
        yield PromptProbe("critic", looking, ("document", "question", "answer"), "train")
    yield PromptProbe("answers", student.request, ("document", "question"), "evaluation")
    for judge in use_case.judges:
        yield PromptProbe(
            judge, _judge_question(use_case, judge, prompts), ("document", "question", "answer", "answer"), "evaluation"
        )


def _critic_question(settings: CriticSettings, prompt: Prompt) -> Callable[[Record], ModelRequest]:
    """The pairs are not written yet: the row's own stands for each."""
    critic = load_catalog().model(settings.model)
    return lambda row: critic_request(row, row["document"], critic=critic, prompt=prompt, settings=settings)


def _judge_question(use_case: UseCase, judge: str, prompts: Mapping[str, Prompt]) -> Callable[[Record], ModelRequest]:
    """The answers are not written yet: the row's own stands for both."""
    model, prompt = load_catalog().model(judge), prompts[use_case.prompts.judging]

    def request(row: Record) -> ModelRequest:
        comparison = PairwiseComparison(row, "", "", row["answer"], row["answer"], orders()[0])
        return judging_request(comparison, judge=model, prompt=prompt, settings=use_case.judging)

    return request


def measure_token_rate(probe: PromptProbe, rows: Iterable[Record], count: CountTokens) -> TokenRate:
    """Return how the tokens of a step's prompts are reckoned: counted on ``rows``, or estimated, and why."""
    try:
        overhead = count(probe.request(EMPTY_ROW))
        measured = for_each(
            rows, lambda row: (_length(row, probe.columns), count(probe.request(row))), threads=CONCURRENCY
        )
        number = characters = tokens = 0
        for outcome in measured:
            if isinstance(outcome, Failure):
                raise outcome.error
            number, characters, tokens = number + 1, characters + outcome[0], tokens + outcome[1]
    except ServiceError as error:
        return TokenRate(method=f"estimated at 4 characters a token, for CountTokens failed: {error}")
    if not characters:
        return TokenRate()
    return TokenRate(overhead, (tokens - number * overhead) / characters, f"CountTokens on {number} rows")


def _length(row: Record, columns: tuple[str, ...]) -> int:
    return sum(len(row[column]) for column in columns)


def sample_rows(rows: Iterable[Record], size: int, seed: int) -> list[Record]:
    """Return ``size`` rows, each as likely as any other, of a stream of unknown length."""
    chosen: list[Record] = []
    draw = random.Random(seed)
    for number, row in enumerate(rows):
        if number < size:
            chosen.append(row)
        elif (place := draw.randrange(number + 1)) < size:
            chosen[place] = row
    return chosen
