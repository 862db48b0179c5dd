"""Say what an incomplete run has spent. It has no report, so it is in no other bill."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from include.distill.core.storage import read_json
from include.distill.cost.paid_answers import paid_call_lines
from include.distill.cost.prices import BillLine, load_prices, total_usd
from include.distill.cost.records import ThroughputRelease
from include.distill.cost.throughput_hours import unit_hours

if TYPE_CHECKING:
    from bedrock_distill.hooks.bedrock import CustomizationJob
    from bedrock_distill.lifecycle.run_task import RunTask


def spent_lines(task: RunTask, jobs: Iterable[tuple[str, CustomizationJob, float]]) -> list[BillLine]:
    """
    Return the bill of a run that has not ended well.

    :param jobs: training jobs of the run, each with its arm and the number of tokens of a complete training.
    """
    prices = load_prices()
    lines = paid_call_lines(task.store, task.folder, prices)
    if not task.store.exists(task.folder.use_case):
        return lines
    use_case = task.use_case
    for arm, job, tokens in jobs:
        if task.hook.tags(job.arn).get("run-key") == task.folder.run_key:
            lines.append(prices.training_line(arm, use_case.student, tokens))
    for arm in (arm.name for arm in use_case.arms):
        releases = [
            read_json(task.store, uri, ThroughputRelease) for uri in task.store.list(task.folder.release_records(arm))
        ]
        if hours := unit_hours(releases):
            lines.append(prices.throughput_line(arm, use_case.student, hours))
    return [line for line in lines if line.quantity]


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
    return "endpoints" if what.startswith("throughput ") else "model calls"
