"""Test that a part that cannot be read is replaced by its fallback, and the note has no text of the dataset."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from include.distill.core.errors import ContractError, RefusedError, ThrottledError, TransientError
from include.distill.report.optional_parts import MAX_REASON_CHARACTERS, OptionalParts, is_missing


class Number(BaseModel):
    value: int


def failing(error: Exception) -> Any:
    def build() -> Any:
        raise error

    return build


def invalid() -> Any:
    return Number.model_validate({"value": "secret"})


def test_the_notes_say_which_parts_are_missing() -> None:
    parts = OptionalParts(lambda _: None)
    parts.read("the bill", failing(KeyError("lines")), fallback=[])
    assert is_missing("the bill", parts.notes)
    assert not is_missing("the", parts.notes)
    assert not is_missing("the sample", parts.notes)


def test_a_part_that_can_be_read_is_returned_without_a_note() -> None:
    parts = OptionalParts(lambda _: None)
    assert parts.read("the sample", lambda: [1], fallback=[]) == [1]
    assert parts.notes == []


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (failing(KeyError("loss")), "the key 'loss' is missing."),
        (failing(ThrottledError("Slow down.")), "AWS did not carry out a request (ThrottledError)"),
        (failing(ContractError("Line 3 is not JSON.")), "Line 3 is not JSON."),
        (failing(ValueError()), "ValueError."),
        (failing(UnicodeDecodeError("utf-8", b"x", 0, 1, "bad")), "bad."),
        (failing(RecursionError("deep")), "deep."),
        (failing(OSError("x" * 1000)), "x" * MAX_REASON_CHARACTERS + "…"),
        (invalid, "value: Input should be a valid integer"),
    ],
)
def test_any_error_gives_the_fallback_and_a_note_with_the_reason_and_the_remedy(build: Any, words: str) -> None:
    warned: list[str] = []
    parts = OptionalParts(warned.append)
    assert parts.read("the sample", build, fallback="nothing") == "nothing"
    assert parts.notes[0].startswith("The report does not contain the sample: ")
    assert words in parts.notes[0]
    assert "clear the task `report`" in parts.notes[0]
    assert len(warned) == 1
    assert "secret" not in parts.notes[0] + warned[0]


def test_a_note_is_added_once() -> None:
    parts = OptionalParts(lambda _: None)
    parts.note("Twice.")
    parts.note("Twice.")
    assert parts.notes == ["Twice."]


INTERNAL = "arn:aws:sts::123456789012:assumed-role/distill/worker is not authorized to perform: s3:GetObject"


@pytest.mark.parametrize("kind", [RefusedError, TransientError, ContractError])
def test_a_message_of_aws_is_in_the_log_and_not_in_the_report(kind: type[RefusedError]) -> None:
    error, warned = kind(INTERNAL), list[str]()
    error.code = "AccessDenied"
    parts = OptionalParts(warned.append)
    parts.read("the sample", failing(error), fallback=None)
    assert "(AccessDenied)" in parts.notes[0]
    assert not any(word in parts.notes[0] for word in ("123456789012", "role", "authorized"))
    assert INTERNAL in warned[0]
