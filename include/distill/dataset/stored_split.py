"""
The side of each document as earlier runs of a use case decided it: ``<prefix>/splits/<use case>.jsonl``.

What was once evaluated is never trained on, and what was trained on is not evaluated later. The first line holds the
seed: another seed draws anew. To start over, delete the object.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from include.distill.core.storage import ObjectStore, Record, stream_jsonl, write_jsonl
from include.distill.dataset.document_groups import DocumentGroups, Side, Split


class StoredSplit:
    """
    The decisions under ``uri`` that were made with ``seed``.

    A run replaces the object once, as a whole, after its rows are written; the same rows give the same sides with and
    without it, so a retry finds what it would have decided.
    """

    def __init__(self, store: ObjectStore, uri: str, *, seed: int) -> None:
        self._store = store
        self._uri = uri
        self._seed = seed
        self._evaluated: dict[bytes, bool] = {}
        if store.exists(uri):
            entries = stream_jsonl(store, uri)
            if next(entries, {}).get("seed") == seed:
                self._evaluated = {bytes.fromhex(entry["document"]): entry["side"] == "evaluation" for entry in entries}

    def __len__(self) -> int:
        return len(self._evaluated)

    def sides_of(self, groups: DocumentGroups) -> dict[int, Side]:
        """Return the side of every document that has one."""
        sides: dict[int, Side] = {}
        for key, number in groups.ids().items():
            evaluated = self._evaluated.get(key)
            if evaluated is not None and sides.get(number) != "evaluation":
                sides[number] = _side(evaluated)
        return sides

    def remember(self, groups: DocumentGroups, split: Split) -> None:
        """Write the decisions, old and new; dropped documents have none. An object that is right is left alone."""
        new = {key: split.sides[number] == "evaluation" for key, number in groups.ids().items() if split.sides[number]}
        merged = new | self._evaluated
        if merged != self._evaluated:
            self._evaluated = merged
            write_jsonl(self._store, self._uri, self._records())

    def _records(self) -> Iterator[Record]:
        head: dict[str, Any] = {"seed": self._seed}
        yield head
        for key, evaluated in self._evaluated.items():
            yield {"document": key.hex(), "side": _side(evaluated)}


def _side(evaluated: bool) -> Side:
    return "evaluation" if evaluated else "train"
