from __future__ import annotations

from io import BytesIO

import pytest

from include.distill.dataset.csv_records import read_csv

GOOD = "d0,q0?,a0\n"


def reasons(body: str) -> list[str | None]:
    records = read_csv(BytesIO(("doc,question,answer\n" + body).encode()), source="f.csv", encoding="utf-8").records
    return [record.fault and record.fault.reason for record in records]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param('d\ne\nf",q?,a\n', ["too_few_fields", "too_few_fields", "split_row"], id="document not opened"),
        pytest.param('"d\ne"\nf",q?,a\n', ["too_few_fields", "split_row"], id="document closed early"),
        pytest.param('d,q?,a\nb\nc"\n', ["split_row", "too_few_fields", "too_few_fields"], id="answer not opened"),
        pytest.param('d,q?,"a"\nb"\n', ["split_row", "too_few_fields"], id="answer closed early"),
        pytest.param(
            'd,q?,a\nb\nc, d, e"\n', ["split_row", "too_few_fields", "split_row"], id="as many commas as a row"
        ),
        pytest.param('d,q\nr?",a\n', ["too_few_fields", "too_few_fields"], id="question not opened"),
    ],
)
def test_the_beginning_and_the_end_of_a_split_row_are_rejected(body: str, expected: list[str | None]) -> None:
    assert reasons(GOOD + body + GOOD) == [None, *expected, None]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param('d,q?,a 19"\nshort\nd,q?,a\n', [None, "too_few_fields", None], id="inch sign, then a short row"),
        pytest.param('d 19",q?,a\nd,q?,19"\n', [None, None], id="inch signs"),
        pytest.param('short\nd,q?,"He said ""yes"""\n', ["too_few_fields", None], id="quoted field ends with a quote"),
        pytest.param('short\nd,q?,say "yes"\n', ["too_few_fields", None], id="pair of quotes"),
        pytest.param("d,q?,a\n" + "x\n" * 150 + 'y"\n', [None, *["too_few_fields"] * 151], id="far below"),
    ],
)
def test_other_rows_next_to_short_rows_are_accepted(body: str, expected: list[str | None]) -> None:
    assert reasons(body) == expected


def test_the_message_names_the_line_of_the_quote_and_the_remedy() -> None:
    body = b'doc,question,answer\nd,q?,a\nb"\n'
    first = next(iter(read_csv(BytesIO(body), source="f.csv", encoding="utf-8").records))
    assert first.fault is not None
    assert "is near line 3. Enclose each field that contains line breaks in quotes" in first.fault.message
