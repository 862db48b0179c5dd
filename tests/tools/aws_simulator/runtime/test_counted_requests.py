"""CountTokens and the usage of an answer count everything that a request contains."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tools.aws_simulator.models.text import count_tokens

MODEL = "anthropic.claude-haiku-4-5-20251001-v1:0"
QUESTION = "What is it?"
SPECIFICATION = {"name": "look", "description": "Look it up", "inputSchema": {"json": {"type": "object"}}}
CALL = {"toolUse": {"toolUseId": "t1", "name": "look", "input": {"word": "house"}}}
RESULT = {"toolResult": {"toolUseId": "t1", "content": [{"text": "A building."}]}}


def asked(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": [{"text": QUESTION}, *blocks]}


def document(kind: str, data: bytes) -> dict[str, Any]:
    return {"document": {"name": "notes", "format": kind, "source": {"bytes": data}}}


@pytest.mark.parametrize(
    ("arguments", "more"),
    [
        pytest.param({"messages": [asked()]}, 0, id="text"),
        pytest.param(
            {"messages": [asked()], "system": [{"text": "Be brief."}]}, count_tokens("Be brief."), id="system"
        ),
        pytest.param(
            {"messages": [asked(document("txt", b"My notes."))]}, count_tokens("My notes."), id="a text document"
        ),
        pytest.param({"messages": [asked(document("pdf", b"%PDF-1.7 /Type /Page /Type /Page "))]}, 3000, id="a PDF"),
        pytest.param(
            {"messages": [asked({"image": {"format": "png", "source": {"bytes": builders.png(1000, 750)}}})]},
            1000,
            id="an image",
        ),
        pytest.param(
            {"messages": [asked()], "toolConfig": {"tools": [{"toolSpec": SPECIFICATION}]}},
            count_tokens('look Look it up {"type": "object"}'),
            id="a tool",
        ),
        pytest.param(
            {
                "messages": [asked(), {"role": "assistant", "content": [CALL]}, {"role": "user", "content": [RESULT]}],
                "toolConfig": {"tools": [{"toolSpec": SPECIFICATION}]},
            },
            count_tokens('look Look it up {"type": "object"} look {"word": "house"} A building.'),
            id="a call of a tool and its result",
        ),
    ],
)
def test_every_part_of_a_request_counts(simulator: RunningSimulator, arguments: dict[str, Any], more: int) -> None:
    client = simulator.boto("bedrock-runtime")
    counted = client.count_tokens(modelId=MODEL, input={"converse": arguments})["inputTokens"]
    assert counted == count_tokens(QUESTION) + more
    assert client.converse(modelId=f"us.{MODEL}", **arguments)["usage"]["inputTokens"] == counted
