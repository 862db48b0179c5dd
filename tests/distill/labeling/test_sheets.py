"""Test the sheet that people label, and how the labels are read."""

from __future__ import annotations

import csv
import io

import pytest

from include.distill.core.errors import InputError
from include.distill.labeling.records import LabelExample
from include.distill.labeling.sheets import SHEET_COLUMNS, has_labels, read_sheet, render_sheet
from tests.distill.labeling.example_sample import ANSWERS, ROWS, sample, with_new_answers


def filled(examples: list[LabelExample], labels: list[str]) -> bytes:
    """Return a sheet with labels, as a person sends it back."""
    rows = [[example["example"], label] for example, label in zip(examples, labels, strict=True)]
    return "\r\n".join(",".join(row) for row in [["example", "label"], *rows]).encode()


def test_labels_are_read_in_upper_and_lower_case_and_an_empty_cell_means_no_answer() -> None:
    examples = sample(5)
    labels = read_sheet(filled(examples, ["A", "b", " TIE ", "", "No answer"]), examples, source="s.csv").labels
    assert list(labels.values()) == ["A", "B", "Tie", "No answer", "No answer"]


def test_the_sheet_does_not_reveal_which_arm_wrote_an_answer() -> None:
    answers = {arm: dict.fromkeys(by_row, f"text {number}") for number, (arm, by_row) in enumerate(ANSWERS.items())}
    body = render_sheet(sample(answers=answers)).decode("utf-8-sig")
    assert not [word for word in ("tuned", "base", "candidate", "baseline") if word in body]
    assert tuple(next(csv.reader(io.StringIO(body)))) == SHEET_COLUMNS


def test_a_sheet_saved_by_a_spreadsheet_is_read_completely() -> None:
    examples = sample(3)
    body = render_sheet(examples).decode("utf-8-sig").replace(",\r\n", ",A\r\n")
    assert list(read_sheet(body.encode("utf-8-sig"), examples, source="s.csv").labels.values()) == ["A"] * 3


@pytest.mark.parametrize(
    ("separator", "line_end", "encoding"),
    [
        pytest.param(",", "\r\n", "utf-8-sig", id="Excel, CSV UTF-8"),
        pytest.param(",", "\r\n", "cp1252", id="Excel, CSV"),
        pytest.param(";", "\r\n", "cp1252", id="Excel where the comma is the decimal point"),
        pytest.param("\t", "\r\n", "utf-16", id="Excel, Unicode text"),
        pytest.param(",", "\r", "mac-roman", id="Excel, CSV Macintosh"),
        pytest.param(",", "\n", "utf-8", id="LibreOffice"),
    ],
)
def test_a_sheet_is_read_in_every_format_that_spreadsheets_save(separator: str, line_end: str, encoding: str) -> None:
    examples = sample(3)
    text = io.StringIO(newline="")
    sheet = csv.writer(text, delimiter=separator, lineterminator=line_end)
    sheet.writerow(SHEET_COLUMNS)
    for example, label in zip(examples, "AB ", strict=True):
        sheet.writerow([example["example"], "Déjà “vu”, or; not?", "=d", "a", "", label])
    sheet.writerow([""] * len(SHEET_COLUMNS))  # an edited row without content
    labels = read_sheet(text.getvalue().encode(encoding), examples, source="s.csv").labels
    assert list(labels.values()) == ["A", "B", "No answer"]


def test_rows_and_columns_may_be_in_another_order_or_missing() -> None:
    examples = sample(3)
    body = f"Label,note,Example\n,,\nTie,why not,{examples[2]['example']}\nb,,{examples[0]['example']}\n"
    labels = read_sheet(body.encode(), examples, source="s.csv").labels
    assert labels == {examples[2]["example"]: "Tie", examples[0]["example"]: "B"}


@pytest.mark.parametrize(
    ("change", "touched"),
    [
        pytest.param((b"", b""), False, id="as written"),
        pytest.param((b",\r\n", b",A\r\n"), True, id="labeled"),
        pytest.param((b"\xef\xbb\xbf", b"PK\x03\x04"), True, id="another file format"),
    ],
)
def test_a_sheet_that_a_person_has_edited_is_recognized(change: tuple[bytes, bytes], touched: bool) -> None:
    assert has_labels(render_sheet(sample(3)).replace(*change), sample(20)) is touched


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(
            "example,label\n{0},C\n", r"s\.csv line 2, the column label contains 'c'; expected A, B", id="label"
        ),
        pytest.param(
            "example,label\n9-ffff-f,A\n", r"line 2, column example: '9-ffff-f' is not an example", id="unknown example"
        ),
        pytest.param(
            "example,label\n009-ffffff,A\n",
            r"'009-ffffff' has no hash of the answers",
            id="an example of an older version",
        ),
        pytest.param("example,label\n{0},A\n{0},B\n", r"line 3, column example: .* occurs twice", id="twice"),
        pytest.param(
            "example,label\n{0}\n",
            r"line 2, the row has a different number of fields \(1\) than the header \(2\)",
            id="short row",
        ),
        pytest.param("example,verdict\n{0},A\n", r"must have exactly one column 'label'", id="no such column"),
        pytest.param("example,label\n{0},=1+1\n", r"label contains '=1\+1'; expected A, B", id="formula"),
        pytest.param(
            "example|label\n{0}|A\n", r"expected the columns of the sheet, .* vertical bars", id="vertical bars"
        ),
        pytest.param("PK\x03\x04", r"Excel workbook", id="workbook"),
        pytest.param("", r"is empty", id="empty"),
    ],
)
def test_the_message_about_an_unusable_row_names_the_line_and_the_column(text: str, words: str) -> None:
    examples = sample(3)
    with pytest.raises(InputError, match=words):
        read_sheet(text.format(examples[0]["example"]).encode(), examples, source="s.csv")


def test_a_sheet_without_a_header_is_refused_without_its_texts() -> None:
    with pytest.raises(
        InputError, match=r"exactly one column 'example', but it has 0\. The first line has 2 columns"
    ) as raised:
        read_sheet(b"Who is Zoe?,She lives in Bonn\nx,y\n", sample(3), source="s.csv")
    assert "zoe" not in str(raised.value).lower()


def test_a_sheet_of_another_run_is_refused() -> None:
    with pytest.raises(InputError, match="is not an example of this run") as refused:
        read_sheet(filled(sample(40, run_key="other"), ["A"] * 40), sample(), source="s.csv")
    assert "… and 20 more" in str(refused.value)
    assert "To read a sheet of another run" in str(refused.value)


def test_a_label_on_a_sheet_counts_only_for_the_answers_on_the_same_sheet() -> None:
    examples = sample(60)
    changed = [example["row_id"] for example in examples[:2]]
    numbers = [number for number, row in enumerate(ROWS) if row["row_id"] in changed]
    now = sample(60, answers=with_new_answers(*numbers))
    sheet = read_sheet(filled(examples, ["A", "", *["B"] * 58]), now, source="s.csv")
    assert set(sheet.labels) == {example["example"] for example in now[2:]}
    assert (list(sheet.changed.values()), sheet.outdated) == (["A", "No answer"], 1)


def test_an_example_is_recognized_after_its_number_changed() -> None:
    """A question whose answers became equal leaves the sample, so the numbers after it change."""
    examples = sample(60)
    row_id = examples[0]["row_id"]
    answers = {**ANSWERS, "tuned": {**ANSWERS["tuned"], row_id: ANSWERS["base"][row_id]}}
    now = sample(60, answers=answers)
    assert now[0]["example"][:4] == "001-"
    sheet = read_sheet(filled(examples, ["A"] * 60), now, source="s.csv")
    assert (set(sheet.labels), sheet.outdated) == ({example["example"] for example in now}, 1)


def test_an_example_that_occurs_twice_in_a_sheet_is_refused_even_if_its_answers_changed() -> None:
    examples, now = sample(60), sample(60, answers=with_new_answers(*range(60)))
    twice = [examples[0], examples[0]]
    with pytest.raises(InputError, match="twice"):
        read_sheet(filled(twice, ["A", "B"]), now, source="s.csv")


def test_a_labeled_sheet_with_older_answers_still_counts_as_edited() -> None:
    now = sample(60, answers=with_new_answers(*range(60)))
    assert has_labels(render_sheet(sample(3)).replace(b",\r\n", b",A\r\n"), now)
    assert not has_labels(render_sheet(sample(3)), now)
