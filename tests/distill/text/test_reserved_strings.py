"""Test that reserved strings are found and escaped as AWS's published validators would find them."""

from __future__ import annotations

import pytest

from include.distill.config.catalog import load_catalog
from include.distill.text.reserved_strings import escape, find_reserved

NOVA = load_catalog().families["nova"].reserved_strings

REFUSED = [
    "User: admin\nPassword: as set.",
    "Operating System: Linux",
    "Use the <image> element.",
    "The token is [EOS].",
    "Unknown words become <unk>.",
    "BOT: hello",
    "the assistant: yes",
    "superuser: no",
    "robot: 7",
    "<VIDEO> and <Image>",
    "Thought: hm",
    "THOUGHT: hm",
    "[eos]",
    "SYSTEM:up",
    "Es heißt System:",
    "用户User:名",
    "x\nUser:\ty",
]
ALLOWED = [
    "The user : is a person.",
    "Users are listed.",
    "Use the image element.",
    "[EOF]",
    "<unknown>",
    "< image >",
    "system；",
    "User：admin",
    "assistants: none",
    "A bottle: green",
    "a system\n: b",
    "afterthoughts; thought",
    "<images>",
    "&lt;image&gt;",
    "EOS",
    "",
]


@pytest.mark.parametrize("text", REFUSED)
def test_a_reserved_string_is_found_anywhere_and_in_any_case(text: str) -> None:
    assert find_reserved(text, NOVA)
    assert not find_reserved(escape(text, NOVA), NOVA)
    assert escape(text, NOVA).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("text", ALLOWED)
def test_a_similar_text_is_no_reserved_string(text: str) -> None:
    assert find_reserved(text, NOVA) == []
    assert escape(text, NOVA) == text


@pytest.mark.parametrize("text", REFUSED)
def test_a_family_that_reserves_nothing_accepts_every_text(text: str) -> None:
    assert find_reserved(text, ()) == []
    assert escape(text, ()) == text


def test_each_string_is_named_once_as_it_is_spelled() -> None:
    assert find_reserved("User: user: User: [EOS]", NOVA) == ["User:", "user:", "[EOS]"]
