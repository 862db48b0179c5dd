"""Values are found in a prompt by the names of properties."""

from __future__ import annotations

import pytest

from tools.aws_simulator.models.prompt_values import named_number, named_text


@pytest.mark.parametrize(
    ("name", "prompt", "value"),
    [
        pytest.param("city", "What is the weather in Paris, France tomorrow?", "Paris, France", id="a place"),
        pytest.param("location", "Weather for New York", "New York", id="a place of two words"),
        pytest.param("destination", "Book a flight from Oslo to Rome.", "Rome", id="where to"),
        pytest.param("origin", "Book a flight from Oslo to Rome.", "Oslo", id="where from"),
        pytest.param("user_name", "The user name is Ann Smith. Greet her.", "Ann Smith", id="next to its name"),
        pytest.param("productId", "product id: B-12, please", "B-12", id="after a colon"),
        pytest.param("departure_date", "I leave on 2026-03-01 at noon", "2026-03-01", id="a date"),
        pytest.param("email", "Write to ann@example.com today", "ann@example.com", id="an address"),
        pytest.param("url", "Read https://example.com/a?b=1 now", "https://example.com/a?b=1", id="a URL"),
        pytest.param("expression", "How much is 12 * (3 + 4)?", "12 * (3 + 4)", id="a calculation"),
        pytest.param("query", " Find red shoes ", "Find red shoes", id="the whole message"),
        pytest.param("title", 'Add the song "Yesterday" to my list', "Yesterday", id="in quotes"),
        pytest.param("title", "Add a song", None, id="nothing"),
        pytest.param("city", "what is the weather?", None, id="no place"),
        pytest.param("", "", None, id="no name"),
    ],
)
def test_a_text_is_found(name: str, prompt: str, value: str | None) -> None:
    assert named_text(name, prompt) == value


@pytest.mark.parametrize(
    ("name", "prompt", "value"),
    [
        pytest.param("days", "A forecast for 3 days in 2026", 3, id="before the name"),
        pytest.param("max_price", "The price is at most 12.5 euros for 2", 12.5, id="behind the name"),
        pytest.param("temperature", "Set the temperature to -4", -4, id="negative"),
        pytest.param("count", "Give me 3 shoes", None, id="next to another name"),
        pytest.param("", "3", None, id="no name"),
    ],
)
def test_a_number_is_found(name: str, prompt: str, value: float | None) -> None:
    assert named_number(name, prompt) == value
