"""Thinking says that it is simulated, and only genuine thinking has a genuine signature."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tools.aws_simulator.models.conversation import Thinking, single
from tools.aws_simulator.models.reasoning import is_genuine, think

THOUGHT = think(single("", "How many lifecycle rules can a bucket have?"))


def test_thinking_says_that_it_is_simulated_and_names_the_words_of_the_message() -> None:
    assert THOUGHT.text.startswith("Simulated reasoning")
    assert "lifecycle, rules" in THOUGHT.text
    assert think(single("", "How many lifecycle rules can a bucket have?")) == THOUGHT


def test_genuine_thinking_is_recognized_also_without_its_text() -> None:
    assert is_genuine(THOUGHT)
    assert is_genuine(replace(THOUGHT, text=""))


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(replace(THOUGHT, text="Something else."), id="another text"),
        pytest.param(replace(THOUGHT, signature=""), id="no signature"),
        pytest.param(replace(THOUGHT, signature="?"), id="not base64"),
        pytest.param(replace(THOUGHT, signature=THOUGHT.signature[:-8] + "AAAAAAA="), id="another signature"),
        pytest.param(Thinking("Hm.", "EqQBCgIYAhIM"), id="of a real model"),
    ],
)
def test_forged_thinking_is_not_genuine(forged: Thinking) -> None:
    assert not is_genuine(forged)
