"""From CSV to rows."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from bedrock_distill.operators.base import DistillOperator, Manifest
from bedrock_distill.ui.links import REJECTED_ROWS_LINK
from include.distill.core.storage import stream_jsonl, write_jsonl
from include.distill.dataset.arm_rows import rows_for_teacher
from include.distill.dataset.ingestion import ingest
from include.distill.dataset.records import Row, RowName
from include.distill.dataset.row_changes import compare_with_last_run
from include.distill.dataset.splits import shards

if TYPE_CHECKING:
    from airflow.sdk import Context


class IngestCsvOperator(DistillOperator):
    """
    Read the CSV files into training and evaluation rows.

    Every record is either accepted or lies in ``source/rejected.jsonl`` with line, column, reason and its text. Rows
    are streamed: memory holds hashes of them. Without an evaluation file, documents are split, and the split is kept
    for later runs. Buys nothing; a retry reads again and writes the same.

    :return: ``{"rows", "accepted", "rejected", "train", "evaluation", "reasons", "changes"}``, as in ``report.json``'s
        ``source``; ``changes`` against the last run of the use case.
    :raises InputError: a file cannot be read as CSV, or no usable row is left.
    """

    operator_extra_links = (REJECTED_ROWS_LINK,)
    ui_color = "#e6f4ea"

    def execute(self, context: Context) -> Manifest:
        """Read, split, write, and return the counts."""
        ingested = ingest(
            self.use_case.source,
            store=self.store,
            folder=self.folder,
            splits_uri=self.folder.splits(self.use_case.name),
            seed=self.use_case.seed,
        )
        for message in ingested.messages:
            self.log.warning("Rejected: %s", message)
        changes = compare_with_last_run(self.store, self.folder, use_case=self.use_case, prompts=self.prompts)
        if changes["since"]:
            self.log.info("Since the last run: %s", changes)
        return {**ingested.manifest(), "changes": changes}


class ShardRowsOperator(DistillOperator):
    """
    Cut rows into shards, one per mapped task.

    One row per task up to ``max_tasks``, equal batches above. Free; a retry writes the same.

    :param rows: ``"train"``, of which only the rows are cut that the teacher is sent, or ``"evaluation"``.
    :param max_tasks: at most this many tasks.
    :return: the numbers of the shards, to map over.
    """

    ui_color = "#e6f4ea"

    def __init__(self, *, rows: str, max_tasks: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rows = rows
        self.max_tasks = max_tasks

    def execute(self, context: Context) -> list[int]:
        """Write one object per shard and return their numbers."""
        source = self.folder.source(self.rows)
        chosen = self._chosen(source)
        parts = shards(len(chosen), self.max_tasks)
        records = (row for row in stream_jsonl(self.store, source) if row["row_id"] in chosen)
        for number, part in enumerate(parts):
            write_jsonl(self.store, self.folder.shard(self.rows, number), islice(records, len(part)))
        return list(range(len(parts)))

    def _chosen(self, source: str) -> set[str]:
        """Return the ids of the rows to cut. Of the rest of a row only what it is held out by is kept in memory."""
        rows: list[RowName] = [
            {"row_id": row["row_id"], "group": row["group"]} for row in stream_jsonl(self.store, source, Row)
        ]
        return {row["row_id"] for row in (rows_for_teacher(self.use_case, rows) if self.rows == "train" else rows)}
