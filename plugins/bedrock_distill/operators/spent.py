"""Say what an incomplete run has spent. Such a run may have no report that states its costs."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bedrock_distill.hooks.batch_jobs import BatchJobs
from bedrock_distill.hooks.bedrock import Throughput
from bedrock_distill.hooks.statuses import Progress
from bedrock_distill.lifecycle.bought_by_run import has_bought_job
from bedrock_distill.lifecycle.bought_jobs import other_job_lines
from bedrock_distill.lifecycle.endpoints import THROUGHPUT
from bedrock_distill.lifecycle.ownership import is_job_of
from bedrock_distill.lifecycle.standing import StandingSite
from bedrock_distill.lifecycle.throughput import released_throughput
from include.distill.batch.pending_jobs import PendingBatchJobs
from include.distill.batch.uncollected import uncollected_tokens
from include.distill.core.errors import ServiceError
from include.distill.core.naming import throughput_names
from include.distill.core.storage import read_json
from include.distill.cost import optimization_lines
from include.distill.cost.amounts import usd_text
from include.distill.cost.evaluation_lines import token_lines
from include.distill.cost.job_price import JobTokens, job_lines
from include.distill.cost.paid_answers import paid_call_lines
from include.distill.cost.prices import BillLine, Prices, load_prices, total_usd
from include.distill.cost.records import ReleasedThroughput, ThroughputRelease
from include.distill.cost.smoke_usage import paid_smoke_lines
from include.distill.cost.throughput_hours import release_record, unit_hours
from include.distill.evaluation.champion import champion_snapshot

if TYPE_CHECKING:
    from bedrock_distill.hooks.bedrock import CustomizationJob
    from bedrock_distill.lifecycle.run_task import RunTask
    from include.distill.config.arms import Arm
    from include.distill.inference.records import ThroughputManifest
    from include.distill.managed_evaluation.records import EvaluationJobManifest
    from include.distill.prompt_optimization.records import OptimizationJobManifest

log = logging.getLogger(__name__)

# The beginnings of the bill lines of customization jobs; see `job_price.py`.
_TEACHER, _TRAINING = "teacher ", "training "
UNCOLLECTED = "batch jobs whose answers are not collected yet"


@dataclass(frozen=True)
class Spent:
    """
    What a run has spent.

    :ivar lines: the bill, without the endpoints that failed and without the standing endpoint.
    :ivar failed: the endpoints that failed. It is not known whether Bedrock bills them.
    :ivar hourly: the price per hour of the endpoints that still exist and have not failed.
    :ivar failed_hourly: the price per hour of the endpoints that still exist and have failed.
    :ivar standing: the hours of the standing endpoint until now, if the run bought it. It outlives the run, so a
        monthly budget counts its hours itself, and no record of a run contains them.
    """

    lines: list[BillLine] = field(default_factory=list)
    failed: list[BillLine] = field(default_factory=list)
    hourly: float = 0.0
    failed_hourly: float = 0.0
    standing: list[BillLine] = field(default_factory=list)


def spent(
    task: RunTask,
    jobs: Iterable[tuple[str, CustomizationJob, JobTokens]],
    unreleased: Mapping[str, ThroughputManifest | None] | None = None,
    evaluations: Iterable[EvaluationJobManifest] = (),
    optimizations: Iterable[OptimizationJobManifest] = (),
) -> Spent:
    """
    Return the bill of an incomplete run.

    :param jobs: training jobs of the run, each with its arm and the tokens of a complete job.
    :param unreleased: the arms whose endpoint may still exist. Each name is mapped to the result of the arm's task
        that creates the endpoint (``provision`` or ``deploy``); ``None`` if there is no result.
    :param evaluations: the evaluation jobs of the run, whichever run bought them. Earlier attempts are added.
    :param optimizations: the prompt optimization jobs of the run, whichever run bought them.
    """
    prices = load_prices()
    lines = [
        *paid_call_lines(task.store, task.folder, prices),
        *paid_smoke_lines(task.store, task.folder, prices),
    ]
    if not task.store.exists(task.folder.use_case):
        return Spent([line for line in lines if line.quantity])
    training, evaluations, optimizations = list(jobs), list(evaluations), list(optimizations)
    lines += _training_lines(task, training, prices)
    failed: list[BillLine] = []
    hourly = {False: 0.0, True: 0.0}
    unreleased = unreleased or {}
    now = datetime.datetime.now(datetime.UTC)
    for arm in task.use_case.arms:
        records = [read_json(task.store, uri, ThroughputRelease) for uri in _record_uris(task, arm.name)]
        if arm.name in unreleased:
            existing = _existing(task, arm.name, len(records), unreleased[arm.name])
            records.append(release_record(existing, now=now))
            for one in existing:
                hourly[one.get("failed", False)] += one["units"] * prices.price(
                    _student(task, arm), "throughput_per_hour"
                )
        for bill, is_failed in ((lines, False), (failed, True)):
            if hours := unit_hours(records, failed=is_failed):
                bill.append(prices.throughput_line(arm.name, _student(task, arm), hours))
    lines += _batch_lines(task, prices)
    lines += _evaluation_lines(task, evaluations, prices)
    lines += _optimization_lines(task, optimizations, prices)
    lines += _other_job_lines(task, training, [*evaluations, *optimizations])
    standing, standing_hourly = _standing_lines(task, prices, now)
    hourly[False] += standing_hourly
    return Spent([line for line in lines if line.quantity], failed, hourly[False], hourly[True], standing)


def _record_uris(task: RunTask, arm: str) -> list[str]:
    return task.store.list(task.folder.release_records(arm))


def _existing(
    task: RunTask, arm: str, releases: int, provisioned: ThroughputManifest | None
) -> list[ReleasedThroughput]:
    """
    Return an arm's provisioned throughput, if it still exists.

    If Bedrock does not say what exists, return the throughput that the result ``provisioned`` names.
    """
    place = task.use_case.environment, task.use_case.name, arm, task.folder.run_key
    try:
        found = [
            task.ownership.find_throughput(throughput_names(*place, ordinal), arm=arm)
            for ordinal in range(1, releases + 2)
        ]
        return [released_throughput(throughput) for throughput in found if throughput]
    except ServiceError as error:
        log.warning("Bedrock did not say whether the endpoint of %s exists, so it is counted: %s", arm, error)
    name = provisioned["throughput_name"] if provisioned else None
    if not provisioned or not name or "created" not in provisioned:
        return []
    return [{"name": name, "created": provisioned["created"], "units": task.use_case.serving.model_units}]


def _standing_lines(task: RunTask, prices: Prices, now: datetime.datetime) -> tuple[list[BillLine], float]:
    """Return the hours of the standing endpoint that this run bought, and the endpoint's price per hour."""
    endpoint = _standing_throughput(task)
    if endpoint is None:
        return [], 0.0
    hours = unit_hours([release_record([endpoint], now=now)])
    line = prices.throughput_line("standing endpoint", task.use_case.student, hours)
    return [line], endpoint["units"] * prices.price(task.use_case.student, "throughput_per_hour")


def _standing_throughput(task: RunTask) -> ReleasedThroughput | None:
    """Return the standing endpoint if this run bought it and it is billed by the hour; otherwise ``None``."""
    if task.use_case.promotion.serve != "provisioned":
        return None
    site = StandingSite(task.hook, task.store, task.use_case, task.folder.root)
    try:
        endpoint = site.find(THROUGHPUT)
        is_own = endpoint is not None and task.hook.tags(endpoint.arn).get("run-key") == task.folder.run_key
    except ServiceError as error:
        log.warning("Bedrock did not say whether this run bought the standing endpoint: %s", error)
        return None
    return released_throughput(endpoint) if is_own and isinstance(endpoint, Throughput) else None


def _training_lines(
    task: RunTask, jobs: Iterable[tuple[str, CustomizationJob, JobTokens]], prices: Prices
) -> Iterator[BillLine]:
    for arm, job, tokens in jobs:
        if task.hook.tags(job.arn).get("run-key") == task.folder.run_key:
            yield from job_lines(task.use_case, arm, tokens, prices)


def _batch_lines(task: RunTask, prices: Prices) -> Iterator[BillLine]:
    """Yield bill lines for batch jobs whose answers are not stored yet. Stored answers are billed as model calls."""
    jobs = BatchJobs(task.hook)
    for plan in PendingBatchJobs(task.store, task.folder).all():
        job = jobs.find(plan.name) if plan.run_key == task.folder.run_key else None
        if job is None or not is_job_of(plan, job):
            continue
        answered = None if job.progress is Progress.RUNNING else job.successes or job.processed
        tokens = uncollected_tokens(task.store, plan, job.id, answered=answered)
        what = UNCOLLECTED if tokens.exact else f"{UNCOLLECTED} (at most)"
        yield from prices.token_lines(what, plan.model, tokens.input_tokens, tokens.output_tokens, batch=True)


def _evaluation_lines(
    task: RunTask, evaluations: Iterable[EvaluationJobManifest], prices: Prices
) -> Iterator[BillLine]:
    """Yield bill lines for the evaluation jobs that this run bought. Each is counted as if it had completed."""
    for job in evaluations:
        if has_bought_job(task, job):
            tokens = job.get("input_tokens", 0), job.get("output_tokens", 0)
            yield from token_lines(prices, job["arm"], job["evaluator"], *tokens)


def _optimization_lines(
    task: RunTask, optimizations: Iterable[OptimizationJobManifest], prices: Prices
) -> Iterator[BillLine]:
    """Do the same as :func:`_evaluation_lines` for prompt optimization jobs."""
    for job in optimizations:
        if has_bought_job(task, job):
            yield from optimization_lines.job_lines(task.use_case, job["arm"], job["tokens"], prices)


def _other_job_lines(
    task: RunTask,
    training: Sequence[tuple[str, CustomizationJob, JobTokens]],
    submitted: Sequence[EvaluationJobManifest | OptimizationJobManifest],
) -> list[BillLine]:
    """Return the bill lines of the jobs that this run bought and that are not in the arguments."""
    counted = {trained.name for _, trained, _ in training} | {job["job_name"] for job in submitted}
    return other_job_lines(task.hook, task.store, task.folder, counted)


def _student(task: RunTask, arm: Arm) -> str:
    """Return the student of an arm. In the champion's arm, it may differ from the student that this run trains."""
    champion = champion_snapshot(task.store, task.folder) if arm.kind == "champion" else None
    return champion.student if champion else task.use_case.student


def spent_sentence(bill: Spent) -> str:
    """Describe a bill in sentences, with one amount for each kind of cost, such as model calls or training."""
    parts: dict[str, list[BillLine]] = {}
    distilled = {
        line.what.split(":")[0].removeprefix(_TEACHER) for line in bill.lines if line.what.startswith(_TEACHER)
    }
    for line in (*bill.lines, *bill.standing):
        parts.setdefault(_part(line.what, distilled), []).append(line)
    uncertain = _uncertain(bill)
    if not parts:
        return f"This run has paid for nothing.{uncertain}"
    total = sum(total_usd(part) for part in parts.values())
    amounts = ", ".join(f"{usd_text(total_usd(part))} for {name}" for name, part in parts.items())
    hourly = (
        f" Endpoints that still exist cost ${bill.hourly:,.2f} per hour until they are deleted." if bill.hourly else ""
    )
    return (
        f"This run has spent about {usd_text(total)} so far: {amounts}.{hourly}{uncertain} Answers and models stay"
        " stored and are reused when the tasks are cleared."
    )


def _uncertain(bill: Spent) -> str:
    """Describe the endpoints that failed; an empty text if there were none."""
    if not bill.failed:
        return ""
    hourly = f", and ${bill.failed_hourly:,.2f} per hour until they are deleted" if bill.failed_hourly else ""
    return f" If Bedrock bills endpoints that failed, add at most {usd_text(total_usd(bill.failed))}{hourly}."


def _part(what: str, distilled: Collection[str]) -> str:
    """Return the kind of cost that a line belongs to.

    :param distilled: the arms that Bedrock distils. Their jobs may cost more, because Bedrock may add prompts.
    """
    if what.startswith(_TEACHER) or what.split(":")[0].removeprefix(_TRAINING) in distilled:
        return "distillation jobs (estimated)"
    if what.startswith(_TRAINING):
        return "training (at most)"
    if what.startswith(UNCOLLECTED):
        return what.partition(":")[0]
    if what.startswith("scores "):
        return "evaluation jobs (estimated)"
    if what.startswith("prompt optimization "):
        return "prompt optimization jobs (estimated)"
    return "endpoints" if what.startswith("throughput ") else "model calls"
