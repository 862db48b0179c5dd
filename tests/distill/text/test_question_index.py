from __future__ import annotations

import random
import time
import tracemalloc
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.distill.config.sections import Curation
from include.distill.text import question_index
from include.distill.text.question_index import Question, QuestionIndex

THRESHOLD = Curation().max_question_similarity
VERSIONING = "How do I turn on versioning for an existing bucket?"

SAME = [
    pytest.param(VERSIONING, VERSIONING.upper(), id="case"),
    pytest.param(VERSIONING, f"  {VERSIONING.replace(' ', '   ')} ?!", id="spacing and marks"),
    pytest.param(VERSIONING, "How can I turn on versioning for an existing bucket?", id="another word"),
    pytest.param(VERSIONING, "How do I turn on verisoning for an existing bucket?", id="misspelt"),
    pytest.param(VERSIONING, f"Please tell me: {VERSIONING}", id="words before"),
    pytest.param(VERSIONING, f"{VERSIONING} Thank you!", id="a sentence after"),
    pytest.param("What is IAM?", "Tell me, what is IAM", id="short"),
    pytest.param(
        "バケットのバージョニングを有効にするにはどうすればよいですか？",
        "バケットのバージョニングを有効にするにはどうすればよいですか。",
        id="Japanese",
    ),
]
DIFFERENT = [
    pytest.param("What is Amazon S3?", "What is Amazon EC2?", id="another service"),
    pytest.param(
        "What does error 1205 mean for my database?", "What does error 1206 mean for my database?", id="number"
    ),
    pytest.param("What is C++?", "What is C#?", id="signs"),
    pytest.param("How do I create a bucket?", "How do I delete a bucket?", id="the opposite"),
    pytest.param("What is Amazon CloudWatch?", "How does Amazon CloudWatch bill metrics?", id="one subject"),
    pytest.param("S3とは何ですか？", "EC2とは何ですか？", id="Japanese"),
]


def index_of(*questions: str, threshold: float = THRESHOLD) -> QuestionIndex:
    index = QuestionIndex(threshold=threshold)
    for question in questions:
        index.add(Question(question))
    return index


class TestSameQuestion:
    @pytest.mark.parametrize(("earlier", "question"), SAME)
    def test_questions_with_nearly_the_same_words_are_duplicates(self, earlier: str, question: str) -> None:
        match = index_of(earlier).find(Question(question))
        assert match is not None
        assert match.position == 0
        assert match.similarity >= THRESHOLD
        assert Question(question).repeats(Question(earlier), THRESHOLD)

    @pytest.mark.parametrize(("earlier", "question"), DIFFERENT)
    def test_questions_about_different_things_are_not_duplicates(self, earlier: str, question: str) -> None:
        assert index_of(earlier).find(Question(question)) is None
        assert not Question(question).repeats(Question(earlier), THRESHOLD)

    def test_a_question_at_the_similarity_threshold_is_a_duplicate(self) -> None:
        earlier, question = Question("How do I create a bucket?"), Question("How do I rename a bucket?")
        similarity = question.similarity(earlier)
        assert 0.3 < similarity < 0.7
        assert question.repeats(earlier, similarity)
        assert not question.repeats(earlier, similarity + 0.001)

    def test_an_ending_of_a_question_is_compared_only_if_it_has_at_least_eleven_characters(self) -> None:
        assert index_of("What is S3X?").find(Question("Please tell me: what is S3X?"))
        assert index_of("What is S3?").find(Question("Please tell me: what is S3?")) is None
        assert Question("Please tell me: what is S3X?").ends_with("whatiss3x")
        assert not Question("Please tell me: what is S3?").ends_with("whatiss3")

    @pytest.mark.parametrize("text", ["Is this so? no, what is S3X!", "Is what is S3X? No.", "A: B; what is S3X."])
    def test_an_ending_begins_with_a_word_and_may_end_any_sentence(self, text: str) -> None:
        assert index_of("What is S3X?").find(Question(text))
        assert Question(text).repeats(Question("What is S3X?"), 1)
        other = text.replace("what is", "somewhat is")
        assert index_of("What is S3X?").find(Question(other)) is None
        assert not Question(other).repeats(Question("What is S3X?"), 1)

    def test_an_ending_is_found_although_its_spelling_changes_with_its_final_dot(self) -> None:
        match = index_of("What is the U.S.?").find(Question("Please tell me: what is the U.S.?"))
        assert match is not None
        assert match.question == "what is the u.s"

    def test_two_texts_with_the_same_hash_are_not_taken_for_the_same_question(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(question_index, "_PRIME", 1)  # all hashes are 0
        index = index_of("What is IAM?", "Where are keys stored?")
        assert index.find(Question("How do I delete a bucket?")) is None
        match = index.find(Question("Please tell me: where are keys stored?"))
        assert match is not None
        assert match.question == "where are keys stored"


class TestLongQuestions:
    """A question may have up to 60,000 characters by default. The index takes memory in proportion to it."""

    SHAPES: ClassVar[dict[str, str]] = {
        "words": "".join(f"word{n} " for n in range(7000)),
        "short words": "a b " * 15_000,
        "sentences": "".join(f"What is {n}? " for n in range(4500)),
        "names": "".join(f"Amazon Service{n} " for n in range(2800)),
        "one word": "x" * 60_000,
        "Chinese": "".join(map(chr, range(0x4E00, 0x4E00 + 20_000))) * 3,
        "emoji": "🪣 ask? " * 8500,
        "numbers": "".join(f"{n} " for n in range(10_000)),
        "markup": "**a** `b` " * 6000,
        "invisible": "a\u200b" * 30_000,
        "punctuation": "So?!. " * 10_000,
        "empty tags": "<b></b> " * 7500,
        "half tags": "word <p>" * 7500,
        "nested tags": "".join(f"<t{n}>" for n in range(3000)) + "".join(f"</t{n}>" for n in range(2999, -1, -1)),
        "prefixes": "".join(f"unable{n} " for n in range(5000)),
    }

    @pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
    def test_long_questions_take_little_time_and_memory(self, text: str) -> None:
        start = time.process_time()
        tracemalloc.start()
        index = index_of(text[:20_000], "What is Amazon SES?")
        for question in (f"{text[:19_000]} so?", f"Well: {text[:19_000]}", "Tell me: what is Amazon SES?"):
            index.find(Question(question))
        assert index.find(Question(f"Please tell me: {text[:20_000]}"))
        assert index.find(Question("Tell me: what is Amazon SES?"))
        memory = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert memory < 25_000_000  # hundreds of megabytes if each ending is built
        assert time.process_time() - start < 20

    def test_many_long_questions_together_take_little_memory(self) -> None:
        tracemalloc.start()
        index = index_of()
        for number in range(10):
            generator = random.Random(number)
            text = "".join(chr(generator.randrange(0x4E00, 0x9FA5)) for _ in range(5000))
            index.find_or_add(Question(text))
        memory = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert len(index) == 10
        assert memory < 5_500_000  # twice as much if the n-grams of each question are kept


class TestQuestionIndex:
    def test_find_or_add_stores_only_new_questions(self) -> None:
        index = index_of()
        questions = (VERSIONING, VERSIONING.lower(), "What is Amazon S3?")
        matches = [index.find_or_add(Question(question)) for question in questions]
        assert [match is None for match in matches] == [True, False, True]
        assert len(index) == 2

    def test_the_most_similar_question_is_returned(self) -> None:
        earlier = (
            "How do I turn on versioning for any bucket?",
            "How do I turn on versioning for this existing bucket now?",
            "How can I turn on versioning for an existing bucket again?",
        )
        question = Question("How do I turn on versioning for an existing bucket now?")
        similarities = [question.similarity(Question(text)) for text in earlier]
        assert min(similarities) > 0.6
        for texts in (earlier, earlier[::-1]):
            match = index_of(*texts, threshold=0.6).find(question)
            assert match is not None
            assert match.question == "how do i turn on versioning for this existing bucket now"
            assert match.similarity == max(similarities)

    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=10))
    def test_every_added_question_is_found_whatever_characters_it_contains(self, questions: list[str]) -> None:
        index = index_of(*questions)
        assert all(index.find(Question(question)) for question in questions)


def test_many_questions_are_found_as_one_at_a_time() -> None:
    index = QuestionIndex(threshold=THRESHOLD)
    for number in range(200):
        index.add(Question(f"How do I configure the {number % 7} settings of the gadget called model {number}x?"))
    index.add(Question(VERSIONING))
    asked = [
        Question(text)
        for text in (
            "How can I turn on versioning for an existing bucket?",
            "Who pays?",
            VERSIONING,
            "How do I configure the 3 settings of this gadget called model 17x?",
            "How do I configure the 3 settings of the gadget called model 900x?",
        )
    ]
    found = index.find_many(asked)
    assert found == [index.find(question) for question in asked]
    assert [match and match.position for match in found] == [200, None, 200, 17, None]
    assert index.find_many([]) == []
