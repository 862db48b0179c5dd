from __future__ import annotations

import pytest

from include.distill.grounding.quotations import quotations


@pytest.mark.parametrize(
    "text",
    [
        'Press "save all" now.',
        "Press “save all” now.",
        "Drücke „save all“ jetzt.",
        "Appuie sur « save all » ici.",
        "按「save all」键。",
        "『save all』を押す。",
    ],
)
def test_a_string_in_the_quotation_marks_of_any_language_is_found(text: str) -> None:
    assert quotations(text) == ["save all"]


def test_several_quotations_are_found_in_their_order() -> None:
    assert quotations('First "open", then «close» and "lock it".') == ["open", "close", "lock it"]


def test_punctuation_at_the_ends_of_a_quotation_is_removed() -> None:
    assert quotations('He wrote "Stop, or wait!" and "see 3.5."') == ["Stop, or wait", "see 3.5"]


def test_a_quotation_of_fewer_than_three_characters_does_not_count() -> None:
    assert quotations('Type "no " or "yes".') == ["yes"]


def test_a_quotation_ends_on_its_line() -> None:
    assert quotations('A "first line\nsecond line" is open.') == []


@pytest.mark.parametrize(("characters", "count"), [(300, 1), (301, 0)])
def test_a_text_of_more_than_300_characters_is_no_quotation(characters: int, count: int) -> None:
    assert len(quotations(f'"{"x" * characters}"')) == count


def test_an_apostrophe_quotes_nothing() -> None:
    assert quotations("It's the owner's key, isn't it?") == []
