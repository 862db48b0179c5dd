"""Say what an incomplete run has spent. It has no report, so it is in no other bill."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from bedrock_distill.hooks.batch_jobs import BatchJobs
from bedrock_distill.hooks.statuses import Progress
from bedrock_distill.lifecycle.ownership import is_job_of
from include.distill.batch.pending_jobs import PendingBatchJobs
from include.distill.batch.uncollected import uncollected_tokens
from include.distill.core.storage import read_json
from include.distill.cost.paid_answers import paid_call_lines
from include.distill.cost.prices import BillLine, Prices, load_prices, total_usd
from include.distill.cost.records import ThroughputRelease
from include.distill.cost.throughput_hours import unit_hours
from include.distill.evaluation.champion import champion_snapshot

if TYPE_CHECKING:
    from bedrock_distill.hooks.bedrock import CustomizationJob
    from bedrock_distill.lifecycle.run_task import RunTask
    from include.distill.config.sections import Arm


UNCOLLECTED = "batch jobs whose answers are not collected yet"


def spent_lines(task: RunTask, jobs: Iterable[tuple[str, CustomizationJob, float]]) -> list[BillLine]:
    """
    Return the bill of a run that has not ended well.

    :param jobs: training jobs of the run, each with its arm and the number of tokens of a complete training.
    """
    prices = load_prices()
    lines = paid_call_lines(task.store, task.folder, prices)
    if task.store.exists(task.folder.use_case):
        lines += _training_lines(task, jobs, prices)
        lines += _endpoint_lines(task, prices)
        lines += _batch_lines(task, prices)
    return [line for line in lines if line.quantity]


def _training_lines(
    task: RunTask, jobs: Iterable[tuple[str, CustomizationJob, float]], prices: Prices
) -> Iterator[BillLine]:
    for arm, job, tokens in jobs:
        if task.hook.tags(job.arn).get("run-key") == task.folder.run_key:
            yield prices.training_line(arm, task.use_case.student, tokens)


def _batch_lines(task: RunTask, prices: Prices) -> Iterator[BillLine]:
    """Yield the lines of the batch jobs whose answers are not stored yet. Stored answers are among the paid calls."""
    jobs = BatchJobs(task.hook)
    for plan in PendingBatchJobs(task.store, task.folder).all():
        job = jobs.find(plan.name) if plan.run_key == task.folder.run_key else None
        if job is None or not is_job_of(plan, job):
            continue
        answered = None if job.progress is Progress.RUNNING else job.successes or job.processed
        tokens = uncollected_tokens(task.store, plan, job.id, answered=answered)
        what = UNCOLLECTED if tokens.exact else f"{UNCOLLECTED} (at most)"
        yield from prices.token_lines(what, plan.model, tokens.input_tokens, tokens.output_tokens, batch=True)


def _endpoint_lines(task: RunTask, prices: Prices) -> Iterator[BillLine]:
    for arm in task.use_case.arms:
        uris = task.store.list(task.folder.release_records(arm.name))
        if hours := unit_hours(read_json(task.store, uri, ThroughputRelease) for uri in uris):
            yield prices.throughput_line(arm.name, _student(task, arm), hours)


def _student(task: RunTask, arm: Arm) -> str:
    """Return the student of an arm. The champion of an earlier run may be another one than this run trains."""
    champion = champion_snapshot(task.store, task.folder) if arm.kind == "champion" else None
    return champion.student if champion else task.use_case.student


def spent_sentence(lines: Iterable[BillLine]) -> str:
    """Describe a bill in one sentence, with a part for calls, training and endpoints."""
    parts: dict[str, list[BillLine]] = {}
    for line in lines:
        parts.setdefault(_part(line.what), []).append(line)
    if not parts:
        return "This run has paid for nothing."
    total = sum(total_usd(part) for part in parts.values())
    amounts = ", ".join(f"${total_usd(part):,.2f} for {name}" for name, part in parts.items())
    return (
        f"This run has spent about ${total:,.2f} so far: {amounts}. Answers and models stay stored and are reused"
        " when the tasks are cleared."
    )


def _part(what: str) -> str:
    if what.startswith("training "):
        return "training (at most)"
    if what.startswith(UNCOLLECTED):
        return what.partition(":")[0]
    return "endpoints" if what.startswith("throughput ") else "model calls"
