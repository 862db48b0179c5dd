from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from include.distill.config.section import Section
from include.distill.config.use_case_faults import describe_fault, is_unchecked


class Part(Section):
    count: int = Field(1, ge=1)


class File(Section):
    environment: str = "test"
    part: Part = Part()
    parts: tuple[Part, ...] = ()


def fault(raw: Any) -> ErrorDetails:
    with pytest.raises(ValidationError) as caught:
        File.model_validate(raw)
    (found,) = caught.value.errors()
    return found


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ({"prt": {}}, "prt: unknown key, did you mean 'part'?"),
        ({"x": 1}, "x: unknown key; expected one of part, parts"),
        ({"parts": [{"cont": 1}]}, "parts.0.cont: unknown key, did you mean 'count'?"),
        ({"part": {"count": 0}}, "part.count: Input should be greater than or equal to 1, found 0"),
    ],
)
def test_a_fault_names_the_key_and_what_is_expected(raw: Any, text: str) -> None:
    assert describe_fault(fault(raw), File) == text


def test_a_long_key_is_cut() -> None:
    text = describe_fault(fault({"k" * 200: 1}), File)
    assert text.startswith(f"{'k' * 100}…: unknown key")


def test_a_value_with_an_unknown_variable_is_not_checked_but_an_unknown_key_is() -> None:
    assert is_unchecked(fault({"part": {"count": "${N}"}}), ["${N}"])
    assert not is_unchecked(fault({"part": {"count": "x"}}), ["${N}"])
    assert not is_unchecked(fault({"x": "${N}"}), ["${N}"])
