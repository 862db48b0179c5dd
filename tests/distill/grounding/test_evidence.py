from __future__ import annotations

from decimal import Decimal

import pytest

from include.distill.grounding.evidence import Evidence
from include.distill.grounding.languages import language
from include.distill.grounding.units import unit_named
from include.distill.grounding.words import stem


def evidence(text: str, code: str = "en") -> Evidence:
    return Evidence(text, of=language(code))


def decimals(*values: float | str) -> set[Decimal]:
    return {Decimal(str(value)).normalize() for value in values}


def test_the_language_is_recognized_unless_it_is_given() -> None:
    assert Evidence("Der Eimer ist in der Region.").language.code == "de"
    assert Evidence("Der Eimer ist in der Region.", of=language("fr")).language.code == "fr"


def test_the_forms_of_the_text_ignore_case_and_space_or_punctuation() -> None:
    source = evidence("Open **s3: GetObject**,  now!")
    assert source.text == "Open s3: GetObject,  now!"
    assert source.squeezed == "opens3:getobject,now!"
    assert source.plain.startswith(" open ")
    assert source.plain.endswith(" now ")


def test_latin_words_that_chinese_characters_touch_are_words() -> None:
    assert "lambda" in evidence("使用Lambda的系统", "zh").words
    assert "lambda" not in evidence("myLambda2x").words


def test_a_run_of_capitalized_words_can_be_abbreviated() -> None:
    source = evidence("The Simple Queue Service moves it to the dead letter queue.")
    assert "sqs" in source.abbreviations
    assert "dlq" not in source.abbreviations
    assert "dlq" in source.possible_abbreviations


def test_an_abbreviation_has_three_to_six_letters_and_does_not_cross_a_clause() -> None:
    source = evidence("alpha beta gamma delta epsilon zeta eta. kappa lambda")
    assert {"abg", "abgdez", "bgdeze"} <= source.possible_abbreviations
    assert {len(one) for one in source.possible_abbreviations} == {3, 4, 5, 6}
    assert "ekl" not in source.possible_abbreviations


def test_a_value_is_known_with_each_of_its_units() -> None:
    units = evidence("Wait 5 minutes, then add 5 copies of 30 GB.").units_by_value
    assert units[Decimal(5)] == {unit_named("minutes"), None}
    assert units[Decimal(30).normalize()] == {unit_named("gb")}
    assert Decimal(7) not in units


def test_a_number_inside_an_identifier_is_no_quantity() -> None:
    source = evidence("It runs on m5.large with 2 disks.")
    assert [quantity.text for quantity in source.quantities] == ["2"]
    assert source.values_in_identifiers == decimals(5, 2)
    assert source.digits == "52"


def test_ordinals_and_words_such_as_half_count_without_a_unit() -> None:
    source = evidence("The third step halves it. Half of it is lost.")
    assert source.units_by_value[Decimal(3)] == {None}
    assert source.units_by_value[Decimal("0.5")] == {None}
    assert ("percent", Decimal(50).normalize()) in source.base_values


def test_the_values_of_a_line_of_csv_are_read_apart() -> None:
    assert decimals(15, 70) <= evidence("Turin,15,70,x").units_by_value.keys()
    assert not decimals(1, 500) <= evidence("It has 1,500 rows.").units_by_value.keys()


def test_an_english_number_word_counts_in_a_text_in_another_language_with_latin_letters() -> None:
    assert Decimal(7) in evidence("Le plan « Seven days » coûte cher.", "fr").units_by_value
    assert Decimal(7) in evidence("プランは seven days です。", "ja").units_by_value


def test_a_unit_and_a_half_is_a_quantity() -> None:
    assert ("time", Decimal(5400).normalize()) in evidence("It takes an hour and a half.").base_values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Books are lent for four weeks, films for two.", {2}),
        ("Films are lent for two. Books are not.", {2}),
        ("Films are lent for two at a time.", set()),
        ("Books are lent for four weeks.", set()),
        ("It needs Python 3.", set()),
    ],
)
def test_a_number_at_the_end_of_a_clause_may_lack_its_noun(text: str, expected: set[int]) -> None:
    assert evidence(text).values_without_noun == decimals(*expected)


def test_a_number_that_fills_a_cell_is_in_a_table() -> None:
    assert evidence("| Garda | 346 |\n| Como | 4.1 | 5 m |").values_in_tables == decimals(346, "4.1")


def test_numbers_are_grouped_by_the_label_before_and_the_noun_after_them() -> None:
    source = evidence("Visual Studio 2019 and Studio 2022 run on 4 servers or 8 servers.")
    assert source.labeled == {"studio": decimals(2019, 2022)}
    assert source.counted[stem("servers")] == decimals(4, 8)


def test_a_unit_alone_in_brackets_or_a_table_is_a_heading() -> None:
    assert evidence("Memory (GB)\n5").heading_units == {unit_named("gb")}
    assert evidence("| Size in minutes | Name |").heading_units == {unit_named("minutes")}
    assert evidence("Memory (large)").heading_units == frozenset()


def test_quantities_in_different_units_have_a_common_base() -> None:
    assert ("time", Decimal(3600).normalize()) in evidence("It takes 1 hour.").base_values
    assert ("time", Decimal(3600).normalize()) in evidence("It takes 60 minutes.").base_values
    assert evidence("It takes 1 hour.").bare_units == {unit_named("hour")}


def test_times_and_hours_are_read_in_digits_and_in_words() -> None:
    source = evidence("It opens at 9:10 and closes at half past seven.")
    assert source.times == {550, 450}
    assert source.clock_hours == {9, 21, 7, 19}
    assert evidence("十時に開く。", "ja").clock_hours == {10, 22}


def test_dates_ignore_the_order_of_their_parts() -> None:
    assert evidence("On 2024-03-15.").dates == evidence("On 15/3/2024.").dates == {frozenset({2024, 3, 15})}


def test_a_sentence_has_its_words_and_the_stems_of_its_content_words() -> None:
    first, second = evidence("The queue holds messages. It is full.").sentences
    assert first.text == "The queue holds messages."
    assert first.words == ("the", "queue", "holds", "messages")
    assert first.stems == {stem("queue"), stem("holds"), stem("messages")}
    assert second.text == "It is full."


def test_the_digits_after_a_decimal_point_are_no_number() -> None:
    source = evidence("It costs $0.09, and a volume has 5.34 TiB. TensorFlow 2.9 runs on Node.js v18.")
    assert not decimals(9, 34, 5) & source.units_by_value.keys()
    assert decimals("0.09", "5.34", "2.9", 2, 18) <= source.units_by_value.keys()
