"""Record a run's report outside the run's folder: in the list of past runs, and in the history of the use case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from include.distill.config.layout import list_uri
from include.distill.core.storage import write_json
from include.distill.evaluation.champion import champion_snapshot
from include.distill.report.history_entry import call_figures, with_champion, with_results
from include.distill.report.past_runs import entry_uri, list_entry

if TYPE_CHECKING:
    from airflow.sdk import Context

    from bedrock_distill.run.access import RunAccess
    from include.distill.curation.records import CurateManifest
    from include.distill.evaluation.records import JudgeManifest
    from include.distill.history.records import HistoryEntry
    from include.distill.inference.records import UsageRecord
    from include.distill.report.records import Report
    from include.distill.report.run_summary import ArmSummary


def write_list_entry(task: RunAccess, context: Context, report: Report) -> None:
    """Write the run's entry in the list of past runs. If the report was written before, replace the entry."""
    # Airflow changes the start date of a run when a task of the run is cleared, but not `run_after`.
    started = context["dag_run"].run_after
    listed = task.store.list(list_uri(task.folder.root, task.use_case.name))
    uri = entry_uri(task.folder, listed, use_case=task.use_case.name, started=started)
    write_json(task.store, uri, list_entry(report))


def results_of(
    task: RunAccess,
    report: Report,
    synthesis: Sequence[CurateManifest],
    judgments: Sequence[JudgeManifest],
    arms: Sequence[ArmSummary],
) -> Callable[[HistoryEntry], HistoryEntry]:
    """Return the function that adds the results of the run to the run's record in the history."""

    def change(run: HistoryEntry) -> HistoryEntry:
        usages = usages_of(synthesis, judgments, arms)
        calls = call_figures(usages, [manifest.get("critic") for manifest in synthesis])
        champion = champion_snapshot(task.store, task.folder) if task.use_case.champion_arm else None
        return with_champion(with_results(run, report, calls), champion)

    return change


def usages_of(
    synthesis: Sequence[CurateManifest], judgments: Sequence[JudgeManifest], arms: Sequence[ArmSummary]
) -> list[UsageRecord]:
    """Return the results of all tasks that called models, without the critic's usage."""
    return [*synthesis, *judgments, *(answer for arm in arms for answer in arm.answers)]
