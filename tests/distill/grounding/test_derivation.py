from __future__ import annotations

import pytest

from include.distill.grounding.derivation import is_derivable, time_is_derivable
from include.distill.grounding.evidence import Evidence
from include.distill.grounding.languages import language
from include.distill.grounding.numbers import quantities

ENGLISH = language("en")


def derivable(document: str, answer: str) -> bool:
    """Return whether the last quantity of an English answer may follow from an English document."""
    quantity = quantities(answer, ENGLISH)[-1]
    return is_derivable(quantity, answer, ENGLISH, [Evidence(document, of=ENGLISH)])


@pytest.mark.parametrize(
    ("document", "answer", "expected"),
    [
        ("It takes 60 days.", "It takes two months.", True),
        ("It takes 62 days.", "It takes two months.", True),
        ("It takes 56 days.", "It takes two months.", True),
        ("It takes 64 days.", "It takes two months.", False),
        ("It takes two months.", "It takes 60 days.", True),
        ("It takes two months.", "It takes 50 days.", False),
        ("It holds 60 liters.", "It takes two months.", False),
    ],
)
def test_months_may_be_converted_to_days_and_back(document: str, answer: str, expected: bool) -> None:
    assert derivable(document, answer) is expected


BATH = "The bath is closed from 10:00 to 12:00 for cleaning. Cleaning costs 3 coins and a shower takes 7 minutes."


@pytest.mark.parametrize(
    ("document", "answer", "expected"),
    [
        (BATH, "The bath is closed for 2 hours.", True),
        (BATH, "The bath is closed for 120 minutes.", True),
        (BATH, "The bath is closed for 5 hours.", False),
        (BATH, "The bath holds 2 kg.", False),
        ("It is open from 9:00 to 17:00.", "It is open for 8 hours.", True),
        ("It is open from 9:00 to 17:00.", "It is open for 9 hours.", False),
        ("It is open from 9h to 11h.", "It is open for 2 hours.", True),
        ("It is open at 9:00.", "It is open for 3 hours.", False),
    ],
)
def test_a_duration_may_be_the_time_between_two_times(document: str, answer: str, expected: bool) -> None:
    assert derivable(document, answer) is expected


def test_the_two_times_of_a_duration_are_in_one_source() -> None:
    (duration,) = quantities("2 hours", ENGLISH)
    sources = [Evidence("It opens at 10:00.", of=ENGLISH), Evidence("Does it close at 12:00?", of=ENGLISH)]
    assert not is_derivable(duration, "2 hours", ENGLISH, sources)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("It is cleaned every 3 months.", True),
        ("It is cleaned every 6 months.", False),
        ("It is cleaned after 3 months.", False),
        ("It is cleaned every 3 hours.", False),
    ],
)
def test_a_number_of_times_per_year_may_be_an_interval_of_months(answer: str, expected: bool) -> None:
    assert derivable("It is cleaned four times a year.", answer) is expected


TICKETS = "The adult ticket costs $12, the child ticket costs $7 and the map costs $2. The tour takes 50 minutes."


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("The total is $19.", True),
        ("The total is $21.", True),
        ("They cost $19 in total.", True),
        ("In total, they cost 19.", True),
        ("The difference is $5.", True),
        ("The total is $20.", False),
        ("The total is $62.", False),  # 12 dollars and 50 minutes
        ("The adult ticket costs $19.", False),
    ],
)
def test_a_sum_or_difference_counts_only_beside_a_word_for_it(answer: str, expected: bool) -> None:
    assert derivable(TICKETS, answer) is expected


def test_a_word_for_a_sum_must_be_near_the_number() -> None:
    assert derivable(TICKETS, "The total of the tickets was $19.")
    assert not derivable(TICKETS, "The total of the tickets and of all other things that we bought was $19.")


def test_a_document_with_very_many_numbers_proves_no_sum() -> None:
    few = ", ".join(f"${1000 + number * number}" for number in range(30))
    assert derivable(few, "The total is $2001.")
    assert not derivable(f"{few}, $9999", "The total is $2001.")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("The lake covers about 500 hectares.", True),
        ("The lake covers about 440 hectares.", True),
        ("The lake covers about 430 hectares.", False),
        ("The lake covers about 492 hectares.", False),
        ("The lake covers 500 hectares.", False),
        ("A sign about the lake says 500 hectares.", False),
        ("The lake covers about 500 meters.", False),
    ],
)
def test_a_rounded_number_is_shorter_near_and_follows_a_word_such_as_about(answer: str, expected: bool) -> None:
    assert derivable("The lake covers 487 hectares and has a beach.", answer) is expected


def test_a_year_is_not_calculated() -> None:
    document = "It was built over 12 years from 1955 and has 43 rooms."
    assert not derivable(document, "In total, it was finished by 1998.")
    assert derivable("It has 2111 rooms and 43 halls.", "In total, it has 2154.")


@pytest.mark.parametrize(
    ("answer", "hour", "minute", "expected"),
    [
        ("The last visitors enter before it closes.", 18, 45, True),
        ("The last visitors leave later.", 20, 15, True),
        ("The last visitors enter before it closes.", 18, 20, False),
        ("The last visitors enter then.", 18, 45, False),
    ],
)
def test_a_time_may_be_a_duration_before_or_after_another_time(
    answer: str, hour: int, minute: int, expected: bool
) -> None:
    source = Evidence("The museum closes at 19:30. The last visitors enter 45 minutes earlier.", of=ENGLISH)
    assert time_is_derivable(hour % 12 * 60 + minute, answer, ENGLISH, [source]) is expected


def test_the_time_and_the_duration_may_be_in_different_sources() -> None:
    sources = [Evidence("The museum closes at 19:30.", of=ENGLISH), Evidence("Can I stay for 45 minutes?", of=ENGLISH)]
    assert time_is_derivable(6 * 60 + 45, "You must enter earlier.", ENGLISH, sources)
