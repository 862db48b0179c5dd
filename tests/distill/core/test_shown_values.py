from __future__ import annotations

from typing import Any

import pytest

from include.distill.core.shown_values import shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        ("a ", "'a '"),
        (3, "3"),
        ("x" * 9, "'xxxx… (9 characters)"),
        (["a", "b"], "['a',… (2 entries)"),
        ({"a": 100}, "{'a':… (1 entries)"),
        (10**9, "10000…"),
    ],
)
def test_a_value_is_shown_as_in_the_file_and_a_long_one_is_cut(value: Any, text: str) -> None:
    assert shown(value, 5) == text
