"""
Define the thresholds of the grounding check, per form of answer and per kind of writing.

The values drop few faithful answers and leave few of them undecided. They were chosen with the hand-written
sets ``calibration`` and ``test``, and with the answers of the sample data. Each answer of the sample data was compared
with the document of another row, which rarely supports the answer. The hand-written set ``held_out`` was not used to
choose the values. ``docs/explanation/curation.md`` states how many answers of ``held_out`` are dropped or undecided.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Form = Literal["prose", "list", "table", "yes_no", "short"]
Writing = Literal["words", "characters"]


@dataclass(frozen=True)
class Coverage:
    """
    Limits for the share of the answer's content words that the document or the question contains.

    :param undecided_below: below this share, an answer is undecided.
    :param dropped_at: at this share or less, an answer is dropped as unrelated to its document.
    :param min_stems: an answer with fewer different content words is not measured.
    """

    undecided_below: float
    dropped_at: float
    min_stems: int


# "characters" applies to languages without spaces, whose content words are pairs of characters.
COVERAGE: dict[tuple[Form, Writing], Coverage] = {
    ("prose", "words"): Coverage(undecided_below=0.30, dropped_at=0.15, min_stems=4),
    ("list", "words"): Coverage(undecided_below=0.30, dropped_at=0.15, min_stems=4),
    ("table", "words"): Coverage(undecided_below=0.30, dropped_at=0.15, min_stems=4),
    ("yes_no", "words"): Coverage(undecided_below=0.20, dropped_at=0.0, min_stems=5),
    ("short", "words"): Coverage(undecided_below=0.20, dropped_at=-1, min_stems=1),
    ("prose", "characters"): Coverage(undecided_below=0.15, dropped_at=0.04, min_stems=8),
    ("list", "characters"): Coverage(undecided_below=0.15, dropped_at=0.04, min_stems=8),
    ("table", "characters"): Coverage(undecided_below=0.15, dropped_at=0.04, min_stems=8),
    ("yes_no", "characters"): Coverage(undecided_below=0.10, dropped_at=0.0, min_stems=8),
    ("short", "characters"): Coverage(undecided_below=0.10, dropped_at=-1, min_stems=2),
}
SHORT_STEMS = 6  # an answer with at most this many content words is short
SMALL_COUNT = 10  # a count up to this value may be the number of things that the document lists


@dataclass(frozen=True)
class Unrelated:
    """
    Limits for the content words that are in the answer but not in its question.

    The limits apply to the share of these added words that the document contains.

    :param undecided_below: below this share, the answer is undecided.
    :param dropped_at: at this share or less, the answer is dropped.
    :param min_stems: an answer with fewer different added words is not dropped.
    """

    undecided_below: float
    dropped_at: float
    min_stems: int


UNRELATED: dict[Writing, Unrelated] = {
    "words": Unrelated(undecided_below=0.25, dropped_at=0.2, min_stems=8),
    "characters": Unrelated(undecided_below=0.1, dropped_at=0.04, min_stems=12),
}
