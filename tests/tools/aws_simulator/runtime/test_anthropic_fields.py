"""The fields of Anthropic bodies are checked as pydantic checks them."""

from __future__ import annotations

from typing import Any

import pytest

from tools.aws_simulator.protocol.errors import ValidationException
from tools.aws_simulator.runtime.anthropic_fields import BLOCKS, checked, checked_range

TYPES, REQUIRED = BLOCKS["text"]


@pytest.mark.parametrize("control", [{"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}, None])
def test_a_block_that_has_its_form_is_returned(control: Any) -> None:
    block = {"type": "text", "text": "x", "cache_control": control}
    assert checked(block, "messages.0.content.0.text", TYPES, REQUIRED) is block


@pytest.mark.parametrize(
    ("block", "message"),
    [
        pytest.param([], "a: Input should be a valid dictionary or object", id="a list"),
        pytest.param({}, "a.text: Field required", id="a missing field"),
        pytest.param({"text": 1}, "a.text: Input should be a valid string", id="a wrong type"),
        pytest.param({"text": "x", "txt": 1}, "a.txt: Extra inputs are not permitted", id="an unknown field"),
        pytest.param({"text": "x", "cache_control": {}}, "a.cache_control: Input tag 'None' found", id="no kind"),
        pytest.param(
            {"text": "x", "cache_control": {"type": "ephemeral", "ttl": "2h"}},
            "a.cache_control.ephemeral.ttl: Input should be '5m' or '1h'",
            id="two hours",
        ),
        pytest.param(
            {"text": "x", "cache_control": {"type": "ephemeral", "scope": "global"}},
            "a.cache_control.ephemeral.scope: Extra inputs are not permitted",
            id="an unknown field of the cache",
        ),
    ],
)
def test_a_block_that_breaks_its_form_is_refused(block: Any, message: str) -> None:
    with pytest.raises(ValidationException) as caught:
        checked(block, "a", TYPES, REQUIRED)
    assert message in str(caught.value)


def test_numbers_are_within_their_ranges() -> None:
    checked_range({"temperature": 1, "max_tokens": 1}, {"temperature": (0, 1), "max_tokens": (1, None)})
    with pytest.raises(ValidationException, match="temperature: Input should be less than or equal to 1"):
        checked_range({"temperature": 1.1}, {"temperature": (0, 1)})
    with pytest.raises(ValidationException, match="max_tokens: Input should be greater than or equal to 1"):
        checked_range({"max_tokens": 0}, {"max_tokens": (1, None)})
