from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import ValidationError, model_validator

from include.distill.config.key_problems import KeyProblem, refuse
from include.distill.config.section import Section


class Pair(Section):
    low: int = 0
    high: int = 0

    @model_validator(mode="after")
    def _in_order(self) -> Pair:
        refuse(self._problems())
        return self

    def _problems(self) -> Iterator[KeyProblem]:
        if self.low > self.high:
            yield KeyProblem(("low",), f"found {self.low} with {{braces}}")
            yield KeyProblem(("high",), f"found {self.high}")


class File(Section):
    pairs: tuple[Pair, ...] = ()


def test_all_problems_are_reported_under_their_keys_even_if_the_section_is_in_a_list() -> None:
    with pytest.raises(ValidationError) as raised:
        File.model_validate({"pairs": [{"high": 1}, {"low": 2, "high": 1}]})
    assert [(error["loc"], error["msg"]) for error in raised.value.errors()] == [
        (("pairs", 1, "low"), "found 2 with {braces}"),
        (("pairs", 1, "high"), "found 1"),
    ]


def test_a_section_without_problems_is_accepted() -> None:
    assert File.model_validate({"pairs": [{"low": 1, "high": 1}]}).pairs[0].low == 1
