from __future__ import annotations

import json

import pytest

from include.distill.config.catalog import load_catalog
from include.distill.inference.quoted_requests import MAX_CHARACTERS, QUOTED, escaped, loggable
from include.distill.inference.requests import ModelRequest

TEACHER = load_catalog().model("claude-haiku-4-5")
SECRET = 'Die Kündigung von Frau Müller\nist "vertraulich" und gilt ab dem 3. Mai.'
PROMPT = f"<document>\n{SECRET}\n</document>\nWrite three questions about the document."


def shown(message: str, user: str = PROMPT, system: str = "") -> str:
    name = TEACHER.inference_id
    return loggable(message, ModelRequest(TEACHER, name, name, user, 100, system))


@pytest.mark.parametrize(
    "quotation",
    [
        SECRET,
        SECRET.upper(),
        " ".join(SECRET.split()),
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        repr(SECRET),
        SECRET[3:24],
        f"{SECRET[:20]}... (truncated)",
        PROMPT,
        json.dumps([{"role": "user", "content": [{"type": "text", "text": PROMPT}]}]),
    ],
)
def test_what_a_message_quotes_from_the_request_is_left_out(quotation: str) -> None:
    text = shown(f"converse x: ValidationException: messages.0.content: '{quotation}' is not valid.")
    assert text.startswith("converse x: ValidationException: messages.0.content: '")
    assert QUOTED in text
    assert "is not valid." in text
    assert not [word for word in ("ndigung", "Frau M", "vertraulich", "VERTRAULICH", "gilt") if word in text]


def test_a_quotation_of_the_system_prompt_and_of_a_text_without_spaces_is_left_out() -> None:
    assert "Musterbank" not in shown(
        "Invalid: 'Sie arbeiten für die Musterbank.'", system="Sie arbeiten für die Musterbank."
    )
    assert "秘密" not in shown("Invalid: 秘密の書類です", user="これは秘密の書類です。")


@pytest.mark.parametrize(
    "message",
    [
        "invoke_model x: ValidationException: Input is too long for requested model.",
        "converse x: ThrottlingException: Too many tokens, please wait before trying again.",
        "converse x: ValidationException: max_tokens: 50000 > 8192, which is the maximum allowed number of tokens.",
        "converse x: AccessDeniedException: You don't have access to the model with the specified model ID.",
        "converse x: 500.",
        "",
    ],
)
def test_a_message_that_quotes_nothing_is_unchanged(message: str) -> None:
    assert shown(message) == message


def test_control_characters_are_escaped_and_a_long_message_is_shortened() -> None:
    assert escaped("a\nb\x1b[31mc\td – ü") == "a\\nb\\x1b[31mc\\td – ü"
    assert len(escaped("x" * 10_000)) == MAX_CHARACTERS
    assert len(shown("y" * 10_000)) == MAX_CHARACTERS
    assert escaped("z" * MAX_CHARACTERS) == "z" * MAX_CHARACTERS


def test_a_lone_surrogate_is_no_problem() -> None:
    assert shown("bad \ud800 text", user="bad \ud800 text") != ""
