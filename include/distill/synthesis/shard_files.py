"""Write what the teacher's task makes of a shard of rows, and name the shard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from textwrap import shorten
from types import TracebackType

from include.distill.config.layout import RunFolder
from include.distill.core.storage import ObjectStore, jsonl_writer
from include.distill.dataset.records import Row, RowLengths
from include.distill.dataset.splits import text_lengths
from include.distill.synthesis.records import FailedRow
from include.distill.synthesis.teacher import SyntheticSamples


class ShardFiles:
    """The three objects of a shard's pairs. They exist when the block ends; when it raises, none is written."""

    def __init__(self, store: ObjectStore, folder: RunFolder, number: int) -> None:
        self._store = store
        self._uris = (folder.synthetic(number), folder.synthetic_texts(number), folder.synthetic_rejected(number))
        self._open = ExitStack()
        self.failed = 0

    def __enter__(self) -> ShardFiles:
        """Open all three."""
        self._accepted, self._texts, self._rejected = (
            self._open.enter_context(jsonl_writer(self._store, uri)) for uri in self._uris
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Put all three objects, or none when the block raised."""
        self._open.__exit__(kind, error, traceback)

    def write(self, samples: SyntheticSamples) -> None:
        """Add the result of a row. Accepted pairs are written twice: with the document, and without."""
        for pair in samples.accepted:
            self._accepted(pair)
            self._texts({name: value for name, value in pair.items() if name != "document"})
        for rejected in samples.rejected:
            self._rejected(rejected)
        for surplus in samples.surplus:
            self._rejected({**surplus, "surplus": True})

    def write_failed(self, failed: FailedRow) -> None:
        """Add a row that no model answered."""
        self.failed += 1
        self._rejected(failed)


def summarize_shard(rows: Iterable[Row]) -> tuple[str, list[RowLengths]]:
    """Return a readable name for a shard, and the lengths of its rows' texts. ``rows`` are read once and not kept."""
    ends: list[Row] = []  # the first row, then the last one

    def remembered() -> Iterator[Row]:
        for row in rows:
            ends[1:] = [row]
            yield row

    sizes = text_lengths(remembered())
    return shard_label(ends), sizes


def shard_label(rows: Sequence[Row]) -> str:
    """Return a readable name for a shard: the numbers of its rows and the first one's question."""
    first, last = rows[0], rows[-1]
    numbers = f"row {first['row']}" if len(rows) == 1 else f"rows {first['row']} to {last['row']}"
    return f"{numbers}: {shorten(first['question'], 60, placeholder=' …')}"
