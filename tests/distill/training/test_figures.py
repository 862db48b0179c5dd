from __future__ import annotations

import itertools
import random

import pytest

from include.distill.curation.records import PairText
from include.distill.dataset.records import RowTexts
from include.distill.training.figures import (
    ANSWER_BINS,
    GROUNDING_BINS,
    PAIRS_TO_READ,
    QUESTION_BINS,
    TOPIC_WORDS_SHOWN,
    CardFigures,
)
from include.distill.training.records import CardFigureRecord


def original(question: str = "q?", answer: str = "a") -> RowTexts:
    return {"document": "d", "question": question, "answer": answer}


def pair(number: int = 0, *, row: str = "r", topic: str = "t", grounding: float = 1, **texts: str) -> PairText:
    made: PairText = {
        "row_id": row,
        "pair": number,
        "question": texts.get("question", "q?"),
        "answer": texts.get("answer", "a"),
        "topic": topic,
        "grounding": grounding,
    }
    return made


def figures_of(pairs: list[PairText], originals: list[RowTexts] | None = None, *, seed: int = 1) -> CardFigureRecord:
    figures = CardFigures(seed=seed)
    for row in originals or []:
        figures.add_original(row)
    for one in pairs:
        figures.add_pair(one)
    return figures.as_record()


def counts(record: CardFigureRecord, name: str) -> list[int]:
    return [bin_["count"] for bin_ in record["distributions"][name]]


class TestDistributions:
    def test_a_bin_includes_its_upper_bound(self) -> None:
        rows = [original("x" * characters) for characters in (20, 21, 40, 400, 401, 5_000)]
        record = figures_of([], rows)
        assert record["distributions"]["question_characters_originals"] == [
            {"up_to": 20, "count": 1},
            {"up_to": 40, "count": 2},
            {"up_to": 60, "count": 0},
            {"up_to": 80, "count": 0},
            {"up_to": 120, "count": 0},
            {"up_to": 160, "count": 0},
            {"up_to": 240, "count": 0},
            {"up_to": 400, "count": 1},
            {"up_to": None, "count": 2},
        ]

    @pytest.mark.parametrize(
        ("name", "bounds"),
        [
            ("question_characters_synthetic", QUESTION_BINS),
            ("answer_characters_synthetic", ANSWER_BINS),
            ("grounding_synthetic", GROUNDING_BINS),
        ],
    )
    def test_every_bound_has_a_bin_and_larger_values_have_a_further_bin(
        self, name: str, bounds: tuple[float, ...]
    ) -> None:
        bins = figures_of([pair()])["distributions"][name]
        assert [bin_["up_to"] for bin_ in bins] == [*bounds, None]
        assert sum(bin_["count"] for bin_ in bins) == 1

    def test_originals_and_pairs_are_counted_separately_and_the_distributions_are_sorted_by_name(self) -> None:
        record = figures_of([pair(number, answer="x" * 30) for number in range(3)], [original()] * 2)
        assert list(record["distributions"]) == [
            "answer_characters_originals",
            "answer_characters_synthetic",
            "grounding_synthetic",
            "question_characters_originals",
            "question_characters_synthetic",
        ]
        assert counts(record, "answer_characters_originals")[:2] == [2, 0]
        assert counts(record, "answer_characters_synthetic")[:2] == [0, 3]

    def test_grounding_is_counted_in_bins_that_include_their_upper_bounds(self) -> None:
        record = figures_of([pair(number, grounding=value) for number, value in enumerate((0, 0.4, 0.401, 0.99, 1))])
        assert counts(record, "grounding_synthetic") == [2, 1, 0, 0, 0, 0, 1, 1]

    def test_pairs_of_earlier_versions_have_no_grounding(self) -> None:
        old = pair()
        del old["grounding"]
        assert "grounding_synthetic" not in figures_of([old])["distributions"]

    def test_there_are_no_figures_without_records(self) -> None:
        assert figures_of([]) == {"distributions": {}, "topic_words": [], "to_read": []}


class TestTopicWords:
    def test_a_word_is_counted_once_per_pair_whatever_its_case_and_punctuation(self) -> None:
        record = figures_of([pair(0, topic="Buckets, buckets & names"), pair(1, topic="BUCKETS")])
        assert record["topic_words"] == [
            {"word": "buckets", "pairs": 2},
            {"word": "&", "pairs": 1},
            {"word": "names", "pairs": 1},
        ]

    def test_the_most_frequent_topic_words_are_shown_and_ties_are_in_alphabetical_order(self) -> None:
        words = [f"w{number:02}" for number in range(20)]
        pairs = [pair(number, topic=word) for number, word in enumerate([*reversed(words), "w19"])]
        shown = figures_of(pairs)["topic_words"]
        assert [word["word"] for word in shown] == ["w19", *words[: TOPIC_WORDS_SHOWN - 1]]


PAIRS = [pair(number, row=row, question=f"{row} {number}?") for row in ("r", "s") for number in range(30)]


class TestPairsToRead:
    def test_ten_pairs_to_read_are_drawn_with_only_their_texts(self) -> None:
        drawn = figures_of(PAIRS)["to_read"]
        assert len(drawn) == PAIRS_TO_READ
        assert {tuple(one) for one in drawn} == {("question", "answer", "topic")}

    def test_the_drawn_pairs_depend_on_the_seed_but_not_on_the_order_of_all_pairs(self) -> None:
        shuffled = random.Random(1).sample(PAIRS, len(PAIRS))
        assert figures_of(shuffled)["to_read"] == figures_of(PAIRS)["to_read"]
        assert figures_of(PAIRS, seed=2)["to_read"] != figures_of(PAIRS)["to_read"]

    def test_every_pair_can_be_drawn(self) -> None:
        drawn = [figures_of(PAIRS, seed=seed)["to_read"] for seed in range(60)]
        assert len({one["question"] for one in itertools.chain.from_iterable(drawn)}) == len(PAIRS)


def test_pairs_are_counted_while_they_are_passed_through_unchanged() -> None:
    figures = CardFigures(seed=1)
    document_pair = {**pair(), "document": "d"}
    assert list(figures.count_pairs([document_pair])) == [document_pair]  # type: ignore[list-item]
    assert counts(figures.as_record(), "question_characters_synthetic")[0] == 1
