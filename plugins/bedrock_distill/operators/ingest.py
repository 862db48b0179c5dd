"""From CSV to rows."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from bedrock_distill.links import REJECTED_ROWS
from bedrock_distill.operators.base import DistillOperator, Manifest
from include.distill.documents import Ingestion, drop_leaks, read_rows, shards, split_by_document
from include.distill.errors import InputError
from include.distill.input_files import read_input
from include.distill.storage import Record, stream_jsonl, write_jsonl

if TYPE_CHECKING:
    from airflow.sdk import Context


class IngestCsvOperator(DistillOperator):
    """
    Read the CSV files into training and evaluation rows.

    Every record is either accepted or lies in ``source/rejected.jsonl`` with line, column, reason and its text. Buys
    nothing; a retry reads again and writes the same.

    :return: ``{"rows", "accepted", "rejected", "train", "evaluation"}``, as in ``report.json``'s ``source``.
    :raises InputError: a file cannot be read as CSV, or no usable row is left.
    """

    operator_extra_links = (REJECTED_ROWS,)
    ui_color = "#e6f4ea"

    def execute(self, context: Context) -> Manifest:
        """Read, split, write, and return the counts."""
        train, evaluation, rejected = self._split()
        counts = {
            "rows": len(train) + len(evaluation) + len(rejected),
            "accepted": len(train) + len(evaluation),
            "rejected": len(rejected),
            "train": len(train),
            "evaluation": len(evaluation),
        }
        if not train or not evaluation:
            message = (
                f"No usable rows: {len(train)} to train on, {len(evaluation)} to evaluate, {len(rejected)} rejected."
                f" First reason: {rejected[0]['message'] if rejected else 'the files hold no records'}"
            )
            raise InputError(message)
        for name, rows in {
            "documents": [*train, *evaluation],
            "train": train,
            "evaluation": evaluation,
            "rejected": rejected,
        }.items():
            write_jsonl(self.store, self.folder.source(name), rows)
        for reject in rejected[:20]:
            self.log.warning("Rejected: %s", reject["message"])
        return counts

    def _split(self) -> tuple[list[Record], list[Record], list[Record]]:
        """Return training rows, evaluation rows and rejects."""
        source = self.use_case.source
        training = self._read(source.training_csv, source.documents)
        if not source.evaluation_csv:
            train, held_out = split_by_document(
                training.accepted, share=source.evaluation_share, seed=self.use_case.seed
            )
            return train, held_out, training.rejected
        evaluation = self._read(source.evaluation_csv, source.evaluation_rows)
        train, leaked = drop_leaks(training.accepted, evaluation.accepted)
        return train, evaluation.accepted, [*training.rejected, *evaluation.rejected, *leaked]

    def _read(self, uri: str, limit: int | None) -> Ingestion:
        source = self.use_case.source
        ingestion = read_rows(
            read_input(uri, self.store),
            source=uri.rsplit("/", 1)[-1],
            encoding=source.encoding,
            columns=source.columns,
            max_document_characters=source.max_document_characters,
        )
        if limit is None:
            return ingestion
        return Ingestion(
            [row for row in ingestion.accepted if row["row"] <= limit],
            [row for row in ingestion.rejected if row["row"] <= limit],
        )


class ShardRowsOperator(DistillOperator):
    """
    Cut rows into shards, one per mapped task.

    One row per task up to ``max_tasks``, equal batches above. Free; a retry writes the same.

    :param rows: ``"train"`` or ``"evaluation"``.
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
        parts = shards(sum(1 for _ in stream_jsonl(self.store, source)), self.max_tasks)
        records = stream_jsonl(self.store, source)
        for number, part in enumerate(parts):
            write_jsonl(self.store, self.folder.shard(self.rows, number), islice(records, len(part)))
        return list(range(len(parts)))
