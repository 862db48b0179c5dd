from __future__ import annotations

import pytest

from include.distill.grounding.evidence import Evidence
from include.distill.grounding.facts import absent_facts, has_own_fact
from include.distill.grounding.languages import language
from include.distill.grounding.plain_text import clean

QUESTION = "What does the document say about it?"


def absences(document: str, answer: str, question: str = QUESTION, code: str = "en") -> list[tuple[str, str, bool]]:
    """Return the reason, the text and the certainty of each fact that the document and the question lack."""
    sources = (Evidence(document), Evidence(question))
    return [(one.reason, one.text, one.is_certain) for one in absent_facts(clean(answer), language(code), sources)]


PLANT = (
    "The plant opened on 15 March 2024 at 9:30. Its log is in /var/log/plant.txt. Failed orders go to orders-dlq."
    " Access is role-based and given by a bucket policy."
)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("The log is in /var/log/plant.txt.", []),
        ("The log is in /var/log/other.txt.", [("identifier_not_in_document", "/var/log/other.txt", True)]),
        ("The plant opened on 2024-03-15.", []),
        ("The plant opened on 15/03/2024.", []),
        ("The plant opened on 2024-04-15.", [("date_not_in_document", "2024-04-15", True)]),
        ("The plant opened on 2024-03-16.", [("date_not_in_document", "2024-03-16", True)]),
        ("The plant opened in April.", [("date_not_in_document", "April", True)]),
        ("The plant opened at 9:30 p.m.", []),
        ("The plant opened at half past nine.", []),
        ("The plant opened at 9:40.", [("number_not_in_document", "9:40", True)]),
        ("The plant opened at quarter past nine.", [("number_not_in_document", "quarter past nine", True)]),
    ],
)
def test_an_identifier_date_month_or_time_must_be_in_a_source(
    answer: str, expected: list[tuple[str, str, bool]]
) -> None:
    assert absences(PLANT, answer) == expected


def test_a_fact_of_the_question_is_not_absent() -> None:
    assert absences(PLANT, "It did not open on 2025-08-09.") != []
    assert absences(PLANT, "It did not open on 2025-08-09.", "Did it open on 2025-08-09?") == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("billing-dlq", [True]),
        ("Failed orders go to billing-dlq.", [True]),
        ("Failed orders go to bucket-dlq.", [False]),
        ("bucket-dlq", [True]),
        ("Failed orders go to orders-dlq.", []),
        ("Access is policy-based and given by a bucket policy.", []),
    ],
)
def test_a_compound_with_a_known_last_part_is_absent_and_certain_if_its_first_part_is_new_or_it_is_all(
    answer: str, expected: list[bool]
) -> None:
    found = absences(PLANT, answer)
    assert [certain for reason, _, certain in found if reason == "identifier_not_in_document"] == expected


def test_a_compound_or_path_may_join_words_of_the_document() -> None:
    document = "Failed orders go to orders-dlq. Users need the action GetObject of s3. The billing DLQ is empty."
    assert absences(document, "They go to billing-dlq.") == []
    assert absences(document, "Users need s3:GetObject.") == []
    assert ("identifier_not_in_document", "s3:PutObject", True) in absences(document, "Users need s3:PutObject.")


def test_an_identifier_of_letters_may_be_transcribed_in_a_document_in_chinese() -> None:
    assert absences("用户可以用微信付款。", "Users pay by WeChat.") == []
    assert absences("Users can pay by card.", "Users pay by WeChat.")[0] == (
        "identifier_not_in_document",
        "WeChat",
        True,
    )


def test_a_time_in_words_is_known_from_its_hour_and_its_minutes() -> None:
    assert absences("The shop closes at 7 in the evening.", "The shop closes at 19:00.") == []
    assert absences("The shop closes at 7 in the evening.", "The shop closes at 19:20.") == [
        ("number_not_in_document", "19:20", True)
    ]


def test_a_time_after_a_duration_of_the_document_is_uncertain() -> None:
    document = "The museum closes at 19:30. The last visitors enter 45 minutes before the museum closes."
    assert absences(document, "The last visitors enter the museum at 18:45, before it closes.") == [
        ("number_not_in_document", "18:45", False)
    ]
    assert absences(document, "The last visitors enter the museum at 18:20, before it closes.") == [
        ("number_not_in_document", "18:20", True)
    ]


def test_a_day_and_a_month_can_be_a_number_at_the_end_of_a_sentence() -> None:
    assert absences("Das Paket ist in der Version 3.11 da.", "Das ist die Version 3.11.", code="de") == []
    assert absences("Das Paket ist in der Version 3.12 da.", "Es kam am 3.11. an.", code="de") == [
        ("date_not_in_document", "3.11.", True)
    ]


def test_a_weekday_is_certain_only_if_the_document_names_exactly_one_other() -> None:
    answer = "The office is open on Wednesday."
    assert absences("The office is open on Monday.", answer) == [("date_not_in_document", "Wednesday", True)]
    assert absences("The office is open from Monday to Friday.", answer) == [
        ("date_not_in_document", "Wednesday", False)
    ]
    assert absences("The office is open on workdays.", answer) == [("date_not_in_document", "Wednesday", False)]


def test_a_month_in_a_translation_is_not_taken_for_a_name() -> None:
    document = "La versión 1 dejará de funcionar el 30 de junio de 2027."
    assert absences(document, "On 30 June 2027.", "When does it stop?") == []
    for code in ("en", "es"):
        found = absences(document, "On 30 July 2027.", "When does it stop?", code)
        assert ("date_not_in_document", "July", True) in found


APP = "Install the app “Hohenfels digital” and log in before you read the long list of all the rules."


@pytest.mark.parametrize(
    ("document", "answer", "expected"),
    [
        (APP, "Install the app “Hohenfels digital”.", []),
        (APP, "Install the app “libby”.", [True]),
        ("Install the library app and log in.", "Install the app “libby”.", [False]),
        (APP, "It says “read the long list of strange rules”.", [False]),
        (APP, "It says “ignore every warning without any delay”.", [True]),
        ("Installieren Sie die App und melden Sie sich an.", "It says “ignore every warning without delay”.", []),
    ],
)
def test_a_quotation_is_certain_if_most_of_its_words_are_absent_and_may_be_translated(
    document: str, answer: str, expected: list[bool]
) -> None:
    found = absences(document, answer)
    assert [certain for reason, _, certain in found if reason == "quotation_not_in_document"] == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("The log is in /var/log/plant.txt.", True),
        ("It keeps 30 days.", True),
        ("It keeps 4711 copies.", True),
        ("It keeps 2 copies.", False),
        ("It ends on 2024-03-15.", True),
        ("It ends on 3/4/12.", True),
        ("It was built by Benslimane.", True),
        ("It keeps all copies.", False),
    ],
)
def test_an_own_fact_is_distinct_and_not_in_the_question(answer: str, expected: bool) -> None:
    assert has_own_fact(answer, language("en"), Evidence(QUESTION)) is expected
    assert not has_own_fact(answer, language("en"), Evidence(answer))


@pytest.mark.parametrize(
    ("document", "known", "absent"),
    [
        ("It runs the client v2.0.3 on it.", "It needs version 2.0.3.", "It needs version 2.0.4."),
        ("It runs the client 2.0.3 on it.", "It needs v2.0.3.", "It needs v2.1.3."),
        ("It runs on Node.js v18 in it.", "It needs Node.js 18.", "It needs Node.js v20."),
        ("It runs on Python 3.9 in 20 ms.", "It needs Python v3.9.", "It needs v20 of it."),
        ("Rent an m5.large for it.", "An m5.large-based cluster.", "An m5.xlarge-based cluster."),
        ("It is in S3 for 3 days.", "It is S3-backed.", "It is gp3-backed."),
        ("It has three volumes 3,000 times.", "It has 3,000.", "It is in S3."),
        ("The Simple Storage Service has it.", "It is in S3.", "It is in EC2."),
        ("Elastic Compute Cloud has it.", "It is in EC2.", "It is in S3."),
    ],
)
def test_a_version_or_a_short_identifier_is_known_in_another_spelling(document: str, known: str, absent: str) -> None:
    assert absences(document, known) == []
    assert any(is_certain for _, _, is_certain in absences(document, absent))


def test_a_german_noun_after_an_identifier_is_not_compared() -> None:
    document = "The i3en.metal and the us-east-1 Region have it."
    assert absences(document, "Eine i3en.metal-Instanz in der us-east-1-Region hat es.", code="de") == []
    assert absences(document, "Eine i3en.large-Instanz hat es.", code="de") != []
