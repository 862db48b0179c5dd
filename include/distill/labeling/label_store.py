"""
Store people's labels, and match the labels with a run's answers.

A label is about two texts, not about two arms: if a run is repeated with another model or prompt, the same questions
get different answers. Each label therefore contains the hash of the two answers that the labeler saw, and counts only
while the run has these answers. Labels are never deleted. If a run gets its earlier answers back, their labels count
again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from include.distill.config.layout import RunFolder
from include.distill.core.formats import marked
from include.distill.core.naming import digest
from include.distill.core.storage import ObjectStore, read_jsonl, write_jsonl
from include.distill.labeling.records import Label, LabelCounts

AnswersByArm = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class MatchedLabels:
    """
    The labels of a run, matched with the run's answers.

    :param counted: labels on answers that the run still has.
    :param changed: number of labels on answers that the run no longer has.
    :param unmarked: number of labels without a hash of the answers. Earlier versions stored such labels.
    """

    counted: Sequence[Label]
    changed: int
    unmarked: int

    def as_record(self) -> LabelCounts:
        """Return the counts as they appear in ``report.json``."""
        return {"counted": len(self.counted), "changed": self.changed, "unmarked": self.unmarked}


def answers_hash(candidate: str, baseline: str) -> str:
    """Return the hash of two answers. A label is matched with its answers by this hash."""
    return digest(candidate, baseline)


def match_labels(labels: Sequence[Label], answers: AnswersByArm) -> MatchedLabels:
    """
    Select the labels that people gave to exactly these ``answers``, and count the other labels.

    :param answers: each arm's answers, by row id.
    """
    marked = [label for label in labels if label.get("answers")]
    counted = [label for label in marked if label.get("answers") == _present_hash(label, answers)]
    return MatchedLabels(counted, changed=len(marked) - len(counted), unmarked=len(labels) - len(marked))


def _present_hash(label: Label, answers: AnswersByArm) -> str | None:
    """Return the hash of the run's current answers to the labeled question, or ``None`` if an answer is missing."""
    candidate, baseline = _present_answer(label, "candidate", answers), _present_answer(label, "baseline", answers)
    return None if candidate is None or baseline is None else answers_hash(candidate, baseline)


def _present_answer(label: Label, arm: Literal["candidate", "baseline"], answers: AnswersByArm) -> str | None:
    return answers.get(label[arm], {}).get(label["row_id"])


def store_labels(store: ObjectStore, folder: RunFolder, labels: Sequence[Label]) -> None:
    """Store new labels. A new label replaces the same labeler's earlier label on the same answers."""
    for labeler in sorted({label["labeller"] for label in labels}):
        uri = folder.labels_by(labeler)
        before = read_jsonl(store, uri, Label) if store.exists(uri) else []
        merged = {_item(label): label for label in [*before, *labels] if label["labeller"] == labeler}
        write_jsonl(store, uri, map(marked, merged.values()))


def read_labels(store: ObjectStore, folder: RunFolder) -> list[Label]:
    """Read all labels of the run, including labels on answers that the run no longer has."""
    return [label for uri in store.list(folder.labels) for label in read_jsonl(store, uri, Label)]


def _item(label: Label) -> tuple[str | None, ...]:
    return label["candidate"], label["baseline"], label["row_id"], label.get("answers")
