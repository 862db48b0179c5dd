from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from include.distill.config.section import Hours, PollSeconds, Section


class Inner(Section):
    text: str = ""


class Example(Section):
    text: str = ""
    texts: tuple[str, ...] = ()
    table: dict[str, str] | None = None
    inner: Inner = Inner()
    switch: bool = False
    hours: Hours = 1
    poll: PollSeconds = 1


@pytest.mark.parametrize(
    ("values", "key"),
    [
        pytest.param({"text": "a\0"}, "text", id="text"),
        pytest.param({"texts": ["a", "\x01"]}, "texts", id="text of a list"),
        pytest.param({"table": {"a": "\ufffe"}}, "table", id="value of a table"),
        pytest.param({"table": {"\0": "a"}}, "table", id="key of a table"),
        pytest.param({"inner": {"text": "\0"}}, "inner.text", id="text of a section in it"),
        pytest.param({"texts": ["\ud800"]}, "texts", id="half a character"),
    ],
)
def test_a_character_that_airflow_and_training_files_cannot_store_is_refused(values: Any, key: str) -> None:
    with pytest.raises(ValidationError, match=r"found the character U\+") as raised:
        Example.model_validate(values)
    assert [".".join(map(str, error["loc"])) for error in raised.value.errors()] == [key]


@pytest.mark.parametrize(
    "values",
    [
        {"text": "日本 \U0001f600\t\n", "texts": ["é", ""], "table": {"日": "本"}, "inner": {"text": "\U0001f600"}},
        {"switch": True, "hours": 8_760, "poll": 86_400},
        {"hours": 1e-300, "poll": 1e-300},
    ],
)
def test_other_values_are_accepted(values: dict[str, Any]) -> None:
    assert Example.model_validate(values).model_dump(mode="json").items() >= values.items()


@pytest.mark.parametrize(
    "values",
    [{"hours": 8_760.1}, {"hours": 0}, {"hours": True}, {"poll": 86_400.1}, {"poll": -1}, {"hours": float("nan")}],
)
def test_a_time_that_cannot_be_computed_with_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Example.model_validate(values)
