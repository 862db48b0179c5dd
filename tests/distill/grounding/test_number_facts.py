from __future__ import annotations

import pytest

from include.distill.grounding.evidence import Evidence
from include.distill.grounding.languages import language
from include.distill.grounding.number_facts import absent_quantities
from include.distill.grounding.plain_text import clean

STORE = (
    "The archive keeps 5 copies of each record for 30 days. A header takes 1 byte, a key has up to 38 significant"
    " digits, and the images include CentOS 7. The modules follow FIPS 140-2. Call 0800 123 456."
)
NUMBER, UNIT = "number_not_in_document", "unit_not_in_document"


def absences(document: str, answer: str, question: str = "What does it say?") -> list[tuple[str, str, bool]]:
    english = language("en")
    sources = (Evidence(document, of=english), Evidence(question, of=english))
    return [(one.reason, one.text, one.is_certain) for one in absent_quantities(clean(answer), english, sources)]


@pytest.mark.parametrize(
    ("answer", "reason", "text"),
    [
        ("The archive keeps 5 copies of each record for 5 days.", UNIT, "5 days"),
        ("A header takes 4 bytes.", NUMBER, "4 bytes"),
        ("A key has up to 64 significant digits.", NUMBER, "64"),
        ("The archive keeps at most nine copies.", NUMBER, "nine"),
        ("It has 2.5 parts.", NUMBER, "2.5"),
    ],
)
def test_a_number_that_no_source_has_with_this_unit_is_absent(answer: str, reason: str, text: str) -> None:
    assert absences(STORE, answer) == [(reason, text, True)]


@pytest.mark.parametrize(
    "answer",
    [
        "The archive keeps five copies of each record for thirty days.",
        "The archive keeps each record for 720 hours.",
        "The images include CentOS 7, and the modules follow FIPS 140-2.",
        "A key has 38 digits.",
        "Call 0800 123456.",
    ],
)
def test_the_same_number_in_another_form_or_unit_is_not_absent(answer: str) -> None:
    assert absences(STORE, answer) == []


def test_a_number_of_the_question_is_not_absent() -> None:
    assert absences(STORE, "All 64 readers may come.", "May all 64 readers come?") == []
    assert absences(STORE, "All 64 readers may come.") == [(NUMBER, "64", True)]


def test_the_number_of_a_step_and_a_pronoun_state_no_number() -> None:
    assert absences(STORE, "In step 12, choose the right one among millions, or one million.") == [
        (NUMBER, "one million", True)
    ]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("The images include CentOS 30.", "CentOS 30"),
        ("The modules follow FIPS 140-3.", "140-3"),
    ],
)
def test_a_number_of_the_document_after_another_name_is_absent(answer: str, text: str) -> None:
    assert (NUMBER, text, True) in absences(STORE, answer)


def test_a_small_count_of_listed_things_is_uncertain_and_a_limit_is_certain() -> None:
    document = "The shop sells tea, coffee and cocoa."
    assert absences(document, "The shop sells three drinks.") == [(NUMBER, "three", False)]
    assert absences(document, "The shop sells at most three drinks.") == [(NUMBER, "three", True)]
    assert absences(document, "The shop sells eight drinks.") == [(NUMBER, "eight", True)]
    assert absences(document, "The shop sells eight kinds.") == [(NUMBER, "eight", False)]
    assert absences(document, "The shop sells eleven kinds.") == [(NUMBER, "eleven", True)]


def test_a_unit_that_an_ellipsis_leaves_out_is_uncertain() -> None:
    films = "Books are lent for four weeks, films for two. A card costs 24 euros."
    assert absences(films, "Films are lent for 2 weeks.") == [(UNIT, "2 weeks", False)]
    copies = "Books are lent for four weeks. Two friends may share a card."
    assert absences(copies, "Films are lent for 2 weeks.") == [(UNIT, "2 weeks", True)]


def test_a_unit_in_a_heading_applies_to_the_numbers_below_it() -> None:
    heading = "| Lake | Depth (meters) |\n|---|---|\n| Garda | 346 |\nThe beach is 20 meters wide."
    assert absences(heading, "The lake is 346 meters deep.") == []
    assert absences(heading, "The lake is 347 meters deep.") == [(NUMBER, "347 meters", True)]


def test_a_number_may_be_the_hour_of_a_time_unless_the_document_counts_the_same_things() -> None:
    document = "The service opens at 9:00 and has 5 keys."
    assert absences(document, "It opens at nine.") == []
    assert absences(document, "It opens at eleven.") == [(NUMBER, "eleven", True)]
    assert absences(document, "It has 9 keys.") == [(NUMBER, "9", True)]


def test_a_number_that_is_part_of_an_identifier_is_uncertain_if_it_is_no_small_count() -> None:
    document = "The reader uses db.r250.large and db.m7.large."
    assert absences(document, "It has a 250 and a 7.") == [(NUMBER, "250", False), (NUMBER, "7", True)]


def test_a_number_before_a_stop_word_can_be_an_hour() -> None:
    document = "Bring 3 or 4 copies. The archive opens at 21:30 every day."
    assert absences(document, "You can come at 9 or later.") == []
    assert absences(document, "You need 9 copies.") == [(NUMBER, "9", True)]
