"""Fields of the model's own request and answer pass through Converse."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tools.aws_simulator.runtime.additional_fields import found_fields

CLAUDE = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
LLAMA = "us.meta.llama3-1-8b-instruct-v1:0"


@pytest.mark.parametrize(
    ("model_id", "given"),
    [
        pytest.param(CLAUDE, {"top_k": 200, "anthropic_beta": ["interleaved-thinking-2025-05-14"]}, id="Claude"),
        pytest.param(builders.STUDENT, {"inferenceConfig": {"topK": 20}}, id="Nova"),
        pytest.param("openai.gpt-oss-120b-1:0", {"reasoning_effort": "low"}, id="chat completions"),
        pytest.param(LLAMA, {}, id="none"),
    ],
)
def test_the_fields_of_a_model_are_accepted(simulator: RunningSimulator, model_id: str, given: Any) -> None:
    plain = builders.converse(simulator, model_id)
    assert builders.text_of(
        builders.converse(simulator, model_id, additionalModelRequestFields=given)
    ) == builders.text_of(plain)


def test_tools_of_claudes_own_are_tools(simulator: RunningSimulator) -> None:
    given = {"tools": [{"type": "bash_20250124", "name": "bash"}]}
    answer = builders.converse(simulator, CLAUDE, "Run it in bash.", additionalModelRequestFields=given)
    assert answer["output"]["message"]["content"][0]["toolUse"]["name"] == "bash"


@pytest.mark.parametrize(
    ("model_id", "given", "complaint"),
    [
        pytest.param(CLAUDE, {"chat_id": 1}, "errors: chat_id: Extra inputs are not permitted", id="Claude"),
        pytest.param(CLAUDE, {"top_k": 501}, "top_k: 501 is not between 0 and 500", id="Claude's range"),
        pytest.param(CLAUDE, {"top_k": "5"}, "top_k: Input should be a valid integer", id="Claude's type"),
        pytest.param(CLAUDE, {"tools": [{}]}, "tools.0.name: Field required", id="a tool without a name"),
        pytest.param(
            builders.STUDENT, {"top_k": 5}, "#: extraneous key [top_k] is not permitted, please reformat", id="Nova"
        ),
        pytest.param(builders.STUDENT, {"inferenceConfig": {"topK": 129}}, "129 is not between", id="Nova's range"),
        pytest.param(LLAMA, {"top_k": 5}, "#: extraneous key [top_k] is not permitted", id="Llama"),
        pytest.param(LLAMA, ["top_k"], "must be a JSON object", id="a list"),
    ],
)
def test_other_fields_are_refused(simulator: RunningSimulator, model_id: str, given: Any, complaint: str) -> None:
    with refused("ValidationException", complaint):
        builders.converse(simulator, model_id, additionalModelRequestFields=given)


def test_fields_of_the_models_own_answer_are_shown(simulator: RunningSimulator) -> None:
    config = {"maxTokens": 200, "stopSequences": ["1,000"]}
    paths = ["/stop_sequence", "/usage/output_tokens", "/content/0/type", "/missing"]
    answer = builders.converse(simulator, CLAUDE, inferenceConfig=config, additionalModelResponseFieldPaths=paths)
    assert answer["additionalModelResponseFields"] == {
        "stop_sequence": "1,000",
        "usage": {"output_tokens": answer["usage"]["outputTokens"]},
        "content": {"0": {"type": "text"}},
    }
    assert "additionalModelResponseFields" not in builders.converse(
        simulator, CLAUDE, additionalModelResponseFieldPaths=["/missing"]
    )


@pytest.mark.parametrize("path", ["stop_sequence", "/a//b", "/~2"])
def test_a_wrong_json_pointer_is_refused(simulator: RunningSimulator, path: str) -> None:
    with refused("ValidationException", "invalid JSON Pointer"):
        builders.converse(simulator, CLAUDE, additionalModelResponseFieldPaths=[path])


def test_escapes_in_json_pointers_are_read() -> None:
    assert found_fields({"a/b": {"c~d": 1}}, ["/a~1b/c~0d"]) == {"a/b": {"c~d": 1}}
