"""Write the accepted and rejected pairs of one shard of rows, and build the label that names the shard for readers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from types import TracebackType

from include.distill.config.layout import RunFolder
from include.distill.core.storage import ObjectStore, jsonl_writer
from include.distill.dataset.records import Row, RowTokens
from include.distill.dataset.splits import row_tokens
from include.distill.synthesis.records import FailedRow
from include.distill.synthesis.teacher import SyntheticSamples


class ShardFiles:
    """Write a shard's three files in a ``with`` block. If the block raises an exception, none of them is stored."""

    def __init__(self, store: ObjectStore, folder: RunFolder, number: int) -> None:
        self._store = store
        self._uris = (folder.synthetic(number), folder.synthetic_texts(number), folder.synthetic_rejected(number))
        self._open = ExitStack()
        self.failed = 0

    def __enter__(self) -> ShardFiles:
        """Open the three files."""
        self._accepted, self._texts, self._rejected = (
            self._open.enter_context(jsonl_writer(self._store, uri)) for uri in self._uris
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Store all three files, or none of them if the block raised an exception."""
        self._open.__exit__(kind, error, traceback)

    def write(self, samples: SyntheticSamples) -> None:
        """Write the pairs of one row. Accepted pairs are written to two files, with and without their document."""
        for pair in samples.accepted:
            self._accepted(pair)
            self._texts({name: value for name, value in pair.items() if name != "document"})
        for rejected in samples.rejected:
            self._rejected(rejected)
        for surplus in samples.surplus:
            self._rejected({**surplus, "surplus": True})

    def write_failed(self, failed: FailedRow) -> None:
        """Write a row for which the model gave no answer to the file of rejected pairs, and count the row."""
        self.failed += 1
        self._rejected(failed)


def summarize_shard(rows: Iterable[Row]) -> tuple[str, list[RowTokens]]:
    """Return a readable label for a shard, and the estimated tokens of each row's texts. Rows are streamed."""
    ends: list[Row] = []  # the first and the last row

    def remembered() -> Iterator[Row]:
        for row in rows:
            ends[1:] = [row]
            yield row

    sizes = row_tokens(remembered())
    return shard_label(ends), sizes


def shard_label(rows: Sequence[Row]) -> str:
    """Return a readable label for a shard: the range of its row numbers.

    Airflow stores the label in its database and writes it to its logs, so the label contains no text of a row.
    """
    first, last = rows[0], rows[-1]
    return f"row {first['row']}" if len(rows) == 1 else f"rows {first['row']} to {last['row']}"
