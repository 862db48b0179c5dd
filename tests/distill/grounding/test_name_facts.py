from __future__ import annotations

import pytest

from include.distill.grounding.evidence import Evidence
from include.distill.grounding.languages import language, language_of
from include.distill.grounding.name_facts import absent_names, has_name, is_transcription
from include.distill.grounding.names import Name
from include.distill.grounding.plain_text import clean


def absent(document: str, answer: str, code: str = "") -> set[tuple[str, bool]]:
    """Return the absent names of an answer, and whether each is certain."""
    text = clean(answer)
    absences = list(absent_names(text, language(code) if code else language_of(text), [Evidence(document)]))
    assert {absence.reason for absence in absences} <= {"name_not_in_document"}
    return {(absence.text, absence.is_certain) for absence in absences}


def test_an_abbreviation_of_a_name_is_known_and_one_of_other_words_is_uncertain() -> None:
    document = "Messages of the Simple Queue Service that fail are moved to the dead letter queue of the account."
    assert absent(document, "They are moved by the SQS.") == set()
    assert absent(document, "They are moved to the DLQ.") == {("DLQ", False)}
    assert absent(document, "They are moved to the DLX.") == {("DLX", True)}


def test_the_full_form_of_an_abbreviation_is_known() -> None:
    document = "They are moved by the SQS of the account."
    assert absent(document, "Simple Queue Service moves them in the account.", "en") == set()
    assert absent(document, "Simple Queue Topic moves them in the account.", "en") == {("Queue", True), ("Topic", True)}


def test_a_name_in_brackets_must_occur() -> None:
    document = "The price in Asia Pacific (Singapore) is higher than elsewhere."
    assert absent(document, "The price in Asia Pacific (Singapore) is higher.") == set()
    assert absent(document, "The price in Asia Pacific (Jakarta) is higher.") == {("Jakarta", True)}


def test_a_longer_text_in_capitals_has_no_names() -> None:
    document = "Python is supported by the notebooks."
    assert absent(document, "YES, PYTHON IS INDEED SUPPORTED BY ALL NOTEBOOKS.", "en") == set()
    assert absent(document, "YES, BY THE CORS", "en") == {("CORS", True)}


def test_the_last_word_of_a_title_does_not_hide_a_name() -> None:
    document = "Le gardien de la résidence est M. Benslimane."
    assert absent(document, "Le gardien de la résidence est M. Benslimane.") == set()
    assert absent(document, "Le gardien de la résidence est M. Kowalski.") == {("Kowalski", True)}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("Bulky goods are delivered by the carrier Hallmann.", set()),
        ("Bulky goods are delivered by the carrier Kühne.", {("Kühne", True)}),
        ("The warehouse is in Cologne.", {("Cologne", False)}),
        ("The warehouse is open in July and on Friday.", set()),
    ],
)
def test_a_name_in_a_translation_must_occur_unless_names_of_its_kind_are_translated(
    answer: str, expected: set[tuple[str, bool]]
) -> None:
    assert absent("Sperrige Ware liefert die Spedition Hallmann. Das Lager steht in Köln.", answer) == expected


def test_the_nationality_of_a_country_is_uncertain() -> None:
    assert absent("The house is in Spain and has a garden.", "It is a Spanish house.") == {("Spanish", False)}


def test_a_name_after_choose_must_be_written_as_in_the_document() -> None:
    assert absent("Open the menu and choose the blue Save button.", "You should choose Save.") == set()
    assert absent("Open the menu to save the file.", "You should choose Save.") == {("Save", False)}
    assert absent("Open the menu to save the file.", "You should use Save.") == set()


def test_a_stop_word_that_is_written_like_a_name_must_be_capitalized_in_the_document() -> None:
    answer = "The client is written in Go for the account."
    assert absent("You can go to the client of the account.", answer) == {("Go", False)}
    assert absent("The Go client of the account is here.", answer) == set()


def test_a_full_name_needs_its_second_word_as_a_name() -> None:
    document = "With AWS you can make a backup of a table."
    assert absent(document, "It is made by AWS Backup in the account.") == {("AWS Backup", False)}
    assert absent(f"{document} The Backup is daily.", "It is made by AWS Backup in the account.") == set()


def test_a_long_name_needs_two_words_in_a_row() -> None:
    answer = "It is selected by the Server Name Indication of the client."
    document = "The client tells the {} and an indication of it."
    assert ("Server Name Indication", True) in absent(document.format("name of the server"), answer)
    assert ("Server Name Indication", True) not in absent(document.format("server name"), answer)


def test_a_german_surname_is_new_only_if_the_document_has_another_one() -> None:
    document = "Das Team leitet Lena Brandt, und Frau Yilmaz hilft."
    assert absent(document, "Das Team leitet Lena Brandt.", "de") == set()
    assert absent(document, "Das Team leitet Lena Schuster.", "de") == {("Lena Schuster", True)}
    assert absent(document, "Das Team leitet Petra Schuster.", "de") == set()


def test_a_german_name_after_a_title_must_occur() -> None:
    document = "Das Team leitet Lena Brandt, und Frau Yilmaz hilft."
    assert absent(document, "Es hilft die Frau Yilmaz.") == set()
    assert absent(document, "Es hilft der Herr Schuster.") == {("Schuster", True)}


@pytest.mark.parametrize(
    ("name", "source", "is_known"),
    [
        ("Buckets", "one bucket", True),
        ("Bucket", "two buckets", True),
        ("Elastic-Cache", "a cache that is elastic", True),
        ("Elastic-Cache", "it is elastic", False),
        ("Load", "a workload", True),
        ("LOAD", "a workload", False),
        ("Arm", "a warmth", False),
        ("C++", "it needs C", False),
        ("C++", "it needs C++", True),
        ("AND", "this and that", False),
        ("AND", "this AND that", True),
    ],
)
def test_a_source_has_a_name_if_it_has_all_its_parts(name: str, source: str, is_known: bool) -> None:
    entry = Name(name, 0, len(name), is_certain=True)
    assert has_name(entry, Evidence(source), language("en")) is is_known


@pytest.mark.parametrize(
    ("answer", "document", "expected"),
    [
        ("en", "हम यहाँ हैं।", True),
        ("en", "Wir sind hier.", False),
        ("hi", "हम यहाँ हैं।", False),
        ("en", "12", False),
    ],
)
def test_a_transcription_is_an_answer_in_latin_letters_about_another_script(
    answer: str, document: str, expected: bool
) -> None:
    assert is_transcription(language(answer), [Evidence(document)]) is expected


def test_an_expanded_abbreviation_is_known_inside_a_sentence_and_in_a_translation() -> None:
    document = "They are moved by the SQS and kept in S3 under the PCI DSS of the account."
    for answer in (
        "They are moved by the Simple Queue Service (SQS).",
        "They are kept in the Simple Storage Service.",
        "They follow the Payment Card Industry Data Security Standard.",
        "Se guardan en el Simple Storage Service de la cuenta.",
    ):
        assert absent(document, answer) == set()
    assert ("Notification", True) in absent(document, "They are moved by the Simple Notification Service.")


def test_letters_of_another_abbreviation_are_not_a_plural() -> None:
    assert absent("The EC2 of the account.", "It is in the ECS of the account.") == {("ECS", True)}
    assert absent("The AMI of the account.", "It is one of the AMIs of the account.") == set()


def test_a_new_last_part_of_a_compound_is_uncertain() -> None:
    assert absent("The keys that AWS manages.", "They are AWS-owned keys of the account.") == {("AWS-owned", False)}
    assert absent("The keys that AWS manages.", "They are GCP-owned keys of the account.") == {("GCP-owned", True)}
