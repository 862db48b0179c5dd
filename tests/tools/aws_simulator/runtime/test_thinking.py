"""Models think as the request demands, and later turns may send the thinking back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused

HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
SONNET = "us.anthropic.claude-sonnet-4-6"
NEW_SONNET = "us.anthropic.claude-sonnet-5-5"
NOVA_2 = "us.amazon.nova-2-lite-v1:0"
BUDGET = {"type": "enabled", "budget_tokens": 1024}
ASKED = {"role": "user", "content": [{"text": "What is the weather in Paris?"}]}
TOOLS = {
    "tools": [
        {
            "toolSpec": {
                "name": "get_weather",
                "description": "Weather of a city",
                "inputSchema": {"json": {"type": "object"}},
            }
        }
    ]
}


def think(simulator: RunningSimulator, model_id: str = HAIKU, thinking: Any = BUDGET, **arguments: Any) -> Any:
    request = {"messages": [ASKED], "inferenceConfig": {"maxTokens": 2000}, **arguments}
    fields = {"reasoningConfig" if model_id == NOVA_2 else "thinking": thinking}
    return builders.converse(simulator, model_id, additionalModelRequestFields=fields, **request)


def content(response: Any) -> Any:
    return response["output"]["message"]["content"]


@pytest.mark.parametrize(("model_id", "thinking"), [(HAIKU, BUDGET), (SONNET, {"type": "adaptive"}), (SONNET, BUDGET)])
def test_the_answer_begins_with_signed_thinking(simulator: RunningSimulator, model_id: str, thinking: Any) -> None:
    answer = think(simulator, model_id, thinking)
    first, second = content(answer)
    assert first["reasoningContent"]["reasoningText"]["text"].startswith("Simulated reasoning")
    assert first["reasoningContent"]["reasoningText"]["signature"]
    assert second["text"].startswith("Simulated answer")
    plain = builders.converse(simulator, model_id, messages=[ASKED])
    assert answer["usage"]["outputTokens"] > plain["usage"]["outputTokens"]
    assert second == content(plain)[0]


def test_converse_also_accepts_the_name_reasoning_config(simulator: RunningSimulator) -> None:
    fields = {"reasoning_config": BUDGET}
    answer = builders.converse(
        simulator, HAIKU, inferenceConfig={"maxTokens": 2000}, additionalModelRequestFields=fields
    )
    assert "reasoningContent" in content(answer)[0]


def test_invoke_model_shows_thinking_too(simulator: RunningSimulator) -> None:
    body, _ = builders.invoke(simulator, HAIKU, builders.anthropic_body(thinking=BUDGET, max_tokens=2000))
    assert [block["type"] for block in body["content"]] == ["thinking", "text"]


@pytest.mark.parametrize(
    ("thinking", "text"),
    [({"type": "adaptive"}, ""), ({"type": "adaptive", "display": "summarized"}, "Simulated reasoning")],
)
def test_the_newest_models_leave_the_text_out_unless_it_is_demanded(
    simulator: RunningSimulator, thinking: Any, text: str
) -> None:
    shown = content(think(simulator, NEW_SONNET, thinking))[0]["reasoningContent"]["reasoningText"]
    assert shown["text"][: len("Simulated reasoning")] == text
    assert shown["signature"]


def test_nova_redacts_its_thinking(simulator: RunningSimulator) -> None:
    first = content(think(simulator, NOVA_2, {"type": "enabled", "maxReasoningEffort": "low"}))[0]
    assert first == {"reasoningContent": {"reasoningText": {"text": "[REDACTED]"}}}


@pytest.mark.parametrize(("model_id", "thinking"), [(HAIKU, {"type": "disabled"}), (NOVA_2, {"type": "disabled"})])
def test_a_model_whose_thinking_is_off_does_not_think(
    simulator: RunningSimulator, model_id: str, thinking: Any
) -> None:
    assert [*content(think(simulator, model_id, thinking))[0]] == ["text"]


def test_a_call_of_a_tool_is_continued_with_the_thinking_that_led_to_it(simulator: RunningSimulator) -> None:
    called = think(simulator, toolConfig=TOOLS)["output"]["message"]
    use = called["content"][1]["toolUse"]
    result = {
        "role": "user",
        "content": [{"toolResult": {"toolUseId": use["toolUseId"], "content": [{"text": "Sun"}]}}],
    }
    assert "it returned Sun" in content(think(simulator, messages=[ASKED, called, result], toolConfig=TOOLS))[1]["text"]
    without = {**called, "content": called["content"][1:]}
    with refused("ValidationException", "Expected `thinking` or `redacted_thinking`, but found `tool_use`"):
        think(simulator, messages=[ASKED, without, result], toolConfig=TOOLS)
    forged = {"reasoningContent": {"reasoningText": {"text": "Other.", "signature": "abcd"}}}
    with refused("ValidationException", "messages.1.content.0: Invalid `signature` in `thinking` block"):
        think(
            simulator, messages=[ASKED, {**called, "content": [forged, called["content"][1]]}, result], toolConfig=TOOLS
        )


@pytest.mark.parametrize(
    ("model_id", "thinking", "arguments", "complaint"),
    [
        pytest.param(
            HAIKU,
            {"type": "enabled", "budget_tokens": 1023},
            {},
            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
            id="a small budget",
        ),
        pytest.param(HAIKU, {"type": "enabled"}, {}, "thinking.enabled.budget_tokens: Field required", id="no budget"),
        pytest.param(HAIKU, {"type": "on"}, {}, "Input tag 'on' found using 'type'", id="an unknown mode"),
        pytest.param(
            HAIKU,
            BUDGET,
            {"inferenceConfig": {"maxTokens": 1024}},
            "`max_tokens` must be greater than `thinking.budget_tokens`",
            id="a large budget",
        ),
        pytest.param(
            HAIKU,
            BUDGET,
            {"inferenceConfig": {"maxTokens": 2000, "temperature": 0.5}},
            "`temperature` may only be set to 1 when thinking is enabled",
            id="temperature",
        ),
        pytest.param(
            HAIKU,
            BUDGET,
            {"inferenceConfig": {"maxTokens": 2000, "topP": 0.5}},
            "`top_p` must be greater than or equal to 0.95",
            id="top p",
        ),
        pytest.param(
            HAIKU,
            BUDGET,
            {"toolConfig": {**TOOLS, "toolChoice": {"any": {}}}},
            "Thinking may not be enabled when tool_choice forces tool use.",
            id="a forced tool",
        ),
        pytest.param(
            HAIKU,
            BUDGET,
            {"messages": [ASKED, {"role": "assistant", "content": [{"text": "It"}]}]},
            "but found `text`",
            id="prefill",
        ),
        pytest.param(
            HAIKU, {"type": "adaptive"}, {}, "adaptive thinking is not supported on this model", id="adaptive"
        ),
        pytest.param(
            NEW_SONNET, {"type": "disabled"}, {}, '"thinking.type.disabled" is not supported for this model.', id="off"
        ),
        pytest.param(
            NEW_SONNET,
            BUDGET,
            {},
            '"thinking.type.enabled" is not supported for this model.',
            id="a budget for Sonnet 5.5",
        ),
        pytest.param(NOVA_2, {"type": "adaptive"}, {}, "#/reasoningConfig/type: adaptive", id="Nova's mode"),
    ],
)
def test_thinking_that_breaks_a_rule_is_refused(
    simulator: RunningSimulator, model_id: str, thinking: Any, arguments: dict[str, Any], complaint: str
) -> None:
    with refused("ValidationException", complaint):
        think(simulator, model_id, thinking, **arguments)


def test_other_models_refuse_thinking_and_signatures(simulator: RunningSimulator) -> None:
    with refused("ValidationException", "extraneous key [reasoningConfig] is not permitted"):
        builders.converse(simulator, additionalModelRequestFields={"reasoningConfig": {"type": "enabled"}})
    signed = {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "abcd"}}}
    messages = [ASKED, {"role": "assistant", "content": [signed, {"text": "Sun."}]}, ASKED]
    with refused("ValidationException", "doesn't support the reasoningContent.reasoningText.signature field"):
        builders.converse(simulator, messages=messages)
