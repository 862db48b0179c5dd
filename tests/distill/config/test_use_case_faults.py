from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from include.distill.config.section import Section
from include.distill.config.use_case_faults import Fault, describe_faults, is_unchecked


class Part(Section):
    count: int = Field(1, ge=1)


class File(Section):
    environment: str = "test"
    part: Part = Part()
    parts: tuple[Part, ...] = ()
    source: tuple[Part, ...] | Literal["all"] | dict[str, int] = "all"
    few: tuple[int, ...] = Field((1, 2), min_length=2)


def fault(raw: Any) -> ErrorDetails:
    with pytest.raises(ValidationError) as caught:
        File.model_validate(raw)
    (found,) = caught.value.errors()
    return found


def described(raw: Any) -> list[Fault]:
    with pytest.raises(ValidationError) as caught:
        File.model_validate(raw)
    return describe_faults(caught.value.errors(), File)


def test_a_fault_has_the_path_that_the_trigger_form_knows() -> None:
    assert [found.path for found in described({"source": {"a": "x"}, "part": {"count": 0}})] == [
        ("part", "count"),
        ("source", "a"),
    ]


def test_a_list_that_is_too_short_is_reported_in_addition_to_its_wrong_entry() -> None:
    assert [found.path for found in described({"few": ["x"]})] == [("few", "0"), ("few",)]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ({"prt": {}}, "prt: unknown key, did you mean 'part'?"),
        ({"x": 1}, "x: unknown key; expected one of part, parts, source, few"),
        ({"parts": [{"cont": 1}]}, "parts.0.cont: unknown key, did you mean 'count'?"),
        ({"part": {"count": 0}}, "part.count: found 0, expected a whole number of at least 1"),
        ({"part": {"count": True}}, "part.count: found true, expected a whole number of at least 1"),
        ({"part": 5}, "part: found 5, expected a mapping with the keys count"),
        ({"few": [1, "x"]}, "few.1: found 'x', expected a whole number"),
        ({"few": [1]}, "few: found [1], expected a list of 2 or more entries, each a whole number"),
        ({"source": [{"count": 0}]}, "source.0.count: found 0, expected a whole number of at least 1"),
        ({"source": [{"cont": 1}]}, "source.0.cont: unknown key, did you mean 'count'?"),
        ({"source": {"a": "x"}}, "source.a: found 'x', expected a whole number"),
        (
            {"source": "some"},
            "source: found 'some', expected all, a list of mappings with the keys count or a mapping in which each"
            " value is a whole number",
        ),
    ],
)
def test_a_fault_names_the_key_and_what_is_expected(raw: Any, text: str) -> None:
    assert [found.text for found in described(raw)] == [text]


def test_a_long_key_is_cut() -> None:
    (found,) = described({"k" * 200: 1})
    assert found.text.startswith(f"{'k' * 100}…: unknown key")


def test_a_value_with_an_unknown_variable_is_not_checked_but_an_unknown_key_is() -> None:
    assert is_unchecked(fault({"part": {"count": "${N}"}}), ["${N}"])
    assert not is_unchecked(fault({"part": {"count": "x"}}), ["${N}"])
    assert not is_unchecked(fault({"x": "${N}"}), ["${N}"])


def test_only_as_many_faults_as_are_shown_get_a_suggestion() -> None:
    with pytest.raises(ValidationError) as caught:
        File.model_validate({"prat": 1, "partz": 2, "feww": 3})
    found = describe_faults(caught.value.errors(), File, suggestions=2)
    assert [(one.path, "did you mean" in one.text) for one in found] == [
        (("prat",), True),
        (("partz",), True),
        (("feww",), False),
    ]
