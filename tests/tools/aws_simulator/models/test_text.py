from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.aws_simulator.models.sample_rows import sample_rows
from tools.aws_simulator.models.text import (
    content_terms,
    count_tokens,
    cut_to_tokens,
    looks_english,
    read_document,
    token_f1,
    words,
)


def sentences(text: str) -> list[str]:
    return [sentence.text for sentence in read_document(text).sentences]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="an empty text has no sentences"),
        pytest.param(" \n\t ", [], id="white space has none"),
        pytest.param(
            "Context: Doc 1: Buckets. A bucket holds objects. Doc 2: Keys. A key names one.",
            ["Buckets.", "A bucket holds objects.", "Keys.", "A key names one."],
            id="markers of parts are not sentences",
        ),
        pytest.param(
            "Use a store, e.g. Amazon S3. Then stop.",
            ["Use a store, e.g. Amazon S3.", "Then stop."],
            id="e.g.",
        ),
        pytest.param(
            "Do this: 1. Open it. 2. Close it.",
            ["Do this:", "1. Open it.", "2. Close it."],
            id="numbered list",
        ),
        pytest.param("Colours: - Red - Blue", ["Colours:", "- Red", "- Blue"], id="bullets"),
        pytest.param("One line\nanother line", ["One line", "another line"], id="lines"),
        pytest.param("桶存储对象。键命名对象。", ["桶存储对象。", "键命名对象。"], id="a script without spaces"),
    ],
)
def test_a_text_is_split_into_its_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_parts_are_numbered_and_their_first_sentence_is_marked() -> None:
    found = read_document("Context: Doc 1: Buckets. They hold objects. Doc 2: Keys. They name objects.").sentences
    assert [(s.part, s.opens_part) for s in found] == [(0, True), (0, False), (1, True), (1, False)]


def test_a_long_text_without_full_stops_is_cut_at_white_space() -> None:
    text = "word " * 1000
    found = sentences(text)
    assert len(found) > 1
    assert " ".join(found) == text.strip()


def test_quoting_neighbours_keeps_the_text_between_them() -> None:
    document = read_document("First one.\n\nSecond one. Third one.")
    assert document.quote([1, 0]) == "First one.\n\nSecond one."
    assert document.quote([0, 2]) == "First one. Third one."


def test_a_quotation_never_contains_the_marker_of_a_part() -> None:
    document = read_document("Doc 1: First. Doc 2: Second.")
    assert document.quote([0, 1]) == "First. Second."


@given(st.text(alphabet="ab .?!-\n1:Doc(", max_size=300))
def test_sentences_are_ordered_slices_that_lose_no_word(text: str) -> None:
    document = read_document(text)
    position = 0
    for sentence in document.sentences:
        assert position <= sentence.start < sentence.end <= len(text)
        assert text[sentence.start : sentence.end] == sentence.text == sentence.text.strip()
        position = sentence.end
    lost = len(words(text)) - sum(len(words(sentence.text)) for sentence in document.sentences)
    assert lost <= 2 * text.count("Doc"), "only markers of parts may be left out"


def test_real_documents_have_many_sentences_and_headings() -> None:
    documents = [read_document(text) for text in [row["doc"] for row in sample_rows("train.csv", 60)]]
    assert all(len(document.sentences) >= 5 for document in documents)
    assert all(any(sentence.is_heading or sentence.is_question for sentence in d.sentences) for d in documents)


@given(st.text(max_size=200), st.integers(min_value=0, max_value=60))
def test_cutting_keeps_the_longest_beginning_within_the_limit(text: str, limit: int) -> None:
    cut = cut_to_tokens(text, limit)
    assert text.startswith(cut)
    assert count_tokens(cut) == min(limit, count_tokens(text))


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_f1_is_symmetric_and_is_one_only_for_equal_words(left: list[str], right: list[str]) -> None:
    score = token_f1(left, right)
    assert 0 <= score <= 1
    assert score == token_f1(right, left)
    assert (score == 1) == (bool(left) and sorted(left) == sorted(right))


@pytest.mark.parametrize("filling", [" ", "\n", ".", ". \t", "a", '."', "Doc 1: "])
def test_a_long_run_of_one_character_is_read_in_linear_time(filling: str) -> None:
    text = f"One. {filling * 20_000}x"  # scanning the rest of the text from each position would take minutes
    found = read_document(text).sentences
    assert found[0].text.startswith("One.")
    assert found[-1].text.endswith("x")


def test_common_words_carry_no_meaning_and_endings_do_not_matter() -> None:
    assert content_terms(words("What is the use of it, and how do these and those work for you?")) == {"work"}
    assert content_terms(words("adding tags")) == content_terms(words("add a tag"))


@pytest.mark.parametrize(
    ("text", "is_english"),
    [
        ("Rinse the rice under cold water until it is clear.", True),
        ("You can keep objects in a bucket.", True),
        ("Der Urlaub wird im Portal beantragt.", False),
        ("申請は月曜日に提出します。", False),
        ("El museo abre de martes a domingo.", False),
    ],
)
def test_english_is_recognized_by_its_common_words(text: str, is_english: bool) -> None:
    assert looks_english(words(text)) is is_english
