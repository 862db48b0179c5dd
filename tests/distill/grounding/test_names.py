from __future__ import annotations

import pytest

from include.distill.grounding.languages import language
from include.distill.grounding.names import names


def found(text: str, code: str = "en") -> list[tuple[str, bool]]:
    return [(name.text, name.is_certain) for name in names(text, language(code))]


def test_a_capitalized_word_is_a_certain_name_only_inside_a_sentence() -> None:
    assert found("Lisa met Anna. Bob left.") == [("Lisa", False), ("Anna", True), ("Bob", False)]


@pytest.mark.parametrize("before", ["\n", "“", "- ", "/ ", "| ", ": "])
def test_a_line_a_quotation_and_a_list_entry_start_like_a_sentence(before: str) -> None:
    assert ("Miro", False) in found(f"we like{before}Miro")


@pytest.mark.parametrize("title", ["M.", "Mme.", "Dr.", "Prof."])
def test_the_point_of_a_title_does_not_end_a_sentence(title: str) -> None:
    assert ("Kowalski", True) in found(f"we called {title} Kowalski", "fr")


def test_an_abbreviation_is_a_certain_name_even_at_the_start() -> None:
    assert found("AWS stores it.") == [("AWS", True)]


@pytest.mark.parametrize("name", ["C#", "R&D", "iPhone", "Wi-Fi", "Meyer-Landrut", "S3"])
def test_signs_digits_and_hyphens_belong_to_a_name(name: str) -> None:
    assert found(f"we like {name}, too") == [(name, True)]


@pytest.mark.parametrize("text", ["we say Yes, OK or PM", "take 5GB of it", "plan B is ready", "it is The one"])
def test_common_words_units_single_letters_and_stop_words_are_no_names(text: str) -> None:
    assert found(text) == []


def test_a_stop_word_in_capitals_is_a_name_unless_the_whole_text_is_in_capitals() -> None:
    assert found("we combine it by AND here") == [("AND", True)]
    assert found("SAVE AND LEAVE") == [("SAVE", True), ("LEAVE", True)]


def test_in_german_only_abbreviations_are_names() -> None:
    assert found("Das große Haus von Anna gehört der IBM", "de") == [("IBM", True)]


def test_in_another_script_each_latin_word_is_a_name_except_loan_words_and_units() -> None:
    assert found("使用 lambda 的 web 应用和 Wi-Fi，共 10 MB", "zh") == [("lambda", True)]


def test_the_place_of_a_name_is_its_span_in_the_text() -> None:
    text = "Lisa met Anna at AWS."
    assert [text[name.start : name.end] for name in names(text, language("en"))] == ["Lisa", "Anna", "AWS"]


def test_a_german_compound_contains_only_its_abbreviations_and_coined_words() -> None:
    assert found("Das ServiceNow-Konto und die EC2-Instanz.", "de") == [("ServiceNow", True), ("EC2", True)]
    assert found("Eine E-Mail an den AWS-Kunden.", "de") == [("AWS", True)]


def test_a_unit_after_a_number_is_no_name() -> None:
    assert found("it holds 5,000 GB or 5 TB") == []
    assert found("it holds 5 XYZ") == [("XYZ", True)]
