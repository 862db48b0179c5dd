"""The bodies of every model family are read, and invalid bodies are refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tools.aws_simulator.catalog.catalog import load_catalog
from tools.aws_simulator.runtime import bodies


def llama_prompt(text: str) -> str:
    return (
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
        f"<|start_header_id|>user<|end_header_id|>\n\n{text}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
    )


def nova_body(**changes: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": [{"text": builders.prompt()}]}]
    return {"schemaVersion": "messages-v1", "messages": messages, "inferenceConfig": {"maxTokens": 200}, **changes}


CLAUDE = "anthropic.claude-haiku-4-5-20251001-v1:0"


@pytest.mark.parametrize("table", [bodies.READERS, bodies.WRITERS], ids=["readers", "writers"])
def test_the_tables_have_exactly_the_body_formats_of_the_catalog(table: dict[str, Any]) -> None:
    assert set(table) == {model.body for model in load_catalog().models.values()}


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        pytest.param(b"not json", "the body is not JSON", id="not json"),
        pytest.param([], "expected an object", id="not an object"),
        pytest.param({"messages": []}, "required key [anthropic_version] not found", id="no version"),
        pytest.param(builders.anthropic_body(anthropic_version="2"), "'2' is not a version", id="version"),
        pytest.param(builders.anthropic_body(tool=[]), "extraneous key [tool] is not permitted", id="extra key"),
        pytest.param(builders.anthropic_body(max_tokens="5"), "#/max_tokens: expected int, found str", id="type"),
        pytest.param(builders.anthropic_body(max_tokens=0), "#/max_tokens: 0 is not between 1", id="range"),
        pytest.param(builders.anthropic_body(temperature=1.5), "#/temperature: 1.5 is not between", id="temperature"),
        pytest.param(builders.anthropic_body(messages=[]), "must start with a user message", id="no message"),
        pytest.param(
            builders.anthropic_body(messages=[{"role": "user", "content": [{"type": "image"}]}]),
            "required key [source] not found",
            id="image",
        ),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_and_free(simulator: RunningSimulator, body: Any, complaint: str) -> None:
    with refused("ValidationException", complaint, status=400):
        builders.invoke(simulator, f"us.{CLAUDE}", body)
    assert simulator.ledger["billed_calls"] == 0


@pytest.mark.parametrize(
    ("model_id", "body", "complaint"),
    [
        pytest.param(builders.STUDENT, nova_body(schemaVersion="v2"), "is not 'messages-v1'", id="nova version"),
        pytest.param(builders.STUDENT, nova_body(toolConfig={}), "lacks a key", id="nova tools"),
        pytest.param("us.meta.llama3-1-8b-instruct-v1:0", {}, "required key [prompt]", id="llama without prompt"),
        pytest.param(
            "us.meta.llama3-1-8b-instruct-v1:0",
            {"prompt": "<|start_header_id|>tool<|end_header_id|>x<|eot_id|>"},
            "turns of unknown roles: tool",
            id="llama template",
        ),
    ],
)
def test_each_family_has_its_body_format(simulator: RunningSimulator, model_id: str, body: Any, complaint: str) -> None:
    with refused("ValidationException", complaint):
        builders.invoke(simulator, model_id, body)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param(
            {"messages": [{"role": role, "content": [{"text": "x"}]} for role in ("user", "user")]},
            "must alternate between user and assistant roles",
            id="two messages of the user",
        ),
        pytest.param({"additionalModelRequestFields": {"top_k": 1}}, "additionalModelRequestFields", id="extra fields"),
    ],
)
def test_converse_refuses_arguments_that_the_models_do_not_support(
    simulator: RunningSimulator, arguments: dict[str, Any], complaint: str
) -> None:
    with refused("ValidationException", complaint):
        builders.converse(simulator, **arguments)
