from __future__ import annotations

import pytest

from include.distill.grounding.check import Finding, GroundingCheck

LIBRARY = (
    "The city library is open Monday to Friday from 9 a.m. to 7 p.m. A card costs $15 per year and is free for children"
    " under 12. Books can be borrowed for 28 days and renewed twice unless another reader has reserved them. Late"
    " returns cost 50 cents a day. The collection holds 1,250,000 items. The new building, designed by Lena Hoffmann,"
    ' opened on October 3, 2023. Run `lib-tool --export list_items` to export the list. The rule says "no food is'
    ' allowed in the reading room". Readers may bring laptops. A scan takes half an hour.'
)
CHECK = GroundingCheck(LIBRARY)


def outcome(answer: str, question: str = "What does the library say?") -> tuple[str, list[str]]:
    finding = CHECK.check(answer, question)
    return finding.outcome, [absence.reason for absence in finding.absences]


@pytest.mark.parametrize(
    "answer",
    [
        "You may keep a book for four weeks.",
        "A loan lasts twenty-eight days.",
        "The library has 1.25 million items.",
        "The collection has 1250000 items.",
        "A scan takes 30 minutes.",
        "Being late costs $0.50 for each day.",
        "It opened on 3 October 2023.",
        "It opened on 2023-10-03.",
        "It opened on 03.10.2023.",
        "It is open until 19:00.",
        "Lena Hoffmann designed the new building.",
        "Use the option `--export`.",
        'The reading room has a rule: "No food is allowed in the reading room."',
        "Yes.",
        "28 days",
        "1. Get a card.\n2. Borrow books.\n3. Return them in time.\n4. Pay if they are late.\n5. Renew them.",
        "| item | price |\n|---|---|\n| card | $15 |\n| late day | 50 cents |",
        "Der Ausweis kostet 15 Dollar im Jahr.",
        "新馆由Lena Hoffmann设计，于2023年10月3日开放。",
        "カードは年に15ドルです。",
        "कार्ड की कीमत १५ डॉलर प्रति वर्ष है।",
        "تبلغ تكلفة البطاقة ١٥ دولارًا في السنة.",
    ],
)
def test_a_correct_answer_in_other_words_is_kept(answer: str) -> None:
    assert outcome(answer) == ("kept", [])


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("Books can be borrowed for 35 days.", "number_not_in_document"),
        ("The library has 1.35 million items.", "number_not_in_document"),
        ("Books can be borrowed for thirty-five days.", "number_not_in_document"),
        ("Books can be borrowed for 28 hours.", "unit_not_in_document"),
        ("The building opened in November 2023.", "date_not_in_document"),
        ("It opened on 2023-11-03.", "date_not_in_document"),
        ("The building was designed by Anna Schuster.", "name_not_in_document"),
        ("Ask the NASA about it.", "name_not_in_document"),
        ("Use the option `--import`.", "identifier_not_in_document"),
        ("Run list_members to export the list.", "identifier_not_in_document"),
        ('The rule says "dogs must wait outside the main entrance".', "quotation_not_in_document"),
        ("Penguins swim quickly, jump gladly, eat fish and sleep standing.", "not_in_document"),
        ("新馆由Anna Schmidt设计。", "name_not_in_document"),
        ("新しい建物は2023年11月3日にオープンしました。", "date_not_in_document"),
        ("Der Ausweis kostet 25 Dollar im Jahr.", "number_not_in_document"),
    ],
)
def test_an_answer_with_an_absent_fact_is_dropped(answer: str, reason: str) -> None:
    result, reasons = outcome(answer)
    assert result == "dropped"
    assert reason in reasons


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("Readers may not bring laptops.", "polarity"),
        ("The collection holds five kinds of items.", "number_not_in_document"),
    ],
)
def test_an_answer_that_words_cannot_decide_is_undecided(answer: str, reason: str) -> None:
    assert outcome(answer) == ("undecided", [reason])


def test_a_fact_of_the_question_counts_as_known() -> None:
    assert outcome("Yes, 35 days in Tokyo are allowed.", "Are 35 days in Tokyo allowed?")[0] == "kept"
    assert outcome("Yes, 35 days in Tokyo are allowed.")[0] == "dropped"


def test_the_message_quotes_the_absent_fact() -> None:
    (absence,) = CHECK.check("Books can be borrowed for 35 days.", "How long?").absences
    assert "'35 days'" in absence.message


def test_without_strictness_nothing_is_checked_and_every_answer_is_undecided() -> None:
    finding = GroundingCheck(LIBRARY, strictness=0).check("Books can be borrowed for 35 days.", "How long?")
    assert finding.outcome == "undecided"
    assert [absence.reason for absence in finding.absences] == ["not_checked"]


def test_the_coverage_is_the_share_of_content_words_that_the_document_or_the_question_contains() -> None:
    finding: Finding = CHECK.check("Books delight penguins.", "What do books delight?")
    assert finding.coverage == pytest.approx(2 / 3)


def test_a_replaced_word_in_a_copied_sentence_is_undecided() -> None:
    check = GroundingCheck("Press the small button with a paper clip to reset the device. Wait for the green light.")
    finding = check.check("Press the small button with a screwdriver to reset the device.", "How?")
    assert finding.outcome in {"undecided", "kept"}
    swapped = check.check("Press the small lever with a paper clip to reset the device.", "How?")
    assert [absence.reason for absence in swapped.absences] == ["replaced_word"]


@pytest.mark.parametrize(
    ("document", "answer"),
    [
        ("新馆于2023年开放，负责人是王建国，馆藏图书很多。", "负责人是李志强，馆藏图书很多。"),
        ("送迎バスは茅野駅から出ます。予約が必要です。", "送迎バスは松本駅から出ます。"),
        ("اتصل بالمهندس المناوب خالد الحربي عند الطوارئ.", "اتصل بالمهندس المناوب سامي العتيبي."),
    ],
)
def test_a_replaced_name_in_a_script_without_capital_letters_is_undecided(document: str, answer: str) -> None:
    finding = GroundingCheck(document).check(answer, "?")
    assert [absence.reason for absence in finding.absences] == ["replaced_word"]


QUEUE = """Amazon SQS stores each message for 4 days by default. You can set the retention period from 60 seconds to
1,209,600 seconds (14 days). The maximum message size is 256 KB. Messages larger than that are stored in S3 with the
Extended Client Library v2.0.3. FIFO queues support up to 3,000 messages per second with batching, and 300 without.
About three quarters of all requests are answered within 20 ms. The second generation was released on March 3, 2021.
KMS keys are rotated every year. The allowance resets every month, and you can use it whenever you want.
EC2 instances and the ALB in the VPC need access through IAM. It runs on Node.js v18.
Files of 20 GiB–5 TiB are uploaded in parts."""


@pytest.mark.parametrize(
    "answer",
    [
        "Bigger messages go to Amazon Simple Storage Service (Amazon S3).",
        "The Virtual Private Cloud contains an Application Load Balancer (ALB).",
        "75% of requests are answered in 20 milliseconds.",
        "It runs on Node 18.",
        "Files from 20 GiB are uploaded in several parts, up to 5 TiB, which is 5,000 GB.",
        "The largest message is 0.256 MB.",
        "メッセージの最大サイズは256キロバイトです。",
        "Die EC2-Instanzen brauchen Zugriff über IAM.",
        "Am 3. März 2021.",
        "KMS keys are rotated once in 12 months.",
    ],
)
def test_usual_spellings_are_kept(answer: str) -> None:
    finding = GroundingCheck(QUEUE).check(answer, "What does it say?")
    assert (finding.outcome, finding.absences) == ("kept", ())


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("Am 5. Oktober 2021.", "dropped"),
        ("ECS instances need access through IAM.", "dropped"),
        ("It runs on Node.js v20.", "dropped"),
        ("The allowance resets every week.", "undecided"),
        ("KMS keys are rotated every hour.", "undecided"),
        ("يحتفظ به لمدة تسعة أيام.", "dropped"),
    ],
)
def test_a_changed_unit_date_or_abbreviation_is_not_kept(answer: str, expected: str) -> None:
    assert GroundingCheck(QUEUE).check(answer, "What does it say?").outcome == expected
