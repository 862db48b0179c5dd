from __future__ import annotations

import re
from pathlib import Path

import pytest

from include.distill.grounding import absence
from include.distill.grounding.absence import Absence

_REASON = re.compile(r"Absence\(\s*\"(\w+)\"")


def reasons_in_source() -> list[str]:
    """Return the reasons that the modules of the check give, so that a new one without a message fails a test."""
    folder = Path(absence.__file__).parent
    return sorted({reason for path in folder.glob("*.py") for reason in _REASON.findall(path.read_text("utf-8"))})


def test_the_reasons_are_found_in_the_source() -> None:
    assert {"date_not_in_document", "identifier_not_in_document", "not_checked"} <= set(reasons_in_source())


@pytest.mark.parametrize("reason", reasons_in_source())
def test_every_reason_that_the_check_gives_has_a_message(reason: str) -> None:
    message = Absence(reason, "seven").message
    assert message.endswith(".")
    assert "{" not in message


def test_a_message_quotes_the_fact() -> None:
    assert Absence("number_not_in_document", "7 GB").message == (
        "Neither the document nor the question contains the number '7 GB'."
    )


def test_the_message_about_coverage_states_the_share_without_quotation_marks() -> None:
    assert Absence("low_coverage", "the document contains only 3 of 9 words").message == (
        "Too little of the answer is supported: the document contains only 3 of 9 words."
    )


def test_a_message_quotes_at_most_120_characters() -> None:
    assert f"'{'x' * 120}'" in Absence("quotation_not_in_document", "x" * 120).message
    assert f"'{'x' * 120}'" in Absence("quotation_not_in_document", "x" * 121).message


def test_a_reason_without_a_message_is_an_error() -> None:
    with pytest.raises(KeyError, match="no_such_reason"):
        _ = Absence("no_such_reason", "x").message


def test_an_absence_is_certain_unless_it_says_otherwise() -> None:
    assert Absence("polarity", "x") == Absence("polarity", "x", is_certain=True)
    assert Absence("polarity", "x") != Absence("polarity", "x", is_certain=False)
