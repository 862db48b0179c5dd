from __future__ import annotations

import pytest

from include.distill.grounding.plain_text import WORD, clean, list_entries, sentences, without_list_marks


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("٢٤ and २४ and ２４", "24 and 24 and 24"),
        ("٣٫٥٪", "3.5%"),
        ("2½ cups", "2 1/2 cups"),
        ("zero\u200bwidth and soft\u00adhyphen", "zerowidth and softhyphen"),
        ("it’s 5–10 or −3", "it's 5-10 or -3"),
        ("open — or closed", "open  -  or closed"),
        ("ﬁle", "file"),
    ],
)
def test_characters_with_the_same_meaning_become_one_character(text: str, expected: str) -> None:
    assert clean(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**bold** and _slanted_ and ***both***", "bold and slanted and both"),
        ("# Title\n### Part", "Title\nPart"),
        ("a_name and issue #5", "a_name and issue #5"),
    ],
)
def test_markup_is_removed_but_not_an_underscore_in_a_name_or_a_number_sign(text: str, expected: str) -> None:
    assert clean(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1. Open it.\n2) Close it.\n(3) Lock it.", "Open it.\nClose it.\nLock it."),
        ("- 5 eggs\n  • 2 apples\na) milk", "5 eggs\n2 apples\nmilk"),
        ("Do this: 1) open, 2) close.", "Do this:   open,   close."),
        ("1.5 GB is free.\n2024 was dry.", "1.5 GB is free.\n2024 was dry."),
        ("It takes 5) or f(2) seconds.", "It takes 5) or f(2) seconds."),
    ],
)
def test_the_marks_of_list_entries_are_removed_and_the_numbers_of_the_text_stay(text: str, expected: str) -> None:
    assert without_list_marks(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It rains. It snows! Does it? Yes", ["It rains.", "It snows!", "Does it?", "Yes"]),
        ("Version 3.5 is out; it costs $2.50.", ["Version 3.5 is out;", "it costs $2.50."]),
        ("Title\n\n  first line\nsecond line", ["Title", "first line", "second line"]),
        ("下雨了。下雪吗？是的！", ["下雨了。", "下雪吗？", "是的！"]),
        ("बारिश हुई। बर्फ गिरी।", ["बारिश हुई।", "बर्फ गिरी।"]),
        (" \n ", []),
    ],
)
def test_punctuation_and_line_breaks_end_a_sentence_but_a_point_in_a_number_does_not(
    text: str, expected: list[str]
) -> None:
    assert sentences(text) == expected


def test_each_line_with_a_mark_is_a_list_entry() -> None:
    assert list_entries("Steps:\n1. Open it.\n2. Close it.\n- Lock it.\nDone in 3 steps.\n1.5 minutes") == 3


def test_a_word_includes_vowel_signs_and_excludes_digits_and_underscores() -> None:
    assert WORD.findall("पानी की बोतल") == ["पानी", "की", "बोतल"]
    assert WORD.findall("m5_large, Köln") == ["m", "large", "Köln"]
