"""A report written anew with what people said: agreement and what there is to read are figured again, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from include.distill.config.layout import RunFolder
from include.distill.config.use_case import UseCase
from include.distill.core.storage import ObjectStore, Record, read_json, read_jsonl, write_json
from include.distill.dataset.splits import shards
from include.distill.labeling.label_store import match_labels, read_labels
from include.distill.report.html import render_html
from include.distill.report.run_summary import agreement_records, disagreement_rows, document_group_by_row
from include.distill.report.schema import check_report


def answers_by_arm(
    store: ObjectStore, folder: RunFolder, use_case: UseCase, rows: Sequence[Record]
) -> dict[str, dict[str, str]]:
    """Return the answer of each arm to each row id."""
    # Exactly this run's shards: an earlier reading of a longer file may have left more.
    count = len(shards(len(rows), use_case.fan_out.evaluation_tasks))
    return {
        arm.name: {
            record["row_id"]: record["answer"]
            for number in range(count)
            for record in read_jsonl(store, folder.answers(arm.name, number))
        }
        for arm in use_case.arms
    }


def relabel_report(store: ObjectStore, folder: RunFolder, use_case: UseCase) -> dict[str, Any]:
    """Return the run's report with every label of its answers in it, written in both forms.

    :raises ReconciliationError: the report there does not meet its contract.
    """
    evaluation = read_jsonl(store, folder.source("evaluation"))
    verdicts = [
        verdict
        for pair in use_case.pairs
        for judge in use_case.judges
        for verdict in read_jsonl(store, folder.judgments(judge, pair.candidate, pair.baseline))
    ]
    answers = answers_by_arm(store, folder, use_case, evaluation)
    labels = match_labels(read_labels(store, folder), answers)
    questions = {row["row_id"]: row["question"] for row in evaluation}
    report = check_report(
        {
            **read_json(store, folder.report("json")),
            "agreement": agreement_records(verdicts, document_group_by_row(evaluation), labels.counted),
            "disagreements": disagreement_rows(verdicts, answers, questions, labels.counted),
            "labels": labels.as_record(),
        }
    )
    write_json(store, folder.report("json"), report)
    store.write(folder.report("html"), render_html(report).encode())
    return report
