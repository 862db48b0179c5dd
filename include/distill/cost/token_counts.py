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
from include.distill.config.use_case import UseCase
from include.distill.core.errors import ServiceError
from include.distill.cost.estimate import TokenRate
from include.distill.curation.critic import Critic
from include.distill.dataset.records import Role, Row
from include.distill.evaluation.judging import orders
from include.distill.evaluation.requests import PairwiseComparison, judging_request
from include.distill.inference.fan_out import Failure, for_each
from include.distill.inference.requests import ModelRequest
from include.distill.inference.student import Student
from include.distill.synthesis.teacher import Teacher

CONCURRENCY = 8
EMPTY_ROW: Row = {
    "row": 0, "line": 0, "source": "", "document": "", "question": "", "answer": "", "row_id": "", "group": "",
}  # fmt: skip

CountTokens = Callable[[ModelRequest], int]


@dataclass(frozen=True)
class PromptProbe:
    """
    A step's question on a row.

    :param columns: whose characters its prompt grows with.
    """

    step: str
    request: Callable[[Row], ModelRequest]
    columns: tuple[Role, ...]
    rows: str


def prompt_probes(use_case: UseCase, prompts: Mapping[str, Prompt]) -> Iterator[PromptProbe]:
    """Yield the questions of a run: the teacher's, the critic's, the base student's, each judge's."""
    catalog, names = load_catalog(), use_case.prompts
    teacher = Teacher(catalog.model(use_case.teacher), prompts[names.synthesis], use_case.synthesis)
    student = Student.from_use_case(use_case, prompts)
    if use_case.wants_pairs:
        yield PromptProbe("synthesis", teacher.request, ("document", "question", "answer"), "train")
    if settings := use_case.critic:
        critic = Critic(catalog.model(settings.model), prompts[names.critic], settings)
        # The pairs are not written yet. The row's own question and answer take the place of each.
        yield PromptProbe(
            "critic", lambda row: critic.request(row, row["document"]), ("document", "question", "answer"), "train"
        )
    yield PromptProbe("answers", student.request, ("document", "question"), "evaluation")
    for judge in use_case.judges:
        yield PromptProbe(
            judge, _judge_question(use_case, judge, prompts), ("document", "question", "answer", "answer"), "evaluation"
        )


def _judge_question(use_case: UseCase, judge: str, prompts: Mapping[str, Prompt]) -> Callable[[Row], ModelRequest]:
    """The answers are not written yet: the row's own stands for both."""
    model, prompt = load_catalog().model(judge), prompts[use_case.prompts.judging]

    def request(row: Row) -> ModelRequest:
        comparison = PairwiseComparison(dict(row), "", "", row["answer"], row["answer"], orders()[0])
        return judging_request(comparison, judge=model, prompt=prompt, settings=use_case.judging)

    return request


def measure_token_rate(probe: PromptProbe, rows: Iterable[Row], count: CountTokens) -> TokenRate:
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


def _length(row: Row, columns: tuple[Role, ...]) -> int:
    return sum(len(row[column]) for column in columns)


def sample_rows(rows: Iterable[Row], size: int, seed: int) -> list[Row]:
    """Return ``size`` rows, each as likely as any other, of a stream of unknown length."""
    chosen: list[Row] = []
    draw = random.Random(seed)
    for number, row in enumerate(rows):
        if number < size:
            chosen.append(row)
        elif (place := draw.randrange(number + 1)) < size:
            chosen[place] = row
    return chosen
