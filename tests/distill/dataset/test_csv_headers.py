from __future__ import annotations

from io import BytesIO

import pytest

from include.distill.core.errors import InputError
from include.distill.dataset.csv_headers import guess_separator, header_hints
from include.distill.dataset.csv_records import read_csv
from include.distill.dataset.tables import TableRecord

ROWS = "doc,question,answer\na,b,c\n"


def header(*fields: str) -> TableRecord:
    return TableRecord(1, list(fields), ",".join(fields))


@pytest.mark.parametrize(
    ("body", "advice"),
    [
        ("sep=;\n" + ROWS.replace(",", ";"), "setting for Excel.*Remove the line.*by semicolons, so also save"),
        ("sep=\t\n" + ROWS.replace(",", "\t"), "setting for Excel.*Remove the line.*by tabs, so also save"),
        ('"sep=,"\n' + ROWS, r"setting for Excel, not the header\. Remove the line\.$"),
        ('"doc,question,answer"\n"a,b,c"\n', "The whole line is enclosed in quotes"),
        ("FAQ export\n" + ROWS, r"Line 2 has 3 columns \('doc', 'question', 'answer'\).*remove the lines above it"),
        ("# exported\n# on Monday, at 8\n" + ROWS, r"Line 3 has 3 columns \('doc', 'question', 'answer'\)"),
        ("FAQ\n" + ROWS.replace(",", ";"), "The columns of the lines below line 1 seem to be separated by semicolons"),
        ("doc\tquestion; or\tanswer\na\tb\tc\n", "seem to be separated by tabs; save"),
        ('"FAQ, export"\n' + ROWS, r"Line 2 has 3 columns \('doc', 'question', 'answer'\).*remove the lines above it"),
        ("doc\tquestion\tanswer\na; b; c; d\tb\tc\n", "seem to be separated by tabs; save"),
        ("doc;question|or;answer\na;b, c;d\n", "seem to be separated by semicolons; save"),
        ("doc\nabc\n", r"Save the file as comma-separated UTF-8\.$"),
    ],
)
def test_a_header_with_one_column_is_explained(body: str, advice: str) -> None:
    with pytest.raises(InputError, match=rf"(?s)f\.csv line 1: found only one column.*Nothing was read\. .*{advice}"):
        read_csv(BytesIO(body.encode()), source="f.csv", encoding="utf-8")


def test_a_long_line_with_one_column_is_not_quoted() -> None:
    with pytest.raises(InputError, match="found only one column with 69 characters; expected") as raised:
        read_csv(BytesIO(("Zoe lives in Bonn. " * 4)[:69].encode() + b"\nx\n"), source="f.csv", encoding="utf-8")
    assert "Zoe" not in str(raised.value)


def test_the_most_frequent_separator_counts() -> None:
    assert guess_separator(header("a\tb; c\td")) == "tabs"
    assert guess_separator(header("a|b;c;d")) == "semicolons"
    assert guess_separator(header("a", "b")) is None


def test_hints_name_a_setting_for_excel_and_single_quotes() -> None:
    (setting,) = header_hints(TableRecord(1, ["sep=", ""], "sep=,\n"), has_mark=False, encoding="utf-8")
    assert "remove the line" in setting
    (quotes,) = header_hints(header("'doc'", "'question'", "'answer'"), has_mark=False, encoding="utf-8")
    assert "use double quotes" in quotes
    assert list(header_hints(header("doc", "what's", "answer"), has_mark=False, encoding="utf-8")) == []
