from __future__ import annotations

import pytest

from include.distill.grounding.evidence import Evidence
from include.distill.grounding.languages import language
from include.distill.grounding.negation import contradicts, denied_stems
from include.distill.grounding.words import words


def contradicted(document: str, answer: str, code: str = "en") -> str | None:
    of = language(code)
    (sentence,) = Evidence(answer, of=of).sentences
    return contradicts(sentence, Evidence(document, of=of).sentences, of)


LAPTOPS = "Readers may bring laptops into the reading room."
NO_LAPTOPS = "Readers may not bring laptops into the reading room."


@pytest.mark.parametrize(
    ("code", "document", "answer", "expected"),
    [
        ("en", LAPTOPS, NO_LAPTOPS, LAPTOPS),
        ("en", NO_LAPTOPS, LAPTOPS, NO_LAPTOPS),
        (
            "de",
            "Die Schranke am Tor öffnet nachts.",
            "Die Schranke am Tor öffnet nicht.",
            "Die Schranke am Tor öffnet nachts.",
        ),
        ("zh", "关机后不要打开面板。请清洗过滤网。", "关机后要打开面板。", "关机后不要打开面板"),
    ],
)
def test_the_sentence_or_clause_that_says_the_opposite_is_returned(
    code: str, document: str, answer: str, expected: str
) -> None:
    assert contradicted(document, answer, code) == expected


@pytest.mark.parametrize(
    ("code", "document", "answer"),
    [
        ("en", LAPTOPS, LAPTOPS),
        ("en", NO_LAPTOPS, NO_LAPTOPS),
        ("zh", "关机后不要打开面板。", "关机后不要打开面板。"),
        ("zh", "用户不能不打开面板。", "用户必须打开面板。"),
        (
            "en",
            "Your computer is not connected to Ethernet and a VPN network.",
            "Disconnect the computer from Ethernet and VPN.",
        ),
        (
            "en",
            "The endpoint no longer works if you suspend acceleration.",
            "If you suspend acceleration, the endpoint stops working.",
        ),
        ("zh", "打开面板,取出过滤网,用不超过四十度的清水冲洗。", "打开面板,取下过滤网。"),
    ],
)
def test_an_equal_negation_or_one_in_another_form_or_clause_contradicts_nothing(
    code: str, document: str, answer: str
) -> None:
    assert contradicted(document, answer, code) is None


def test_only_the_most_similar_sentence_counts() -> None:
    near = "Readers may bring laptops and cameras into the reading room."
    assert contradicted(f"{LAPTOPS} {NO_LAPTOPS.replace('reading', 'storage')}", LAPTOPS) is None
    assert contradicted(f"{near} {NO_LAPTOPS}", LAPTOPS) == NO_LAPTOPS
    assert contradicted("Visitors may not bring dogs into the garden room.", LAPTOPS) is None


@pytest.mark.parametrize(
    ("code", "document", "answer"),
    [
        ("en", "Does the service support shared networks?", "The service doesn't support shared networks."),
        ("zh", "用户能打开面板吗？", "用户不能打开面板。"),
    ],
)
def test_a_question_in_the_document_affirms_nothing(code: str, document: str, answer: str) -> None:
    assert contradicted(document, answer, code) is None
    statement = document.removesuffix("?").removesuffix("吗？")
    assert contradicted(f"{statement.replace('Does the service', 'The service may')}.", answer, code)


def test_an_answer_with_two_content_words_is_too_short_to_contradict() -> None:
    assert contradicted("Readers may bring laptops.", "No laptops for readers.") is None
    assert contradicted("Readers may bring wet laptops.", "No wet laptops for readers.")


def test_a_sentence_of_more_than_40_content_words_is_a_table_and_affirms_nothing() -> None:
    others = [f"{first}{second}xx" for first in "abcdefg" for second in "qrstuv"]
    sentences = [f"Readers bring laptops {' '.join(others[:count])}." for count in (37, 38)]
    assert [len(Evidence(sentence).sentences[0].stems) for sentence in sentences] == [40, 41]
    answer = "Readers may not bring laptops."
    assert [contradicted(sentence, answer) for sentence in sentences] == [sentences[0], None]


@pytest.mark.parametrize(
    ("document", "answer", "expected"),
    [
        ("要开面板。", "不要开面板。", "要开面板"),
        ("开面板。", "不开面板。", None),
        ("不可打开面板。", "现要打开面板。", "不可打开面板"),
        ("不可打开面板。", "现在要打开面板。", None),
    ],
)
def test_a_chinese_clause_needs_four_pairs_of_characters_and_shares_three_fifths_of_them(
    document: str, answer: str, expected: str | None
) -> None:
    assert contradicted(document, answer, "zh") == expected


@pytest.mark.parametrize(
    ("answer", "is_opposite"),
    [
        ("The gate is closed to visitors after sunset.", False),
        ("The gate is open to visitors after sunset.", True),
        ("The gate is open or closed to visitors after sunset.", False),
        ("The gate is closed to visitors before sunset.", True),
    ],
)
def test_a_word_and_its_opposite_contradict_unless_one_sentence_has_both(answer: str, is_opposite: bool) -> None:
    document = "The gate is closed to visitors after sunset."
    assert contradicted(document, answer) == (document if is_opposite else None)


@pytest.mark.parametrize(
    ("code", "clause", "expected"),
    [
        ("en", "the lid does not open quickly enough today", {"open", "quick"}),
        ("en", "the lid opens", set()),
        ("en", "the lid opens not", set()),
        ("de", "der Deckel klemmt nicht", {"klemm"}),
    ],
)
def test_a_negator_denies_the_next_two_content_words_or_in_german_the_word_before(
    code: str, clause: str, expected: set[str]
) -> None:
    assert denied_stems(words(clause), language(code)) == expected


def test_a_short_sentence_that_only_drops_the_negation_is_contradicted() -> None:
    assert contradicted("Use the root account. This is not recommended.", "This is recommended.")
    assert contradicted("Use the user. This is recommended.", "This is not recommended.")
    assert contradicted("This is recommended. But that is not recommended.", "This is recommended.") is None
    assert contradicted("It is required. It is not required.", "It is required.") is None


def test_a_restricting_word_in_both_sentences_does_not_hide_a_negation() -> None:
    document = "When you stop an instance, the data on its volumes are erased."
    assert contradicted(document, "When you stop an instance, the data on its volumes are not erased.") == document
