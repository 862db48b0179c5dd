"""
Estimate what the jobs of Bedrock that score answers cost, before and after they run.

Bedrock bills the tokens of the evaluator at its on-demand price: https://aws.amazon.com/bedrock/pricing/. Neither the
job nor its results say how many tokens there were, so they are always estimated. The evaluator is assumed to be called
once for each answer and metric, with a prompt that contains the question's prompt, the reference answer and the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from include.distill.config.evaluation_settings import PointwiseEvaluation
from include.distill.config.use_case import UseCase
from include.distill.cost.bought_jobs import ESTIMATED
from include.distill.cost.estimate import TokenRate
from include.distill.cost.prices import BillLine, Prices
from include.distill.dataset.records import Row, RowTokens
from include.distill.text.token_count import central_token_count, token_counts

# Assumptions, because AWS states no numbers: the tokens of Bedrock's own instructions for a metric, and of a rating and
# its explanation. The upper values are for the amount that a message calls "at most".
INSTRUCTION_TOKENS, MOST_INSTRUCTION_TOKENS = 700, 2_000
RATING_TOKENS, MOST_RATING_TOKENS = 250, 1_000


class EvaluatorTokens(NamedTuple):
    """The tokens of an evaluator in one job."""

    input_tokens: int
    output_tokens: int


def evaluator_tokens(settings: PointwiseEvaluation, texts: Sequence[str]) -> EvaluatorTokens:
    """Estimate the tokens of a job.

    :param texts: for each answer, the texts that the evaluator reads.
    """
    metrics = len(settings.metric_names)
    read = metrics * sum(central_token_count(text) for text in texts)
    return EvaluatorTokens(read + instruction_tokens(settings) * len(texts), metrics * RATING_TOKENS * len(texts))


def most_evaluator_tokens(settings: PointwiseEvaluation, texts: Sequence[str]) -> EvaluatorTokens:
    """Return an upper limit of the tokens of a job, under the assumptions of this module."""
    metrics = len(settings.metric_names)
    read = metrics * sum(token_counts(text)[1] for text in texts)
    instructions = metrics * MOST_INSTRUCTION_TOKENS * len(texts)
    return EvaluatorTokens(read + instructions, metrics * MOST_RATING_TOKENS * len(texts))


def instruction_tokens(settings: PointwiseEvaluation) -> int:
    """Return the tokens of the instructions for all metrics, which are sent with each answer."""
    custom = sum(central_token_count(metric.instructions) for metric in settings.custom_metrics)
    return INSTRUCTION_TOKENS * len(settings.metrics) + custom


def score_lines(
    use_case: UseCase, evaluation: Sequence[Row | RowTokens], prices: Prices, rate: TokenRate | None = None
) -> list[BillLine]:
    """
    Return the bill lines for all jobs that score answers, before there are any answers.

    Each answer is assumed to be as long as the row's answer.

    :param rate: the token rate of the arms' prompts, which the jobs contain; ``None`` if no tokens were counted.
    """
    settings = use_case.evaluations.pointwise
    if settings is None:
        return []
    rows = evaluation[: settings.questions]
    metrics = len(settings.metric_names)
    read = (rate or TokenRate()).input_tokens(rows, "document", "question", "answer", "answer")
    tokens = metrics * read + instruction_tokens(settings) * len(rows), metrics * RATING_TOKENS * len(rows)
    return [
        line
        for arm in use_case.scored_arms
        for evaluator in settings.evaluators
        for line in token_lines(prices, arm, evaluator, *tokens)
    ]


def token_lines(prices: Prices, arm: str, evaluator: str, input_tokens: float, output_tokens: float) -> list[BillLine]:
    """Return the bill lines of one job. The estimate and the bill use the same names, so they can be compared."""
    return prices.token_lines(f"scores {arm}{ESTIMATED}", evaluator, input_tokens, output_tokens)
