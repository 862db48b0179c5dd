from __future__ import annotations

import pytest

from include.distill.grounding.check import GroundingCheck
from include.distill.grounding.evidence import Evidence
from include.distill.grounding.languages import language
from include.distill.grounding.substitution import (
    Replacement,
    replaced_characters,
    replaced_names,
    replaced_words,
)

COPIED = "The default settings store every uploaded image in a public bucket in base64 format before the review."
PELICANS = "Pelicans are fed twice each morning by volunteers."
INSPECTOR = "निरीक्षक श्री रमेश यादव कल जाँच करेंगे।"
DESK = "请在前台向王丽华登记，然后领取钥匙。"


def words_replaced(document: str, answer: str) -> Replacement | None:
    source, given = Evidence(document, of=language("en")), Evidence(answer, of=language("en"))
    (sentence,) = given.sentences
    return replaced_words(sentence, source.sentences, source.language, lambda word: word not in source.words)


def names_replaced(document: str, answer: str, code: str) -> str | None:
    source, given = Evidence(document, of=language(code)), Evidence(answer, of=language(code))
    (sentence,) = given.sentences
    return replaced_names(sentence, source.sentences, source.language, lambda word: word not in source.words)


def test_a_noun_that_replaces_a_word_of_a_copied_sentence_is_dropped() -> None:
    finding = GroundingCheck(COPIED).check(COPIED.replace("base64", "hexadecimal"), "What does it say?")
    assert [(one.reason, one.is_certain) for one in finding.absences] == [("replaced_word", True)]
    assert finding.outcome == "dropped"


def test_a_verb_that_replaces_a_word_of_a_copied_sentence_is_not_dropped() -> None:
    finding = GroundingCheck(COPIED).check(COPIED.replace("store", "deposit"), "What does it say?")
    assert [(one.reason, one.is_certain) for one in finding.absences] == [("replaced_word", False)]


@pytest.mark.parametrize(
    ("document", "original", "replacement", "is_noun"),
    [
        (COPIED, "base64", "hexadecimal", True),
        (COPIED, "review", "inspection", True),
        (COPIED, "public bucket", "marble drawer", True),
        (COPIED, "store", "deposit", False),
        (COPIED, "public", "carefully", False),
        (PELICANS, "Pelicans", "flamingos", True),
        (PELICANS, "volunteers", "robots", True),
        (PELICANS, "fed", "weighed", False),
    ],
)
def test_the_words_that_replace_others_are_found(document: str, original: str, replacement: str, is_noun: bool) -> None:
    answer = document.replace(original, replacement)
    assert words_replaced(document, answer) == Replacement(replacement, is_noun)


@pytest.mark.parametrize(
    "answer",
    [
        COPIED,
        COPIED.replace("The default", "Parrot"),
        COPIED.replace("public bucket", "large green marble drawer"),
        COPIED.replace("public", "xy"),
        COPIED.replace("store", "select"),
        "Default settings store marble.",
        "Before the review, hexadecimal images in the public bucket follow the default settings.",
    ],
    ids=["copy", "stop word", "four words", "two letters", "generic word", "four words in all", "other order"],
)
def test_an_answer_that_is_no_copy_with_a_few_other_content_words_is_left_alone(answer: str) -> None:
    assert words_replaced(COPIED, answer) is None


def test_a_generic_word_may_replace_a_word_of_a_copied_sentence() -> None:
    document = "Then choose the name of the bucket in the console and press the blue button."
    check = GroundingCheck(document)
    assert check.check(document.replace("choose", "select"), "What does it say?").outcome == "kept"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (DESK.replace("王丽华", "陈国强"), "向陈国强登"),
        (DESK.replace("钥匙", "雨伞"), "取雨伞"),
        (DESK, None),
        (DESK.replace("王丽华", "他的"), None),
        (DESK.replace("王丽华", "陈国强教授先生"), None),
        ("猫喜欢在河边追逐蝴蝶。", None),
    ],
    ids=["name", "end of a sentence", "copy", "function words", "much longer", "no copy"],
)
def test_chinese_characters_between_the_characters_of_the_document_are_found(answer: str, expected: str | None) -> None:
    assert replaced_characters(answer, DESK, "") == expected


def test_chinese_characters_of_the_question_are_not_new() -> None:
    assert replaced_characters("请在前台向陈国强登记。", DESK, "是向陈国强登记吗？") is None


def test_a_japanese_name_may_replace_one_in_another_script() -> None:
    document = "受付で山田太郎に連絡してください。"
    assert replaced_characters("受付でヤマダに連絡してください。", document, "") == "でヤマダに"


@pytest.mark.parametrize(
    ("document", "answer", "code", "expected"),
    [
        (INSPECTOR, "निरीक्षक श्री तरुण कपूर कल जाँच करेंगे।", "hi", "तरुण कपूर"),
        (INSPECTOR, "निरीक्षक श्री रमेश कपूर कल जाँच करेंगे।", "hi", None),
        (INSPECTOR, "निरीक्षक श्री तरुण रमेश कपूर कल जाँच करेंगे।", "hi", None),
        (INSPECTOR, "तरुण कपूर कल जाँच करेंगे।", "hi", None),
        (INSPECTOR, "निरीक्षक श्री यादव तरुण कपूर।", "hi", None),
        (INSPECTOR, "श्री तरुण कपूर", "hi", None),
        ("عند الطوارئ اتصل بالمهندس خالد الحربي.", "عند الطوارئ اتصل بالمهندس طارق منصور.", "ar", "طارق منصور"),
    ],
    ids=["name", "one word", "not neighbours", "first words", "verb at the end", "too short", "Arabic end"],
)
def test_two_new_words_after_a_word_of_the_document_are_a_name(
    document: str, answer: str, code: str, expected: str | None
) -> None:
    assert names_replaced(document, answer, code) == expected
