from __future__ import annotations

from io import BytesIO

import pytest

from include.distill.core.errors import InputError
from include.distill.dataset.columns import SecondHeaders, find_columns, plain_name
from include.distill.dataset.csv_records import read_csv
from include.distill.dataset.tables import Table, TableRecord

HEADER = "doc,question,answer\n"


def table_of(text: str) -> Table:
    return read_csv(BytesIO(text.encode()), source="f.csv", encoding="utf-8")


def headers_of(text: str, columns: dict[str, str] | None = None, group: str | None = None) -> SecondHeaders:
    table = table_of(text)
    indexes = find_columns(table, source="f.csv", columns=columns, group_column=group)
    return SecondHeaders(table.header, indexes, columns=columns, source="f.csv")


def record(*fields: str) -> TableRecord:
    return TableRecord(7, list(fields), ",".join(fields))


@pytest.mark.parametrize(
    ("fields", "is_header"),
    [
        (("doc", "question", "answer"), True),
        (("\ufeffDoc", " QUESTION ", "answer"), True),
        (("context", "query", "reply"), True),
        (("doc", "question", "It is 5."), False),
        (("The doc", "What is a question?", "An answer"), False),
        (("doc", "doc", "answer"), False),
    ],
)
def test_a_second_header_with_the_columns_in_the_same_places_is_a_row_to_skip(
    fields: tuple[str, ...], is_header: bool
) -> None:
    fault = headers_of(HEADER + "a,b,c\n").fault(record(*fields))
    assert (fault.reason if fault else None) == ("header_again" if is_header else None)


@pytest.mark.parametrize(
    "fields",
    [
        ("question", "doc", "answer"),
        ("\ufeffanswer", "doc", "question"),
        ("query", "context", "reply"),
        ("id", "doc", "question", "answer"),
    ],
)
def test_a_second_header_with_the_columns_in_other_places_stops_the_file(fields: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match=r"f\.csv line 7: a second header has columns .* Nothing was read"):
        headers_of(HEADER + "a,b,c\n").fault(record(*fields))


def test_mapped_columns_and_the_group_column_are_compared_too() -> None:
    headers = headers_of("text,question,answer,page\na,b,c,d\n", {"document": "text"}, "page")
    assert headers.fault(record("doc", "question", "answer", "page")) is None
    assert headers.fault(record("Text", "question", "answer", "page")) is not None
    with pytest.raises(InputError, match="a second header"):
        headers.fault(record("page", "question", "answer", "text"))


@pytest.mark.parametrize("above", ["FAQ, January", "FAQ export,,", ",,", "# exported, on Monday", "a,b\n\nc,d"])
def test_lines_above_the_header_are_named(above: str) -> None:
    line = above.count("\n") + 2
    with pytest.raises(
        InputError, match=f"Line {line} has the column names, so the header is not on line 1. Remove the"
    ):
        find_columns(table_of(f"{above}\n{HEADER}a,b,c\n"), source="f.csv", columns=None, group_column=None)


def test_names_are_compared_without_case_and_marks() -> None:
    assert plain_name("\ufeff Doc\u200b ") == "doc"


@pytest.mark.parametrize("first", ["EC2 is a VM,What is EC2?,A VM", "a,b," + "long text " * 9, "a,これは何？,c"])
def test_a_file_without_a_header_is_recognized_by_its_first_row(first: str) -> None:
    text = f"{first}\nd,q?,a\n"
    with pytest.raises(InputError, match=r"Line 1 looks like a row, so the file seems to have no header\. Add a first"):
        find_columns(table_of(text), source="f.csv", columns=None, group_column=None)


def test_the_texts_of_a_row_are_not_quoted_as_names_of_columns() -> None:
    with pytest.raises(InputError) as raised:
        find_columns(table_of("Zoe lives in Bonn,Who is Zoe?,She\n"), source="f.csv", columns=None, group_column=None)
    assert "Found 3 columns. " in str(raised.value)
    assert "Zoe" not in str(raised.value)


def test_other_names_are_not_taken_for_a_row() -> None:
    with pytest.raises(
        InputError,
        match=r"Change the file \(give it .* named document or doc or context and .*set source\.columns: \{document: ",
    ):
        find_columns(table_of("text,ask,reply\na,b?,c\n"), source="f.csv", columns=None, group_column=None)
