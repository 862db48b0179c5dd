from __future__ import annotations

import pytest

from include.distill.grounding.list_lengths import list_lengths

ROWS = ("| Lake | Depth |", "|---|---|", "| Garda | 346 |", "| Como | 425 |", "| Iseo | 251 |")


@pytest.mark.parametrize("text", ["- one\n- two\n- three", "1. one\n2. two\n3. three"])
def test_the_entries_of_a_list_are_counted(text: str) -> None:
    lengths = set(list_lengths(text))
    assert 3 in lengths
    assert 4 not in lengths


def test_the_rows_of_a_table_are_counted_with_and_without_the_header() -> None:
    lengths = set(list_lengths("\n".join(ROWS)))
    assert {3, 4} <= lengths
    assert not {2, 6} & lengths


@pytest.mark.parametrize("separator", ["|", "\t", ";", ","])
def test_rows_with_each_usual_separator_are_counted(separator: str) -> None:
    text = "\n".join(f"lake{separator}{depth}" for depth in ("deep", "flat", "wide", "cold"))
    assert {3, 4} <= set(list_lengths(text))


def test_a_run_of_rows_ends_where_the_number_of_columns_changes() -> None:
    lengths = set(list_lengths("a|b\nc|d\ne|f\ng|h|i\nj|k|l"))
    assert {3, 2, 1} <= lengths
    assert not {4, 5} & lengths


def test_a_single_row_is_no_table() -> None:
    assert set(list_lengths("- Garda | Como\n- Iseo | Lugano | Orta")) == {1, 2}  # two entries of a list


@pytest.mark.parametrize(
    "text",
    [
        "apples, pears and plums",
        "Äpfel, Birnen oder Pflaumen",
        "pommes, poires et prunes",
        "manzanas, peras y ciruelas",
        "苹果、梨和桃",
        "सेब, आम और केला",
    ],
)
def test_the_entries_of_an_enumeration_are_counted(text: str) -> None:
    assert max(list_lengths(text)) == 3


def test_each_enumeration_of_a_text_is_counted_by_itself() -> None:
    lengths = set(list_lengths("For Monday, Tuesday: red, green, blue and black. Others are grey, white and pink."))
    assert {2, 3, 4} <= lengths
    assert max(lengths) == 5  # the first sentence as a whole


def test_the_rule_below_the_header_of_a_table_is_no_row() -> None:
    rows = "\n".join(["| Lake | Depth |", "| --- | :-: |", "| Garda | 346 |", "| Como | 425 |"])
    assert {2, 3} <= set(list_lengths(rows))
    assert 4 not in set(list_lengths(rows))
