"""What one synthesis task reads and writes: its rows, looked over once, and the pairs of each as they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from textwrap import shorten
from typing import Any

from include.distill.config.layout import RunFolder
from include.distill.core.storage import ObjectStore, Record, jsonl_writer
from include.distill.dataset.splits import text_lengths
from include.distill.synthesis.teacher import SyntheticSamples


class ShardFiles:
    """The objects that a shard's pairs go to; they are there when the block ends, and not when it raises."""

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

    def __exit__(self, *raised: Any) -> None:
        """Put all three, or none when the block raised."""
        self._open.__exit__(*raised)

    def write(self, samples: SyntheticSamples) -> None:
        """Add what came of a row."""
        for pair in samples.accepted:
            self._accepted(pair)
            self._texts({name: value for name, value in pair.items() if name != "document"})
        for record in samples.rejected:
            self._rejected(record)
        for record in samples.surplus:
            self._rejected({**record, "surplus": True})

    def write_failed(self, record: Record) -> None:
        """Add a row that was not answered for."""
        self.failed += 1
        self._rejected(record)


def summarize_shard(rows: Iterable[Record]) -> tuple[str, list[Record]]:
    """Return a name for a shard and the lengths of its rows' texts, which is all that is kept of them."""
    first: Record = {}
    last: Record = {}

    def passing() -> Iterator[Record]:
        nonlocal first, last
        for row in rows:
            first, last = first or row, row
            yield row

    sizes = text_lengths(passing())
    return shard_label([first] if len(sizes) == 1 else [first, last]), sizes


def shard_label(rows: Sequence[Record]) -> str:
    """Return a readable name for a shard: its rows, and what the first of them asks."""
    first, last = rows[0], rows[-1]
    numbers = f"row {first['row']}" if len(rows) == 1 else f"rows {first['row']} to {last['row']}"
    return f"{numbers}: {shorten(first['question'], 60, placeholder=' …')}"
