"""Bedrock itself refuses messages that no model may get."""

from __future__ import annotations

from typing import Any

import pytest

from tools.aws_simulator.models.conversation import Text, ToolResult, ToolUse, Turn
from tools.aws_simulator.protocol.errors import ValidationException
from tools.aws_simulator.runtime.converse_checks import (
    MAX_DOCUMENT_BYTES,
    MAX_IMAGE_BYTES,
    check_messages,
    check_tool_blocks,
)

TEXT = {"text": "What is it?"}


def document(name: str = "notes", size: int = 9) -> dict[str, Any]:
    return {"document": {"name": name, "format": "txt", "source": {"bytes": b"x" * size}}}


def image(size: int = 9) -> dict[str, Any]:
    return {"image": {"format": "png", "source": {"bytes": b"x" * size}}}


def result(*blocks: Any) -> dict[str, Any]:
    return {"toolResult": {"toolUseId": "t1", "content": list(blocks)}}


@pytest.mark.parametrize(
    "blocks",
    [
        pytest.param([TEXT], id="text"),
        pytest.param([TEXT, {"cachePoint": {"type": "default"}}], id="a checkpoint after a text"),
        pytest.param([TEXT, *(document(f"n{number}") for number in range(5))], id="five documents"),
        pytest.param([image() for _ in range(20)], id="twenty images"),
        pytest.param([TEXT, document("a_b (1) [2]-c d")], id="a long name"),
        pytest.param([TEXT, document(size=MAX_DOCUMENT_BYTES), image(MAX_IMAGE_BYTES)], id="the largest files"),
        pytest.param([result(document())], id="a document in a result"),
    ],
)
def test_allowed_contents_pass(blocks: list[Any]) -> None:
    check_messages([{"role": "user", "content": blocks}])


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        pytest.param([], "The content field in the Message object at messages.0 is empty.", id="empty"),
        pytest.param(
            [{"text": ""}], "The text field in the ContentBlock object at messages.0.content.0 is blank.", id="blank"
        ),
        pytest.param([TEXT, {"text": " \n"}], "messages.0.content.1 is blank", id="white space"),
        pytest.param([{"cachePoint": {"type": "default"}}], "nothing available to cache", id="only a checkpoint"),
        pytest.param([document()], "A text block must be included when using documents.", id="only a document"),
        pytest.param([TEXT, document(), document()], "can't contain duplicate document names", id="the same name"),
        pytest.param(
            [TEXT, document(), result(document())], "duplicate document names", id="the same name in a result"
        ),
        pytest.param([TEXT, *(document(f"n{number}") for number in range(6))], "more than 5 documents", id="six"),
        pytest.param([image() for _ in range(21)], "more than 20 images", id="21 images"),
        pytest.param([TEXT, document(size=MAX_DOCUMENT_BYTES + 1)], "exceeds the maximum size", id="a large document"),
        pytest.param([image(MAX_IMAGE_BYTES + 1)], "exceeds the maximum size", id="a large image"),
        *(
            pytest.param([TEXT, document(name)], "The document file name can only contain", id=f"name {name!r}")
            for name in ("a.pdf", "a  b", "a/b", "résumé", "a\tb", "a\u3000b", "it's")
        ),
    ],
)
def test_other_contents_are_refused(blocks: list[Any], message: str) -> None:
    with pytest.raises(ValidationException) as caught:
        check_messages([{"role": "user", "content": blocks}])
    assert message in str(caught.value)


ASKED = Turn("user", (Text("x"),))
CALLED = Turn("assistant", (ToolUse("t1", "a", {}), ToolUse("t2", "a", {})))
ANSWERED = Turn("user", (ToolResult("t1", "y"), ToolResult("t2", "y")))


def test_every_call_has_its_result() -> None:
    check_tool_blocks((ASKED, CALLED, ANSWERED), has_tools=True)
    check_tool_blocks((ASKED, CALLED), has_tools=True)


@pytest.mark.parametrize(
    ("turns", "has_tools", "message"),
    [
        pytest.param((ASKED, CALLED, ANSWERED), False, "The toolConfig field must be defined", id="no tools"),
        pytest.param((ASKED, CALLED, ASKED), True, "for the following Ids: t1, t2", id="no result"),
        pytest.param((ANSWERED,), True, "exceeds the number of toolUse blocks", id="no call"),
        pytest.param(
            (ASKED, CALLED, Turn("user", (ToolResult("t1", "y"), ToolResult("t1", "y")))),
            True,
            "The toolResult blocks at messages.2.content contain duplicate Ids: t1",
            id="two results of one call",
        ),
        pytest.param(
            (ASKED, Turn("assistant", (ToolUse("t1", "a", {}), ToolUse("t1", "a", {})))),
            True,
            "The toolUse blocks at messages.1.content contain duplicate Ids: t1",
            id="two calls with one id",
        ),
    ],
)
def test_results_without_their_calls_are_refused(turns: tuple[Turn, ...], has_tools: bool, message: str) -> None:
    with pytest.raises(ValidationException) as caught:
        check_tool_blocks(turns, has_tools=has_tools)
    assert message in str(caught.value)
