"""
Compute the price of a customization job: its training, and the teacher of a distillation job.

Bedrock does not state the tokens of a job, so they are estimated. A distillation job is billed for the answers of its
teacher, at the teacher's on-demand price, and for the training on the prompts and these answers. Bedrock may add
prompts of its own, up to a limit. The estimate and the bill do not contain them, but the highest possible price does:
https://docs.aws.amazon.com/bedrock/latest/userguide/model-distillation.html
"""

from __future__ import annotations

from dataclasses import dataclass

from include.distill.config.catalog import load_catalog
from include.distill.config.use_case import UseCase
from include.distill.cost.amounts import usd_text
from include.distill.cost.prices import BillLine, Prices, total_usd
from include.distill.training.records import DatasetManifest, TeacherTokens


@dataclass(frozen=True)
class JobTokens:
    """
    The tokens of a customization job.

    :param epoch: tokens of one epoch of the training.
    :param teacher: tokens of the prompts and of the answers of a distillation job's teacher.
    """

    epoch: float
    teacher: tuple[float, float] = (0.0, 0.0)


def job_tokens(epoch: int, teacher: TeacherTokens | None) -> JobTokens:
    """Return the tokens of a job from the estimates that the task ``merge`` makes."""
    return JobTokens(epoch, (teacher["input_tokens"], teacher["output_tokens"]) if teacher else (0.0, 0.0))


def tokens_of(dataset: DatasetManifest) -> JobTokens:
    """Return the estimated tokens of the job that trains on a training set."""
    return job_tokens(dataset["tokens"], dataset.get("teacher"))


def job_lines(use_case: UseCase, arm: str, tokens: JobTokens, prices: Prices) -> list[BillLine]:
    """Return the bill lines for the job of a trained arm, the training last."""
    training = prices.training_line(arm, use_case.student, use_case.epochs_of(arm) * tokens.epoch)
    return [*teacher_lines(use_case, arm, tokens, prices), training]


def teacher_lines(use_case: UseCase, arm: str, tokens: JobTokens, prices: Prices) -> list[BillLine]:
    """Return the bill lines for the teacher of an arm's distillation job; an empty list for other jobs."""
    teacher = use_case.job_teacher(arm)
    return prices.token_lines(f"teacher {arm}", teacher, *tokens.teacher) if teacher else []


def describe_cost(at_most_usd: float | None, estimated_usd: float | None) -> str:
    """
    Return what a customization job costs, as the end of a sentence; empty if it is not known.

    :param at_most_usd: the highest price that the job is expected to have.
    :param estimated_usd: the price in the estimate of a distillation job; ``None`` for other jobs.
    """
    if at_most_usd is None:
        return ""
    if estimated_usd is None:
        return f", at most {usd_text(at_most_usd)} in all"
    return (
        f", about {usd_text(estimated_usd)} in all as estimated, or at most {usd_text(at_most_usd)} if Bedrock adds as"
        " many prompts of its own as it may"
    )


def estimated_usd(use_case: UseCase, arm: str, dataset: DatasetManifest, prices: Prices) -> float | None:
    """Return the estimated price of an arm's distillation job, in US dollars; ``None`` for other jobs."""
    return total_usd(job_lines(use_case, arm, tokens_of(dataset), prices)) if use_case.job_teacher(arm) else None


def at_most_usd(use_case: UseCase, arm: str, dataset: DatasetManifest, prices: Prices) -> float:
    """Return the highest price that the job on a training set is expected to have, in US dollars."""
    return highest_usd(use_case, arm, tokens_of(dataset), dataset["records"], prices)


def highest_usd(use_case: UseCase, arm: str, tokens: JobTokens, records: float, prices: Prices) -> float:
    """
    Return the highest price that a job is expected to have, in US dollars.

    A distillation job may add prompts until it has as many as Bedrock permits. They are assumed to be as long as the
    average prompt of the training set, and every answer is assumed to be as long as the job permits.

    :param records: number of records in the training set.
    """
    if use_case.job_teacher(arm) and records:
        pairs = max(records, load_catalog().distillation.pairs)
        prompts = pairs * tokens.teacher[0] / records
        answers = pairs * max(use_case.answering.max_tokens, tokens.teacher[1] / records)
        tokens = JobTokens(prompts + answers, (prompts, answers))
    return total_usd(job_lines(use_case, arm, tokens, prices))
