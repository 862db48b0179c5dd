from __future__ import annotations

import json

import pytest

from include.distill.curation.escapes import changed_by_escape

DOCUMENT = (
    r"Install to C:\temp\new\bin or C:\reports\x. The angle is \theta, the gradient \nabla f, the density $\rho$."
    r' Then printf("Total: %d\nDone"); Done is printed on a line of its own. Rows: a\tb'
)


@pytest.mark.parametrize(
    ("as_json", "lost"),
    [
        (r"It is in C:\temp.", r"\temp"),
        (r"It is in C:\temp\new.", r"\temp"),
        (r"In C:\\temp\new.", r"\new"),
        (r"In C:\reports", r"\reports"),
        (r"the angle \theta is", r"\theta"),
        (r"\theta", r"\theta"),
        (r"take $\nabla f$", r"\nabla"),
        (r"the density $\rho$", r"\rho"),
        (r"printf(\"Total: %d\nDone\");", r"\nDone"),
    ],
)
def test_a_backslash_of_the_document_that_was_read_as_an_escape_is_found(as_json: str, lost: str) -> None:
    assert changed_by_escape(json.loads(f'"{as_json}"'), DOCUMENT) == lost


@pytest.mark.parametrize(
    "text",
    [
        r"C:\temp\new\bin and \theta",
        "Steps:\nDone",
        "Total: 5\nDone",
        "It prints:\nTotal: 5\nDone",
        "1. temp\n2. new",
        "the new\nnew folder",
        "name\tvalue",
        "a\nb\n\nc",
        "bin\r\ntemp",
    ],
)
def test_line_breaks_and_tabs_that_are_meant_are_accepted(text: str) -> None:
    assert changed_by_escape(text, DOCUMENT) is None


WITH_ESCAPES = r'Write "\n" for a line end, \t for a tab, and \r\n on Windows. Then install it.'


@pytest.mark.parametrize(
    ("as_json", "lost"),
    [
        (r"Write \"\n\".", r"\n"),
        (r"Use `\t`.", r"\t"),
        (r"On Windows, it is \r\n.", r"\r\n"),
        (r"Use \n, not \t.", r"\n"),
    ],
)
def test_an_escape_of_the_document_that_became_a_character_is_found(as_json: str, lost: str) -> None:
    assert changed_by_escape(json.loads(f'"{as_json}"'), WITH_ESCAPES) == lost


@pytest.mark.parametrize(
    "text",
    [
        '"Yes"\n"No"',
        "```\ncode\n```",
        "Use:\n- `a`\n- `b`",
        "One,\ntwo.",
        "The end \n",
        'f(\n  "a",\n  "b"\n)',
        "a.\n\n(b)",
    ],
)
def test_line_breaks_next_to_quotes_are_accepted(text: str) -> None:
    assert changed_by_escape(text, WITH_ESCAPES) is None


@pytest.mark.parametrize(
    ("as_json", "lost"),
    [
        (r"It is $2 \times 3$.", r"\times"),
        (r"The angle \theta_1", r"\theta"),
        (r"take \nabla f", r"\nabla"),
        (r"$a \rightarrow b$", r"\rightarrow"),
        (r"\textbf{x}", r"\textbf"),
    ],
)
def test_the_rest_of_a_latex_command_is_found_without_the_document(as_json: str, lost: str) -> None:
    assert changed_by_escape(json.loads(f'"{as_json}"'), "A document without it.") == lost


@pytest.mark.parametrize("text", ["ne\neq\nlt", "Prix\tau kilo", "Name\ttext", "a\r\nho", "x\thetas"])
def test_words_after_a_tab_or_a_line_break_are_no_commands(text: str) -> None:
    assert changed_by_escape(text, "A document without it.") is None


def test_a_document_without_backslashes_loses_none() -> None:
    assert changed_by_escape("C:\temp\new", "Install to the folder temp or new.") is None
