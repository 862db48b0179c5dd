"""Update a report after people labeled its answers: only agreement, disagreements and label counts change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from include.distill.config.layout import RunFolder
from include.distill.config.use_case import UseCase
from include.distill.core.errors import ReconciliationError
from include.distill.core.formats import Mark
from include.distill.core.storage import ObjectStore, read_jsonl, read_marked_json, write_json
from include.distill.core.version import VERSION
from include.distill.dataset.records import Row
from include.distill.evaluation.answers import read_answers
from include.distill.evaluation.records import Verdict
from include.distill.labeling.label_store import match_labels, read_labels
from include.distill.report.html import render_html
from include.distill.report.opinions import agreement_records, disagreement_rows
from include.distill.report.records import Report
from include.distill.report.run_summary import document_group_by_row
from include.distill.report.schema import check_report


def answers_by_arm(
    store: ObjectStore, folder: RunFolder, use_case: UseCase, rows: Sequence[Row]
) -> dict[str, dict[str, str]]:
    """
    Return the answers of each arm by row id, keyed by the arm's name.

    :param rows: the run's evaluation rows.
    """
    return {
        arm.name: {
            record["row_id"]: record["answer"]
            for record in read_answers(store, folder, use_case, arm.name, rows=len(rows))
        }
        for arm in use_case.arms
    }


def relabel_report(store: ObjectStore, folder: RunFolder, use_case: UseCase) -> Report:
    """
    Rewrite the run's report, as JSON and HTML, with the labels that people gave its answers. Return the report.

    :raises ReconciliationError: the new report does not match the schema; nothing was written.
    """
    evaluation = read_jsonl(store, folder.source("evaluation"), Row)
    verdicts = [
        verdict
        for pair in use_case.pairs
        for judge in use_case.judges
        for verdict in read_jsonl(store, folder.judgments(judge, pair.candidate, pair.baseline), Verdict)
    ]
    answers = answers_by_arm(store, folder, use_case, evaluation)
    labels = match_labels(read_labels(store, folder), answers)
    questions = {row["row_id"]: row["question"] for row in evaluation}
    mark, stored = read_marked_json(store, folder.report("json"), dict[str, Any])
    report = _checked(
        mark,
        {
            **stored,
            "agreement": agreement_records(verdicts, document_group_by_row(evaluation), labels.counted),
            "disagreements": disagreement_rows(verdicts, answers, questions, labels.counted),
            "labels": labels.as_record(),
        },
    )
    write_json(store, folder.report("json"), report)
    store.write(folder.report("html"), render_html(report).encode())
    return report


def _checked(mark: Mark, report: Mapping[str, object]) -> Report:
    try:
        return check_report(report)
    except ReconciliationError as error:
        if mark.version == VERSION:
            raise
        raise ReconciliationError(
            f"{error.happened} The stored report was written by {mark}; this is version {VERSION}, whose reports have"
            " different figures.",
            left="The labels are stored. The report was not written.",
            to_do="Clear report in the labeled run. The task buys nothing, and the new report counts the labels.",
        ) from error
