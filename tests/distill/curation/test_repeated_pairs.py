from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.layout import RunFolder
from include.distill.core.storage import write_jsonl
from include.distill.curation.filters import RepeatsOriginalFilter, RepeatsPairFilter
from include.distill.curation.records import PairText, RepeatedPair
from include.distill.curation.repeated_pairs import accepted_texts, curated_pairs, curated_texts, repeated_pairs
from tests.distill.conftest import make_row
from tests.fakes.memory_store import MemoryStore

FOLDER = RunFolder("s3://bucket/distill/runs/run-1")
VERSIONING = "How do I turn on versioning for an existing bucket?"


def pair(question: str, *, row: str = "r", number: int = 0) -> PairText:
    return {"row_id": row, "pair": number, "question": question, "answer": "a", "topic": "t"}  # type: ignore[typeddict-item]


def found(originals: list[str], pairs: list[PairText], threshold: float = 0.75) -> list[RepeatedPair]:
    rows: list[Any] = [make_row(number, question=question) for number, question in enumerate(originals)]
    return list(repeated_pairs(rows, pairs, threshold=threshold))


class TestRepeatedPairs:
    def test_the_message_about_a_repeated_question_states_that_it_belongs_to_another_row(self) -> None:
        (repeated,) = found([VERSIONING], [pair(VERSIONING.upper(), number=2)])
        folded = VERSIONING.lower().rstrip("?")
        assert repeated == {
            "row_id": "r",
            "filter": RepeatsOriginalFilter.name,
            "reason": "repeated_question",
            "message": f"The question repeats the question of another row: {folded!r} (similarity 1.00).",
            "text": {"question": VERSIONING.upper(), "answer": "a", "topic": "t"},
            "pair": 2,
        }

    def test_of_two_pairs_with_the_same_question_the_first_pair_stays(self) -> None:
        (repeated,) = found(["What is S3?"], [pair(VERSIONING, row="first"), pair(VERSIONING, row="second")])
        assert (repeated["row_id"], repeated["filter"]) == ("second", RepeatsPairFilter.name)
        assert "repeats the question of another pair" in repeated["message"]

    def test_later_pairs_are_not_compared_with_a_dropped_pair(self) -> None:
        """The second question resembles the first and is dropped. The third resembles only the second, so it stays."""
        questions = ["one two three four five", "two three four five six", "three four five six seven"]
        repeated = found([], [pair(question, row=question) for question in questions], threshold=0.6)
        assert [record["row_id"] for record in repeated] == [questions[1]]

    @pytest.mark.parametrize(("threshold", "count"), [(0.6, 1), (0.95, 0)])
    def test_a_pair_repeats_a_question_only_when_the_similarity_reaches_the_threshold(
        self, threshold: float, count: int
    ) -> None:
        similar = pair("How can I turn on versioning for an existing bucket?")
        assert len(found([VERSIONING], [similar], threshold)) == count


SHARDS = [[pair("one?", row="r1"), pair("two?", row="r1", number=1)], [pair("three?", row="r2")]]


REPEATED = {
    "row_id": "r1", "pair": 1, "filter": "duplicate", "reason": "repeated", "message": "It repeats a question.",
    "text": {"question": "two?", "answer": "a", "topic": "t"},
}  # fmt: skip


class TestStoredPairs:
    @pytest.fixture
    def stored(self, store: MemoryStore) -> MemoryStore:
        for number, pairs in enumerate(SHARDS):
            write_jsonl(store, FOLDER.synthetic_texts(number), pairs)
            write_jsonl(store, FOLDER.synthetic(number), ({**one, "document": "d"} for one in pairs))
        write_jsonl(store, FOLDER.synthetic_repeated, [REPEATED])
        return store

    def test_accepted_pairs_are_read_in_row_order(self, stored: MemoryStore) -> None:
        assert [one["question"] for one in accepted_texts(stored, FOLDER, shards=2)] == ["one?", "two?", "three?"]

    def test_curated_pairs_are_accepted_pairs_that_repeat_no_question(self, stored: MemoryStore) -> None:
        assert [one["question"] for one in curated_texts(stored, FOLDER, shards=2)] == ["one?", "three?"]
        assert [(one["question"], one["document"]) for one in curated_pairs(stored, FOLDER, shards=2)] == [
            ("one?", "d"),
            ("three?", "d"),
        ]

    def test_shards_that_an_earlier_attempt_left_are_not_read(self, stored: MemoryStore) -> None:
        assert [one["question"] for one in curated_texts(stored, FOLDER, shards=1)] == ["one?"]

    def test_a_run_without_shards_of_pairs_has_no_curated_pairs(self, store: MemoryStore) -> None:
        assert list(curated_pairs(store, FOLDER, shards=0)) == list(curated_texts(store, FOLDER, shards=0)) == []
