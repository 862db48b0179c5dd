"""
Know how common the words of a domain are, from the sentences that a model has read.

Continued pre-training shows a model documents without questions or answers. The simulated student learns from them
which words are common in their domain. When it then looks for the answer to a question in a document, a word that is
common in the domain counts for less, and a rare word counts for more.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Vocabulary:
    """The number of sentences that a model has read, and for each stem the number of sentences that contain it."""

    sentences: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    @classmethod
    def from_json(cls, stored: Any) -> Vocabulary:
        """Return the vocabulary that :meth:`to_json` described."""
        return cls(stored["sentences"], Counter(stored["counts"]))

    def to_json(self) -> dict[str, Any]:
        """Return the vocabulary as a JSON value."""
        return {"sentences": self.sentences, "counts": dict(self.counts)}

    def after_reading(self, sentences: Iterable[frozenset[str]]) -> Vocabulary:
        """Return the vocabulary after further sentences. Each sentence is given as the set of its stems."""
        counts, number = Counter(self.counts), self.sentences
        for stems in sentences:
            counts.update(stems)
            number += 1
        return Vocabulary(number, counts)


NOTHING_READ = Vocabulary()
