"""
Store the side of each document for later runs of a use case, in ``<prefix>/splits/<use case>.jsonl``.

An evaluation document never becomes a training document later. A training document becomes an evaluation document only
if it now counts as the same document as an evaluation document. The first line of the object has the seed. If a run
uses another seed, all sides are drawn again. To start over, delete the object.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from include.distill.core.formats import marked
from include.distill.core.storage import ObjectStore, stream_jsonl, write_jsonl
from include.distill.core.stored_objects import broken_record
from include.distill.dataset.document_groups import DocumentGroups
from include.distill.dataset.group_split import Split
from include.distill.dataset.records import Side, SplitEntry, SplitSeed


class StoredSplit:
    """
    The side of each document of a use case, training or evaluation, drawn with ``seed`` and stored at ``uri``.

    A run replaces the object once, after the run's rows are written. A retry of the run puts each row on the same side
    as before, whether the first attempt replaced the object or not.
    """

    def __init__(self, store: ObjectStore, uri: str, *, seed: int) -> None:
        self._store = store
        self._uri = uri
        self._seed = seed
        # Whether each document is on the evaluation side, by the first 8 bytes of the document's sha256. A bool takes
        # less memory than the name of the side.
        self._is_evaluated: dict[bytes, bool] = {}
        if store.exists(uri):
            entries = stream_jsonl(store, uri, SplitEntry, head=SplitSeed)
            first = cast(SplitSeed | None, next(entries, None))
            if first and first["seed"] == seed:
                self._is_evaluated = {
                    _document_key(entry["document"], uri): entry["side"] == "evaluation" for entry in entries
                }

    def __len__(self) -> int:
        return len(self._is_evaluated)

    def sides_of(self, groups: DocumentGroups) -> dict[int, Side]:
        """Return the stored side of each document that has one, by its number in ``groups``."""
        sides: dict[int, Side] = {}
        for key, number in groups.ids().items():
            is_evaluated = self._is_evaluated.get(key)
            # Texts that now count as one document may have been on different sides in earlier runs. Such a document is
            # used only for evaluation.
            if is_evaluated is not None and sides.get(number) != "evaluation":
                sides[number] = _side(is_evaluated)
        return sides

    def remember(self, groups: DocumentGroups, split: Split) -> None:
        """Store the sides of new documents; stored sides do not change. A dropped document has no side to store."""
        new = {key: split.sides[number] == "evaluation" for key, number in groups.ids().items() if split.sides[number]}
        merged = new | self._is_evaluated
        if merged != self._is_evaluated:
            self._is_evaluated = merged
            write_jsonl(self._store, self._uri, self._records())

    def _records(self) -> Iterator[SplitSeed | SplitEntry]:
        yield cast(SplitSeed, marked({"seed": self._seed}))
        for key, is_evaluated in self._is_evaluated.items():
            yield {"document": key.hex(), "side": _side(is_evaluated)}


def _document_key(document: str, uri: str) -> bytes:
    try:
        return bytes.fromhex(document)
    except ValueError as error:
        raise broken_record(uri, "has a document that is not a hexadecimal number") from error


def _side(is_evaluated: bool) -> Side:
    return "evaluation" if is_evaluated else "train"
