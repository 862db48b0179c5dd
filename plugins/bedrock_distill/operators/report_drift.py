"""Compare a run's results with those of the nights before, and add what has changed to its report and its record."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from bedrock_distill.run.run_history import first_record, history_of
from include.distill.core.errors import NotFoundError
from include.distill.evaluation.champion import champion_snapshot
from include.distill.history.records import HistoryEntry

if TYPE_CHECKING:
    from airflow.sdk import Context

    from bedrock_distill.operators.base import DistillOperator
    from include.distill.curation.records import CurateManifest
    from include.distill.report.drift_inputs import DriftInputs
    from include.distill.report.optional_parts import OptionalParts
    from include.distill.report.records import Report

Change = Callable[[HistoryEntry], HistoryEntry]

# At most 28 nights are compared. A use case may run only every third day, and its odd nights do not count.
_DAYS = 120


def with_drift(
    task: DistillOperator,
    context: Context,
    report: Report,
    results: Change,
    synthesis: Sequence[CurateManifest],
    optional: OptionalParts,
) -> tuple[Report, Change]:
    """
    Add the measures that differ from the nights before by more than chance to the report and to the run's record.

    If the history cannot be read, the report has no key ``drift``, and ``missing_parts`` says why.

    :param results: adds the results of the run to its record in the history.
    :return: the report, and the function that adds the results and the changed measures to the record.
    """
    unknown: tuple[Report, Change] | None = None
    compared = optional.read(
        "the comparison with the nights before",
        lambda: _compared(task, context, report, results, synthesis),
        fallback=unknown,
    )
    return compared or ({**report, "missing_parts": list(optional.notes)}, results)


def _compared(
    task: DistillOperator, context: Context, report: Report, results: Change, synthesis: Sequence[CurateManifest]
) -> tuple[Report, Change]:
    from include.distill.drift.detection import find_drift
    from include.distill.report.drift_notes import drift_summary
    from include.distill.report.schema import check_report

    inputs = _inputs(task, report, synthesis)
    runs = history_of(task, since=context["dag_run"].run_after - datetime.timedelta(days=_DAYS))
    stored = next((run for run in runs if run["run_key"] == task.folder.run_key), None)
    drift = find_drift(runs, {**results(stored or first_record(task, context)), **inputs})
    if summary := drift_summary(drift):
        task.log.warning(summary)
    checked = check_report({**report, "drift": drift})
    return checked, lambda run: {**results(run), **inputs, "drift": drift}


def _inputs(task: DistillOperator, report: Report, synthesis: Sequence[CurateManifest]) -> DriftInputs:
    from include.distill.report.drift_inputs import drift_inputs, hash_compared_settings
    from include.distill.synthesis.new_pairs import sum_new_pairs

    return drift_inputs(
        report,
        settings=hash_compared_settings(task.use_case, task.prompts),
        new_pairs=sum_new_pairs(synthesis),
        champion=_champion(task),
    )


def _champion(task: DistillOperator) -> str | None:
    try:
        champion = champion_snapshot(task.store, task.folder)
    except NotFoundError:  # an earlier version did not save a snapshot
        return None
    return champion.model_arn if champion else None
