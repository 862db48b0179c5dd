"""
Compute the figures of a data card: distributions of lengths and grounding, frequent topic words, and example pairs.

Records are counted while they are written. Memory use depends on the number of different values and words, not on the
number of records. The example pairs are the ten with the smallest seeded hashes, so the order of the records does not
affect the selection.
"""

from __future__ import annotations

import hashlib
import heapq
import math
from collections import Counter
from collections.abc import Iterable, Iterator

from include.distill.curation.records import Pair, PairText
from include.distill.dataset.records import Row, RowTexts
from include.distill.inference.records import WrittenPair
from include.distill.text.normalization import strip_punctuation
from include.distill.training.records import CardFigureRecord, HistogramBin, TopicWord

# Inclusive upper bounds of the bins, in characters or as a share. One more bin counts all values above the last bound.
QUESTION_BINS = (20, 40, 60, 80, 120, 160, 240, 400)
DOCUMENT_BINS = (500, 1000, 2000, 4000, 8000, 16_000, 32_000)
ANSWER_BINS = (25, 50, 100, 200, 400, 800, 1600, 3200, 6400)
GROUNDING_BINS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99)
TOPIC_WORDS_SHOWN = 15
PAIRS_TO_READ = 10
_MAX_TOPIC_WORDS = 50_000
_BINS: dict[str, tuple[float, ...]] = {
    "document": DOCUMENT_BINS,
    "question": QUESTION_BINS,
    "answer": ANSWER_BINS,
    "grounding": GROUNDING_BINS,
}


class CardFigures:
    """
    Count the records of a training set for its data card.

    :param seed: seed of the hash that selects the example pairs.
    """

    def __init__(self, *, seed: int) -> None:
        self._seed = seed
        self._values: dict[str, Counter[float]] = {}  # number of occurrences of each value, by distribution
        self._topic_words: Counter[str] = Counter()
        self._drawn: list[tuple[int, str, int, WrittenPair]] = []  # a heap; the first pair is the next to be replaced

    def count_originals(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Count the original rows of the dataset and yield them unchanged."""
        for row in rows:
            self.add_original(row)
            yield row

    def count_documents(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Count the documents of original rows, and yield the rows unchanged."""
        for row in rows:
            self._add_value("document_characters_originals", len(row["document"]))
            yield row

    def count_pairs(self, pairs: Iterable[Pair]) -> Iterator[Pair]:
        """Count the teacher's pairs and yield them unchanged."""
        for pair in pairs:
            self.add_pair(pair)
            yield pair

    def add_original(self, row: RowTexts) -> None:
        """Count one original row of the dataset."""
        self._add_value("question_characters_originals", len(row["question"]))
        self._add_value("answer_characters_originals", len(row["answer"]))

    def add_pair(self, pair: PairText) -> None:
        """Count one of the teacher's pairs."""
        self._add_value("question_characters_synthetic", len(pair["question"]))
        self._add_value("answer_characters_synthetic", len(pair["answer"]))
        if "grounding" in pair:
            self._add_value("grounding_synthetic", pair["grounding"])
        for word in set(strip_punctuation(pair["topic"]).split()):
            if word in self._topic_words or len(self._topic_words) < _MAX_TOPIC_WORDS:
                self._topic_words[word] += 1
        self._draw(pair)

    def _add_value(self, distribution: str, value: float) -> None:
        self._values.setdefault(distribution, Counter())[value] += 1

    def _draw(self, pair: PairText) -> None:
        """Keep ``pair`` if it is among the ten with the smallest hashes so far."""
        identity = "\x1f".join((str(self._seed), pair["row_id"], str(pair["pair"])))
        rank = -int.from_bytes(hashlib.sha256(identity.encode()).digest()[:8])
        texts: WrittenPair = {"question": pair["question"], "answer": pair["answer"], "topic": pair["topic"]}
        # Tuples are compared from the left. Row id and pair number together are unique, so texts are never compared.
        entry = (rank, pair["row_id"], pair["pair"], texts)
        if len(self._drawn) < PAIRS_TO_READ:
            heapq.heappush(self._drawn, entry)
        elif rank > self._drawn[0][0]:
            heapq.heapreplace(self._drawn, entry)

    def as_record(self) -> CardFigureRecord:
        """Return the figures as the record that the data card contains."""
        return {
            "distributions": self._distributions(),
            "topic_words": self._frequent_topic_words(),
            "to_read": [pair for *_, pair in sorted(self._drawn, key=lambda entry: -entry[0])],
        }

    def _distributions(self) -> dict[str, list[HistogramBin]]:
        import pandas as pd

        values = pd.DataFrame(
            [(name, value, count) for name, counts in self._values.items() for value, count in counts.items()],
            columns=["distribution", "value", "count"],
        )
        distributions: dict[str, list[HistogramBin]] = {}
        for name, table in values.groupby("distribution"):
            bounds = _BINS[str(name).partition("_")[0]]
            bins = pd.cut(table["value"], [-math.inf, *bounds, math.inf], labels=False)
            counts = table.groupby(bins)["count"].sum().reindex(range(len(bounds) + 1), fill_value=0)
            distributions[str(name)] = [
                {"up_to": bound, "count": int(count)} for bound, count in zip([*bounds, None], counts, strict=True)
            ]
        return distributions

    def _frequent_topic_words(self) -> list[TopicWord]:
        import pandas as pd

        words = pd.DataFrame(self._topic_words.items(), columns=["word", "pairs"])
        # With the second key, the order of equally frequent words does not depend on the order of the pairs.
        frequent = words.sort_values(["pairs", "word"], ascending=[False, True]).head(TOPIC_WORDS_SHOWN)
        return [
            {"word": str(word), "pairs": int(pairs)}
            for word, pairs in zip(frequent["word"], frequent["pairs"], strict=True)
        ]
