"""
What a training set looks like, gathered record by record: lengths, grounding, topics, and ten pairs to read.

Everything is counted in bins or bounded, so that memory does not grow with the rows; the same records give the same
figures. The pairs to read are drawn by a seeded hash of what they are, which no order changes.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from include.distill.core.storage import Record
from include.distill.text.normalization import strip_punctuation

# Upper bounds in characters, about a factor of two apart; what is longer is in the last bin.
QUESTION_BINS = (20, 40, 60, 80, 120, 160, 240, 400)
ANSWER_BINS = (25, 50, 100, 200, 400, 800, 1600, 3200, 6400)
GROUNDING_BINS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99)
TOPICS_SHOWN = 15
PAIRS_TO_READ = 10
_MOST_TOPIC_WORDS = 50_000


class CardFigures:
    """The figures of a data card. ``seed`` draws the pairs to read."""

    def __init__(self, *, seed: int) -> None:
        self._seed = seed
        self._bins: dict[str, Counter[int]] = {}
        self._topics: Counter[str] = Counter()
        self._drawn: list[tuple[int, str, int, Record]] = []

    def count_originals(self, rows: Iterable[Record]) -> Iterator[Record]:
        """Count the team's own rows as they pass."""
        for row in rows:
            self.add_original(row)
            yield row

    def count_pairs(self, pairs: Iterable[Record]) -> Iterator[Record]:
        """Count the teacher's pairs as they pass."""
        for pair in pairs:
            self.add_pair(pair)
            yield pair

    def add_original(self, row: Record) -> None:
        """Count a row of the team's own."""
        self._count("question_characters_originals", len(row["question"]), QUESTION_BINS)
        self._count("answer_characters_originals", len(row["answer"]), ANSWER_BINS)

    def add_pair(self, pair: Record) -> None:
        """Count a pair that the teacher wrote."""
        self._count("question_characters_synthetic", len(pair["question"]), QUESTION_BINS)
        self._count("answer_characters_synthetic", len(pair["answer"]), ANSWER_BINS)
        if "grounding" in pair:
            self._count("grounding_synthetic", pair["grounding"], GROUNDING_BINS)
        for word in set(strip_punctuation(pair["topic"]).split()):
            if word in self._topics or len(self._topics) < _MOST_TOPIC_WORDS:
                self._topics[word] += 1
        self._draw(pair)

    def _count(self, name: str, value: float, bins: tuple[float, ...]) -> None:
        place = next((index for index, bound in enumerate(bins) if value <= bound), len(bins))
        self._bins.setdefault(name, Counter())[place] += 1

    def _draw(self, pair: Record) -> None:
        what = "\x1f".join((str(self._seed), pair["row_id"], str(pair["pair"])))
        rank = -int.from_bytes(hashlib.sha256(what.encode()).digest()[:8])
        # A record is never compared: row and number are one pair's own.
        entry = (rank, pair["row_id"], pair["pair"], {name: pair[name] for name in ("question", "answer", "topic")})
        if len(self._drawn) < PAIRS_TO_READ:
            heapq.heappush(self._drawn, entry)
        elif rank > self._drawn[0][0]:
            heapq.heapreplace(self._drawn, entry)

    def as_record(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        bounds = {"question": QUESTION_BINS, "answer": ANSWER_BINS, "grounding": GROUNDING_BINS}
        distributions = {
            name: [
                {"up_to": bound, "count": counts[place]}
                for place, bound in enumerate([*bounds[name.partition("_")[0]], None])
            ]
            for name, counts in sorted(self._bins.items())
        }
        # Counter.most_common leaves the order of equals to that of the pairs, which is theirs in the file.
        topics = sorted(self._topics.items(), key=lambda item: (-item[1], item[0]))[:TOPICS_SHOWN]
        drawn = sorted(self._drawn, key=lambda entry: -entry[0])
        return {
            "distributions": distributions,
            "topic_words": [{"word": word, "pairs": count} for word, count in topics],
            "to_read": [pair for *_, pair in drawn],
        }
