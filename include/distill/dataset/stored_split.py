"""
Keep the side of each document from run to run of a use case, in ``<prefix>/splits/<use case>.jsonl``.

A document that was once evaluated is never trained on later, and the other way round. The first line of the object
holds the seed; with another seed the sides are drawn again. To start over, delete the object.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from include.distill.core.storage import ObjectStore, stream_jsonl, write_jsonl
from include.distill.dataset.document_groups import DocumentGroups, Split
from include.distill.dataset.records import Side, SplitEntry, SplitSeed


class StoredSplit:
    """
    Read the sides stored at ``uri`` that were decided with ``seed``.

    A run replaces the object once, after its rows are written. A retry decides the same, because the same rows get the
    same sides with and without the object.
    """

    def __init__(self, store: ObjectStore, uri: str, *, seed: int) -> None:
        self._store = store
        self._uri = uri
        self._seed = seed
        # By the first 8 bytes of a document's sha256: whether it is evaluated. A bool takes less memory than a text.
        self._is_evaluated: dict[bytes, bool] = {}
        if store.exists(uri):
            entries = stream_jsonl(store, uri, SplitEntry)
            head = cast(SplitSeed | None, next(entries, None))  # the first line alone is another record
            if head and head.get("seed") == seed:
                self._is_evaluated = {
                    bytes.fromhex(entry["document"]): entry["side"] == "evaluation" for entry in entries
                }

    def __len__(self) -> int:
        return len(self._is_evaluated)

    def sides_of(self, groups: DocumentGroups) -> dict[int, Side]:
        """Return the stored side of each document that has one, by its number in ``groups``."""
        sides: dict[int, Side] = {}
        for key, number in groups.ids().items():
            is_evaluated = self._is_evaluated.get(key)
            # Texts of one document can have different sides from earlier runs. Then it is evaluated, never trained on.
            if is_evaluated is not None and sides.get(number) != "evaluation":
                sides[number] = _side(is_evaluated)
        return sides

    def remember(self, groups: DocumentGroups, split: Split) -> None:
        """Store old and new sides, if there are new ones; a document that was dropped has none."""
        new = {key: split.sides[number] == "evaluation" for key, number in groups.ids().items() if split.sides[number]}
        merged = new | self._is_evaluated
        if merged != self._is_evaluated:
            self._is_evaluated = merged
            write_jsonl(self._store, self._uri, self._records())

    def _records(self) -> Iterator[SplitSeed | SplitEntry]:
        yield {"seed": self._seed}
        for key, is_evaluated in self._is_evaluated.items():
            yield {"document": key.hex(), "side": _side(is_evaluated)}


def _side(is_evaluated: bool) -> Side:
    return "evaluation" if is_evaluated else "train"
