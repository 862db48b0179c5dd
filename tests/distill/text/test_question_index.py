from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.distill.config.sections import Curation
from include.distill.text.question_index import QuestionIndex, is_same_question

THRESHOLD = Curation().max_question_similarity
VERSIONING = "How do I turn on versioning for an existing bucket?"

AGAIN = [
    pytest.param(VERSIONING, VERSIONING.upper(), id="case"),
    pytest.param(VERSIONING, f"  {VERSIONING.replace(' ', '   ')} ?!", id="spacing and marks"),
    pytest.param(VERSIONING, "How can I turn on versioning for an existing bucket?", id="a word"),
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
ANOTHER = [
    pytest.param("What is Amazon S3?", "What is Amazon EC2?", id="another service"),
    pytest.param(
        "What does error 1205 mean for my database?", "What does error 1206 mean for my database?", id="number"
    ),
    pytest.param("What is C++?", "What is C#?", id="signs"),
    pytest.param("How do I create a bucket?", "How do I delete a bucket?", id="the opposite"),
    pytest.param("What is Amazon CloudWatch?", "How does Amazon CloudWatch bill metrics?", id="one subject"),
    pytest.param("S3とは何ですか？", "EC2とは何ですか？", id="Japanese"),
]


class TestSame:
    @pytest.mark.parametrize(("earlier", "question"), AGAIN)
    def test_a_question_in_nearly_the_same_words_asks_again(self, earlier: str, question: str) -> None:
        asked = QuestionIndex(threshold=THRESHOLD)
        asked.add(earlier)
        found = asked.find(question)
        assert found is not None
        assert (found.position, found.similarity >= THRESHOLD) == (0, True)
        assert is_same_question(question, earlier, THRESHOLD)

    @pytest.mark.parametrize(("earlier", "question"), ANOTHER)
    def test_one_about_something_else_does_not(self, earlier: str, question: str) -> None:
        asked = QuestionIndex(threshold=THRESHOLD)
        asked.add(earlier)
        assert asked.find(question) is None
        assert not is_same_question(question, earlier, THRESHOLD)


class TestMany:
    def test_only_what_was_new_is_remembered(self) -> None:
        asked = QuestionIndex(threshold=THRESHOLD)
        found = [asked.find_or_add(question) for question in (VERSIONING, VERSIONING.lower(), "What is Amazon S3?")]
        assert [one is None for one in found] == [True, False, True]
        assert len(asked) == 2

    def test_the_most_alike_is_named(self) -> None:
        asked = QuestionIndex(threshold=0.6)
        asked.add("How do I turn on versioning for some bucket?")
        asked.add(VERSIONING)
        found = asked.find("How do I turn on versioning for an existing bucket now?")
        assert found is not None
        assert found.position == 1

    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=10))
    def test_every_question_is_found_again_whatever_it_holds(self, questions: list[str]) -> None:
        asked = QuestionIndex(threshold=THRESHOLD)
        for question in questions:
            asked.add(question)
        assert all(asked.find(question) for question in questions)
