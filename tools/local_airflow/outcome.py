"""Describe the outcome of a finished run: verdict, preferences, bill, and endpoints that still exist."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from include.distill.core.errors import DistillError
from include.distill.cost.serving_choice import describe_serving
from include.distill.report.change_notes import changes_sentence
from include.distill.training.losses import loss_means
from tools.local_airflow.account import download, existing_endpoints

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from include.distill.training.records import LossPoint
    from tools.local_airflow.runs import FollowedRun, RunningStack

REPORT_TASK = "report"
PROMOTE_TASK = "promote"
REJECTED_SHOWN = 10


class NoReportError(DistillError):
    """The run succeeded, but its task ``report`` did not return the URIs of the report."""


def fetch_report(stack: RunningStack, run: FollowedRun) -> dict[str, Any]:
    """
    Copy a run's report from S3 to the report folder and return it.

    :raises NoReportError: the task ``report`` did not return the URIs of the report.
    """
    manifest = stack.api.returned(run.dag_id, run.run_id, REPORT_TASK)
    if not isinstance(manifest, dict) or not {"report_json_uri", "report_html_uri"} <= manifest.keys():
        raise NoReportError(
            f"The run {run.run_id} succeeded, but its task {REPORT_TASK!r} returned {manifest!r} instead "
            "of the URIs report_json_uri and report_html_uri. There is no report to show. Read the log of this task."
        )
    folder = stack.layout.report
    download(manifest["report_json_uri"], folder / "report.json")
    download(manifest["report_html_uri"], folder / "report.html")
    report: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return report


def fetch_promotion(stack: RunningStack, run: FollowedRun) -> dict[str, Any] | None:
    """Return the result of the run's task ``promote``; ``None`` if the task was skipped."""
    manifest = stack.api.returned(run.dag_id, run.run_id, PROMOTE_TASK)
    return manifest if isinstance(manifest, dict) else None


def describe_outcome(
    report: Mapping[str, Any],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    folder: Path,
    *,
    promoted: Mapping[str, Any] | None = None,
    standing: Collection[str] = (),
) -> str:
    """
    Describe the outcome of a run as text, in several paragraphs.

    :param before, after: the AWS simulator's ledger before and after the run.
    :param promoted: result of the task ``promote``; ``None`` if the task was skipped.
    :param standing: ARNs of the standing endpoints of champions.
    """
    changed = changes_sentence(report["source"].get("changes"), actual_usd=report["cost"]["actual_usd"])
    parts = [
        f"Verdict{_mark(report)}: {report['verdict']}",
        describe_promotion(report, promoted),
        describe_data(report),
        describe_arms(report["arms"], report.get("loss_curves", {})),
        describe_comparisons(report["comparisons"]),
        describe_bill(report["cost"]) + (f"\n{changed}" if changed else ""),
        describe_account(before, after, standing),
        f"Report: {folder / 'report.html'}\n        {folder / 'report.json'}",
    ]
    return "\n\n".join(parts)


def _mark(report: Mapping[str, Any]) -> str:
    if not report["simulated"]:
        return ""
    day = report.get("simulated_as_of")
    return f" (as of {day}, SIMULATED)" if day else " (SIMULATED)"


def describe_promotion(report: Mapping[str, Any], promoted: Mapping[str, Any] | None) -> str:
    """Say which model was promoted, or why none was. Also list the report's warnings and its missing parts."""
    from include.distill.evaluation.champion import winning_decision
    from include.distill.evaluation.standing_promotion import promotion_summary

    promotion = report.get("promotion")
    if promoted:
        before = promoted.get("previous_model_arn")
        replaced = f"replaces the champion {before}" if before else "is the first champion"
        sentence = f"{promoted['arm']} was promoted: its model {promoted['model_arn']} {replaced}."
        if arn := promoted.get("endpoint_arn"):
            sentence += f" Applications call it at {arn}. This ARN stays the same when the champion changes."
    elif winner := winning_decision(promotion):
        sentence = (
            f"nothing was promoted. The rule accepts {winner['candidate']}, but the task {PROMOTE_TASK!r} was skipped:"
            " a person did not approve, or the model is already the champion. The log of the task gives the reason."
        )
    else:
        sentence = promotion_summary(promotion)
    lines = [f"Promotion: {sentence}"]
    lines += [f"  warning: {warning}" for warning in report.get("warnings", [])]
    lines += [f"  missing: {note}" for note in report.get("missing_parts", [])]
    return "\n".join(lines)


def describe_data(report: Mapping[str, Any]) -> str:
    """Describe the rows read and the pairs written, and list the first rejected rows with the reasons."""
    # make clean runs without the libraries that these modules need
    from include.distill.curation.critic import CRITIC_LABELS
    from include.distill.report.batch_notes import BATCH_NOTE

    source, pairs = report["source"], report["synthesis"]
    lines = [
        f"Data: {source['train']} training rows, {source['evaluation']} evaluation rows, {source['rejected']}"
        f" rejected; {pairs['accepted']} of {pairs['requested']} synthetic pairs accepted"
    ]
    lines += [f"  dropped as {name}: {count}" for name, count in pairs.get("dropped", {}).items()]
    if pairs.get("missing"):
        lines.append(f"  requested, but not written by the teacher: {pairs['missing']}")
    if critic := pairs.get("critic"):
        verdicts = ", ".join(f"{critic[name]} {name.replace('_', ' ')}" for name in CRITIC_LABELS)
        lines.append(f"  verdicts of the critic: {verdicts}")
    if batch_note := report.get("settings", {}).get(BATCH_NOTE):
        lines.append(f"  {BATCH_NOTE}: {batch_note}")
    lines += [f"  note: {note}" for note in source.get("notes", [])]
    rejected = report.get("rejected_rows", [])
    lines += [f"  rejected: {row['message']}" for row in rejected[:REJECTED_SHOWN]]
    if source["rejected"] > REJECTED_SHOWN:
        lines.append(f"  … {source['rejected'] - REJECTED_SHOWN} more in the report")
    return "\n".join(lines)


def describe_arms(arms: Sequence[Mapping[str, Any]], curves: Mapping[str, Sequence[LossPoint]]) -> str:
    """
    Describe each arm in one line: its kind, its training, and whether its endpoint still exists.

    :param curves: the loss curve of each trained arm. The line shows two mean losses: that of the curve's first tenth
        and that of its last tenth.
    """
    from include.distill.report.tables import arm_kind

    header = ("arm", "kind", "trained on", "mean loss, first and last tenth", "endpoint")
    rows = [
        (
            str(arm["name"]),
            arm_kind(arm),
            _trained_on(arm),
            means.figures if (means := loss_means(curves.get(arm["name"], ()))) else "-",
            "none needed" if arm["serving"] is None else "released" if arm["released"] else "STILL THERE",
        )
        for arm in arms
    ]
    return "Arms\n" + table([header, *rows])


def _trained_on(arm: Mapping[str, Any]) -> str:
    records, designed = arm["records"], arm.get("designed")
    if not records:
        return "-"
    what = "prompts" if arm["kind"] == "distilled" else "pairs"
    return f"{records} of {designed} {what}" if designed and records < designed else f"{records} {what}"


def describe_comparisons(comparisons: Sequence[Mapping[str, Any]]) -> str:
    """Describe each comparison in one line: how often a judge preferred the candidate."""
    header = ("judge", "candidate", "baseline", "preferred", "95% interval", "won/lost/tied/unreadable")
    rows = [header, *(_comparison_row(comparison) for comparison in comparisons)]
    return "Preferences\n" + table(rows)


def describe_bill(cost: Mapping[str, Any]) -> str:
    """Describe the actual and the estimated cost, and list the items that cost something."""
    lines = [
        (str(line["what"]), f"{line['quantity']:,.10g} {line['unit']}", f"${line['usd']:.4f}")
        for line in cost["lines"]
        if line["usd"] > 0
    ]
    hours = (
        ", including the expected hours of provisioned throughput, which runs only for seconds in the AWS simulator"
        if any(line["unit"] == "unit-hour" for line in cost["lines"])
        else ""
    )
    head = f"Bill: ${cost['actual_usd']:.2f} (estimated ${cost['estimated_usd']:.2f}{hours})"
    parts = [head, *([table(lines)] if lines else [])]
    parts += [f"  By the estimate, {describe_serving(arm, choice)}" for arm, choice in cost.get("serving", {}).items()]
    if at_most := cost.get("failed_endpoints_usd"):
        parts.append(f"  If Bedrock bills endpoints that failed, add at most ${at_most:.2f}.")
    if hourly := cost.get("hourly_usd"):
        parts.append(f"  Plus ${hourly:.2f} per hour, until the endpoint that still exists is deleted.")
    return "\n".join(parts)


def describe_account(before: Mapping[str, Any], after: Mapping[str, Any], standing: Collection[str] = ()) -> str:
    """
    Describe what this run bought according to the AWS simulator's ledger, and the endpoints that still exist.

    :param standing: ARNs of the standing endpoints of champions, which have a line of their own.
    """
    earlier_jobs = {job["arn"] for job in before["jobs"]}
    new_jobs = [job for job in after["jobs"] if job["arn"] not in earlier_jobs]
    new_calls = after["billed_calls"] - before["billed_calls"]
    seconds = after["throughput_seconds"] - before["throughput_seconds"]
    deployments = len(after["deployments"])
    existing = existing_endpoints(after)
    alive = [str(endpoint["name"]) for endpoint in existing if endpoint["arn"] not in standing]
    kept = [str(endpoint["name"]) for endpoint in existing if endpoint["arn"] in standing]
    return "\n".join(
        [
            "Simulated AWS account (purchases during this run)",
            f"  model calls billed   {new_calls} ({after['billed_calls']} in all)",
            *_batch_line(before, after),
            f"  training jobs        {len(new_jobs)} ({len(after['jobs'])} in all)",
            *_job_lines(before, after),
            f"  deployments          {deployments - len(before['deployments'])} ({deployments} in all)",
            f"  throughput time      {seconds:.0f} s",
            *([f"  standing endpoints   {', '.join(kept)}"] if kept else []),
            f"  still existing       {', '.join(alive) or 'nothing'}",
        ]
    )


def _batch_line(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return a list with the line about batch jobs. The list is empty if the account never had a batch job."""
    total = len(after["batch_jobs"])
    if not total:
        return []
    answered = [sum(job["billed_records"] for job in ledger["batch_jobs"]) for ledger in (after, before)]
    new = total - len(before["batch_jobs"])
    share = f"; {answered[0] - answered[1]} of the calls at half the price" if new else ""
    return [f"  batch jobs           {new} ({total} in all){share}"]


def _job_lines(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return lines about evaluation jobs and prompt optimization jobs, for the kinds that the account ever had."""
    return [
        f"  {f'{kind} jobs':<20} {total - len(before.get(f'{kind}_jobs', ()))} ({total} in all)"
        for kind in ("evaluation", "optimization")
        if (total := len(after.get(f"{kind}_jobs", ())))
    ]


def table(rows: Sequence[Sequence[str]]) -> str:
    """Align rows of text in columns."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _comparison_row(comparison: Mapping[str, Any]) -> tuple[str, ...]:
    interval = comparison["preference_ci95"]
    return (
        str(comparison["judge"]),
        str(comparison["candidate"]),
        str(comparison["baseline"]),
        _percent(comparison["preference"]),
        "-" if interval is None else f"{_percent(interval[0])} to {_percent(interval[1])}",
        "/".join(str(comparison[name]) for name in ("wins", "losses", "ties", "unparsable")),
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"
