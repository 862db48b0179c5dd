"""Read the CSV files into rows, and split the rows into shards."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.run.metrics import emit
from bedrock_distill.run.task_results import SHARDED_ROWS
from bedrock_distill.ui.links import REJECTED_ROWS_LINK
from include.distill.config.catalog import load_catalog
from include.distill.config.training_method import training_family
from include.distill.core.storage import stream_jsonl, write_jsonl
from include.distill.dataset.arm_rows import rows_for_teacher
from include.distill.dataset.records import IngestManifest, Row, RowName, ShardNumbers, Side
from include.distill.dataset.splits import shards
from include.distill.report.run_metrics import row_samples

if TYPE_CHECKING:
    from airflow.sdk import Context

    from bedrock_distill.lineage.artifacts import TaskLineage
    from include.distill.dataset.reserved_answers import ReservedAnswers


class IngestCsvOperator(DistillOperator):
    """
    Read the CSV files into training and evaluation rows.

    Each record is accepted, or stored in ``source/rejected.jsonl`` with its line, column, text and the reason for the
    rejection. Rows are streamed; only hashes are held in memory. Without an evaluation file, the documents are split
    into training and evaluation documents, and later runs keep the split. The task buys nothing. Retrying or clearing
    the task reads the files again and writes the same rows.

    :return: ``{"rows", "accepted", "rejected", "train", "evaluation", "reasons", "changes"}``, which becomes
        ``source`` in ``report.json``. ``changes`` says what has changed since the last run of the use case. ``notes``
        is added if files have no rows or were skipped.
    :raises InputError: a file cannot be read as CSV, no usable row is left, or more rows are unusable than
        ``source.max_rejected_share`` allows.
    """

    operator_extra_links = (REJECTED_ROWS_LINK,)
    ui_color = "#e6f4ea"
    waits_for = "the rows of the CSV files to be imported, checked and split"

    def execute(self, context: Context) -> IngestManifest:
        """Read, split and write the rows; return their counts."""
        from include.distill.dataset.ingestion import ingest
        from include.distill.dataset.row_changes import compare_with_last_run
        from include.distill.dataset.split_notes import split_notes
        from include.distill.report.change_notes import describe_changes
        from include.distill.training.row_limits import RowLimits

        ingested = ingest(
            self.use_case.source,
            store=self.store,
            folder=self.folder,
            splits_uri=self.folder.splits(self.use_case.name),
            seed=self.use_case.seed,
            check_length=RowLimits.from_use_case(self.use_case, self.prompts[self.use_case.prompts.answering]).fault,
            leak_similarity=self.use_case.curation.max_leak_similarity,
            reserved=self._reserved_answers(),
        )
        for message in ingested.messages:
            self.log.warning("Rejected: %s", message)
        for note in (*ingested.notes, *split_notes(self.use_case.source, ingested.manifest())):
            self.log.warning("%s", note)
        changes = compare_with_last_run(self.store, self.folder, use_case=self.use_case, prompts=self.prompts)
        if changes["since"]:
            self.log.info("Since the last run with a report (%s): %s.", changes["since"], describe_changes(changes))
        emit(row_samples(self.use_case.name, ingested.manifest()))
        return {**ingested.manifest(), "changes": changes}

    def lineage(self, result: IngestManifest | None) -> TaskLineage:
        """Return what the task reads and writes."""
        from bedrock_distill.lineage.data_steps import ingest_lineage

        return ingest_lineage(self.use_case, self.folder, result)

    def _reserved_answers(self) -> ReservedAnswers | None:
        """Return the check of training answers for reserved strings; ``None`` if no arm is trained."""
        from include.distill.dataset.reserved_answers import ReservedAnswers

        if not any(arm.is_trained for arm in self.use_case.arms):
            return None
        family = training_family(load_catalog().model(self.use_case.student), self.use_case.training)
        return ReservedAnswers(family.reserved_strings, self.use_case.training.reserved_in_answers)


class ShardRowsOperator(DistillOperator):
    """
    Split rows into shards, one shard per mapped task.

    If there are at most ``max_tasks`` rows, each shard has one row. Otherwise, there are ``max_tasks`` shards of about
    equal size. The task buys nothing. Retrying or clearing the task writes the same shards.

    :param rows: ``"evaluation"``, or ``"train"``, which splits only the rows that are sent to the teacher.
    :param max_tasks: maximum number of shards.
    :return: the indices of the shards, from 0. The next task is mapped over them. The number of rows is stored as a
        second XCom, ``sharded_rows``.
    """

    ui_color = "#e6f4ea"
    waits_for = "the {task.rows} rows to be split into shards"

    def __init__(self, *, rows: Side, max_tasks: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rows = rows
        self.max_tasks = max_tasks

    def execute(self, context: Context) -> ShardNumbers:
        """Write one object per shard; return the indices of the shards."""
        source = self.folder.source(self.rows)
        row_ids = self._row_ids(source)
        parts = shards(len(row_ids), self.max_tasks)
        records = (row for row in stream_jsonl(self.store, source, Row) if row["row_id"] in row_ids)
        for number, part in enumerate(parts):
            write_jsonl(self.store, self.folder.shard(self.rows, number), islice(records, len(part)))
        # The live page shows the rows of the next step before its tasks start. The result is mapped over, so it cannot
        # contain the number.
        context["ti"].xcom_push(key=SHARDED_ROWS, value=len(row_ids))
        return list(range(len(parts)))

    def lineage(self, result: ShardNumbers | None) -> TaskLineage:
        """Return what the task reads and writes."""
        from bedrock_distill.lineage.data_steps import shard_lineage

        return shard_lineage(self.folder, self.rows, result)

    def _row_ids(self, source: str) -> set[str]:
        """Return the ids of the rows to split. Only ids and groups are held in memory."""
        rows: list[RowName] = [
            {"row_id": row["row_id"], "group": row["group"]} for row in stream_jsonl(self.store, source, Row)
        ]
        return {row["row_id"] for row in (rows_for_teacher(self.use_case, rows) if self.rows == "train" else rows)}
