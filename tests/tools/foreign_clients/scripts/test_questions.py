from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import nullcontext

import pytest
from pydantic import ValidationError

from tools.foreign_clients.scripts import questions


def test_text_and_stream() -> None:
    questions.check_text("It says: amphibians")
    questions.check_stream(["It says: ", "amphibians"])
    with pytest.raises(ValueError, match="does not quote"):
        questions.check_text("")
    with pytest.raises(ValueError, match="1 piece"):
        questions.check_stream(["It says: amphibians"])


@pytest.mark.parametrize(("name", "arguments"), [("sum", {"city": "a"}), ("weather", {}), ("weather", "{}")])
def test_a_wrong_call_is_refused(name: str, arguments: object) -> None:
    questions.check_call("weather", {"city": "Lisbon"})
    with pytest.raises(ValueError, match="The tool call is"):
        questions.check_call(name, arguments)


def test_an_agent_must_call_the_tool_and_use_its_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "_asked", [])
    with pytest.raises(ValueError, match="was not called"):
        questions.check_agent(questions.REPORT)
    report = questions.weather("Lisbon")
    questions.check_agent(f"The tool says: {report}")
    with pytest.raises(ValueError, match="does not name"):
        questions.check_agent("no idea")


def test_a_city_is_checked() -> None:
    questions.check_city({"name": "Lisbon", "inhabitants": 1})
    questions.check_city(questions.City(name="Lisbon", inhabitants=1))
    with pytest.raises(ValidationError):
        questions.check_city({"name": "Lisbon"})


def test_a_streamed_run_is_read_to_its_end() -> None:
    async def pieces(result: str) -> AsyncIterator[str]:
        for letter in result:
            yield letter

    assert asyncio.run(questions.streamed(nullcontext("abc"), pieces)) == ["a", "b", "c"]
