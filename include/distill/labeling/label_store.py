"""
What people said, where it is kept, and what of it counts.

A label is of two texts, not of two arms: a run that is done again with another model or prompt gives other answers to
the same questions. So each label keeps the hash of the answers that its labeller saw, and counts only while the run's
answers are those. Nothing is deleted: should a run's answers be the old ones again, their labels count again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from include.distill.config.layout import RunFolder
from include.distill.core.naming import digest
from include.distill.core.storage import ObjectStore, Record, read_jsonl, write_jsonl

AnswersByArm = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class MatchedLabels:
    """
    Labels, held against a run's answers.

    :param counted: those of the very answers that the run has.
    :param changed: how many are of answers that the run no longer has.
    :param unmarked: how many do not say which answers they are of, as those that an earlier version stored.
    """

    counted: Sequence[Record]
    changed: int
    unmarked: int

    def as_record(self) -> dict[str, int]:
        """The counts as they stand in ``report.json``."""
        return {"counted": len(self.counted), "changed": self.changed, "unmarked": self.unmarked}


def answers_hash(candidate: str, baseline: str) -> str:
    """Return what a label keeps of the two answers that it is of."""
    return digest(candidate, baseline)


def match_labels(labels: Sequence[Record], answers: AnswersByArm) -> MatchedLabels:
    """
    Return which labels are of ``answers``, and how many are not.

    :param answers: per arm, the answer of each row id.
    """
    marked = [label for label in labels if label.get("answers")]
    counted = [label for label in marked if label["answers"] == _hash_now(label, answers)]
    return MatchedLabels(counted, changed=len(marked) - len(counted), unmarked=len(labels) - len(marked))


def _hash_now(label: Mapping[str, Any], answers: AnswersByArm) -> str | None:
    """Return the hash of the answers that the run has; ``None`` when an arm or the question is no longer there."""
    given = [answers.get(label[arm], {}).get(label["row_id"]) for arm in ("candidate", "baseline")]
    candidate, baseline = given
    return None if candidate is None or baseline is None else answers_hash(candidate, baseline)


def store_labels(store: ObjectStore, folder: RunFolder, labels: Sequence[Record]) -> None:
    """Add labels to those of their labeller; two answers that were labelled before take the new one."""
    for labeller in sorted({label["labeller"] for label in labels}):
        uri = folder.labels_by(labeller)
        before = read_jsonl(store, uri) if store.exists(uri) else []
        merged = {_item(label): label for label in [*before, *labels] if label["labeller"] == labeller}
        write_jsonl(store, uri, merged.values())


def read_labels(store: ObjectStore, folder: RunFolder) -> list[Record]:
    """Return the labels of everybody who labelled something of the run, whatever its answers were then."""
    return [label for uri in store.list(folder.labels) for label in read_jsonl(store, uri)]


def _item(label: Mapping[str, Any]) -> tuple[str | None, ...]:
    return label["candidate"], label["baseline"], label["row_id"], label.get("answers")
