"""Compute the bill of a run, and compare the bill with the estimate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from include.distill.config.use_case import UseCase
from include.distill.core.records import BillLineRecord
from include.distill.cost.bought_jobs import merge_lines
from include.distill.cost.evaluation_lines import token_lines
from include.distill.cost.optimization_lines import job_lines
from include.distill.cost.prices import BillLine, Prices, total_usd
from include.distill.curation.records import CurateManifest
from include.distill.evaluation.records import JudgeManifest
from include.distill.inference.records import LostCallRecord, UsageRecord
from include.distill.managed_evaluation.records import ScoresManifest
from include.distill.report.records import ReportBillLine, UncertainCost
from include.distill.report.run_summary import ArmSummary, sum_usage


def bill(
    use_case: UseCase,
    *,
    synthesis: Sequence[CurateManifest],
    arms: Sequence[ArmSummary],
    judgments: Sequence[JudgeManifest],
    scores: Sequence[ScoresManifest] = (),
    other_jobs: Iterable[BillLine] = (),
    lost_calls: Iterable[LostCallRecord] = (),
    prices: Prices,
) -> list[BillLine]:
    """
    Return the lines of the bill. Answers and jobs that were already paid for cost nothing and have no line.

    Bedrock states no tokens of evaluation jobs and of prompt optimization jobs, so their lines are estimates.

    :param scores: results of the evaluation jobs.
    :param other_jobs: the lines of jobs that the run bought and that no result names, such as stopped jobs.
    :param lost_calls: the calls whose answer did not arrive. It is not known whether AWS bills them, so the bill
        contains their highest possible cost.
    """
    lines = _model_call_lines("synthesis", use_case.teacher, synthesis, prices)
    if use_case.critic:
        critics = [critic for manifest in synthesis if (critic := manifest.get("critic"))]
        # The critic is never called in batch jobs.
        tokens = sum(counts["input_tokens"] for counts in critics), sum(counts["output_tokens"] for counts in critics)
        lines += prices.token_lines("critic", use_case.critic.model, *tokens)
    for arm in arms:
        if arm.on_demand:
            lines += _model_call_lines(f"answers {arm.name}", use_case.student, arm.answers, prices)
        else:
            lines += _deployed_lines(arm, arm.student or use_case.student, prices)
        if arm.optimized and arm.optimized["bought"]:
            lines += job_lines(use_case, arm.name, arm.optimized["tokens"], prices)
        if arm.paid_training:
            lines += arm.job_lines
        if arm.unit_hours:
            lines.append(prices.throughput_line(arm.name, arm.student or use_case.student, arm.unit_hours))
    for judge in use_case.judges:
        lines += _model_call_lines("judging", judge, [m for m in judgments if m["judge"] == judge], prices)
    lines += _score_lines(scores, prices)
    lines += other_jobs
    lines += _lost_call_lines(lost_calls, prices)
    return [line for line in merge_lines(lines) if line.quantity]


def uncertain_cost(use_case: UseCase, arms: Sequence[ArmSummary], prices: Prices) -> UncertainCost:
    """
    Return the costs that AWS may charge although they are not in the bill.

    These are the cost of endpoints that failed, because it is not known whether Bedrock bills them, and the hourly
    price of endpoints that still exist.

    :return: an empty record if there are no such costs.
    """
    failed = [
        prices.throughput_line(arm.name, arm.student or use_case.student, arm.failed_unit_hours)
        for arm in arms
        if arm.failed_unit_hours
    ]
    cost: UncertainCost = {}
    if failed:
        cost["failed_endpoints"] = [line.as_record() for line in failed]
        cost["failed_endpoints_usd"] = total_usd(failed)
    if hourly := sum(arm.hourly_usd or 0.0 for arm in arms if not arm.released):
        cost["hourly_usd"] = hourly
    return cost


def _model_call_lines(what: str, model: str, manifests: Sequence[UsageRecord], prices: Prices) -> list[BillLine]:
    tokens = sum_usage(manifests, ("input_tokens", "output_tokens", "batch_input_tokens", "batch_output_tokens"))
    in_batches = tokens["batch_input_tokens"], tokens["batch_output_tokens"]
    on_demand = tokens["input_tokens"] - in_batches[0], tokens["output_tokens"] - in_batches[1]
    return prices.token_lines(what, model, *on_demand) + prices.token_lines(what, model, *in_batches, batch=True)


def _lost_call_lines(lost_calls: Iterable[LostCallRecord], prices: Prices) -> list[BillLine]:
    lost_by_price: dict[tuple[str, bool, bool], list[LostCallRecord]] = {}
    for call in lost_calls:
        price = call["model"], call.get("batch", False), call.get("deployed", False)
        lost_by_price.setdefault(price, []).append(call)
    lines: list[BillLine] = []
    for (model, batch, deployed), calls in lost_by_price.items():
        tokens = sum(call["input_tokens"] for call in calls), sum(call["output_tokens"] for call in calls)
        what = "calls without an answer (at most)"
        lines += prices.token_lines(what, model, *tokens, batch=batch, deployed=deployed)
    return lines


def _score_lines(scores: Sequence[ScoresManifest], prices: Prices) -> list[BillLine]:
    return [
        line
        for job in scores
        if job.get("bought")
        for line in token_lines(
            prices, job["arm"], job["evaluator"], job.get("input_tokens", 0), job.get("output_tokens", 0)
        )
    ]


def _deployed_lines(arm: ArmSummary, student: str, prices: Prices) -> list[BillLine]:
    """
    Return the bill lines for the tokens that a deployment used for an arm's answers.

    There are no such lines for answers from provisioned throughput, which is billed by the hour and not by the token.
    """
    tokens = sum_usage(arm.answers, ("deployed_input_tokens", "deployed_output_tokens"))
    counts = tokens["deployed_input_tokens"], tokens["deployed_output_tokens"]
    return prices.token_lines(f"answers {arm.name}", student, *counts, deployed=True) if any(counts) else []


def compare_with_estimate(lines: Sequence[BillLine], estimated: Iterable[BillLineRecord]) -> list[ReportBillLine]:
    """
    Return the bill in the form of ``report.json``. Each line has its ``estimated_usd``, or 0 if it was not estimated.

    Items that were estimated but not billed come last, with a quantity of 0. An earlier run may have paid for them.
    """
    expected = {line["what"]: line for line in estimated}
    billed: list[ReportBillLine] = []
    for line in lines:
        before = expected.get(line.what)
        billed.append({**line.as_record(), "estimated_usd": before["usd"] if before else 0.0})
    paid = {line.what for line in lines}
    free: list[ReportBillLine] = [
        {**line, "quantity": 0.0, "usd": 0.0, "estimated_usd": line["usd"]}
        for what, line in expected.items()
        if what not in paid
    ]
    return billed + free
