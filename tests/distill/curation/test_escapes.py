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


def test_a_document_without_backslashes_loses_none() -> None:
    assert changed_by_escape("C:\temp\new", "Install to the folder temp or new.") is None
