"""
Estimate what the jobs of Bedrock that optimize prompts cost, before and after they run.

The tokens of a job are always estimated. The module ``optimization_assumptions`` states the assumptions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from include.distill.config.use_case import UseCase
from include.distill.cost.amounts import usd_text
from include.distill.cost.estimate import TokenRate, sum_tokens
from include.distill.cost.evaluation_lines import (
    INSTRUCTION_TOKENS,
    MOST_INSTRUCTION_TOKENS,
    MOST_RATING_TOKENS,
    RATING_TOKENS,
)
from include.distill.cost.optimization_assumptions import ADDED_TOKENS, MOST_ADDED_TOKENS, MOST_ROUNDS, ROUNDS
from include.distill.cost.prices import BillLine, Prices, total_usd
from include.distill.dataset.records import Row, RowTokens
from include.distill.prompt_optimization.records import OptimizationInput, OptimizationTokens
from include.distill.text.token_count import central_token_count, token_counts


@dataclass(frozen=True)
class _Samples:
    """
    The tokens of a job's samples.

    :param template: tokens of the original prompt without the texts of a sample.
    :param texts: tokens of the documents and questions of all samples.
    :param references: tokens of the reference answers of all samples.
    """

    count: int
    template: float
    texts: float
    references: float


@dataclass(frozen=True)
class _Assumptions:
    """What is assumed about a job: its rounds, the growth of the prompt, and the length of each judgment."""

    rounds: int
    added: int
    instructions: int
    rating: int

    def tokens(self, use_case: UseCase, samples: _Samples, answers: float) -> OptimizationTokens:
        """Return the tokens of a job.

        :param answers: tokens of the student's answers to all samples in one round.
        """
        judge = use_case.prompt_optimization.judge
        instructions = central_token_count(judge.instructions) if judge else self.instructions
        template, ratings = samples.template + self.added, samples.count * self.rating
        prompts = samples.texts + samples.count * template
        judged = prompts + answers + samples.references + samples.count * instructions
        read_to_rewrite = template + samples.texts + answers + samples.references + ratings
        return {
            "student_input": round(self.rounds * prompts),
            "student_output": round(self.rounds * answers),
            "judge_input": round(self.rounds * (judged + read_to_rewrite)),
            "judge_output": round(self.rounds * (ratings + template)),
        }


_TYPICAL = _Assumptions(ROUNDS, ADDED_TOKENS, INSTRUCTION_TOKENS, RATING_TOKENS)
_MOST = _Assumptions(MOST_ROUNDS, MOST_ADDED_TOKENS, MOST_INSTRUCTION_TOKENS, MOST_RATING_TOKENS)


def optimization_tokens(use_case: UseCase, record: OptimizationInput) -> OptimizationTokens:
    """Estimate the tokens of a job. The student's answers are assumed to be as long as the reference answers."""
    samples = _samples(record, central_token_count)
    return _TYPICAL.tokens(use_case, samples, samples.references)


def most_optimization_tokens(use_case: UseCase, record: OptimizationInput) -> OptimizationTokens:
    """Return an upper limit of the tokens of a job, under the assumptions of this module."""
    samples = _samples(record, lambda text: token_counts(text)[1])
    return _MOST.tokens(use_case, samples, samples.count * use_case.answering.max_tokens)


def at_most_usd(use_case: UseCase, record: OptimizationInput, prices: Prices) -> float:
    """Return what a job costs at most, in US dollars, under the assumptions of this module."""
    return total_usd(job_lines(use_case, "", most_optimization_tokens(use_case, record), prices))


def job_lines(use_case: UseCase, arm: str, tokens: OptimizationTokens, prices: Prices) -> list[BillLine]:
    """Return the bill lines of one job. The estimate and the bill use the same names, so they can be compared."""
    what, judge = f"prompt optimization {arm} (estimated)", use_case.prompt_optimization.judge_model
    return [
        *prices.token_lines(what, use_case.student, tokens["student_input"], tokens["student_output"]),
        *prices.token_lines(f"{what}, judge", judge, tokens["judge_input"], tokens["judge_output"]),
    ]


def optimization_lines(
    use_case: UseCase, train: Sequence[Row | RowTokens], prices: Prices, rate: TokenRate | None = None
) -> list[BillLine]:
    """
    Return the bill lines for all jobs that optimize prompts, before they are submitted.

    :param train: the training rows, or the number of tokens of each of their texts. The first rows are the samples.
    :param rate: the token rate of the arms' prompts; ``None`` if no tokens were counted.
    """
    samples = _expected(use_case, train, rate or TokenRate())
    tokens = _TYPICAL.tokens(use_case, samples, samples.references)
    return [line for arm in use_case.optimized_arms for line in job_lines(use_case, arm, tokens, prices)]


def optimization_notes(
    use_case: UseCase,
    train: Sequence[Row | RowTokens],
    prices: Prices,
    rate: TokenRate | None = None,
    bought: Collection[str] = (),
) -> list[str]:
    """
    Return sentences that say what each job may cost beyond the estimate, and what the estimate of the answers assumes.

    :param rate: see :func:`optimization_lines`.
    :param bought: the arms whose job was bought already.
    """
    samples = _expected(use_case, train, rate or TokenRate())
    longest = samples.count * use_case.answering.max_tokens
    notes = []
    for arm in use_case.optimized_arms:
        longer = f"{ADDED_TOKENS:,} more input tokens than an answer to the original prompt."
        if arm in bought:
            notes.append(
                f"The prompt optimization job of arm {arm} was bought already, and its results are stored, so this run"
                f" is not expected to pay for it. The estimate does not depend on the optimized prompt: each answer of"
                f" arm {arm} is estimated with {longer}"
            )
            continue
        expected, most = (
            total_usd(job_lines(use_case, arm, tokens, prices))
            for tokens in (
                _TYPICAL.tokens(use_case, samples, samples.references),
                _MOST.tokens(use_case, samples, longest),
            )
        )
        notes.append(
            f"The prompt optimization job of arm {arm} is estimated at {usd_text(expected)}, with {ROUNDS} rounds. AWS"
            f" does not publish the number of rounds. With {MOST_ROUNDS} rounds and long answers, the job costs about"
            f" {usd_text(most)}, which neither the estimate, the spend cap nor an approval includes. The optimized"
            f" prompt is not known yet: each answer of arm {arm} is estimated with {longer}"
        )
    return notes


def _expected(use_case: UseCase, train: Sequence[Row | RowTokens], rate: TokenRate) -> _Samples:
    """Return the samples of a job that was not submitted yet."""
    rows = train[: use_case.prompt_optimization.samples]
    texts = rate.tokens_per_estimated_token * sum_tokens(rows, "document", "question")
    return _Samples(len(rows), rate.prompt_tokens, texts, sum_tokens(rows, "answer"))


def _samples(record: OptimizationInput, count: Callable[[str], int]) -> _Samples:
    samples = record["evaluationSamples"]
    texts = (text for sample in samples for variable in sample["inputVariables"] for text in variable.values())
    references = (sample["referenceResponse"] for sample in samples)
    return _Samples(len(samples), count(record["promptTemplate"]), sum(map(count, texts)), sum(map(count, references)))
