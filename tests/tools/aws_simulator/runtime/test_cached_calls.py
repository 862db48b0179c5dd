"""Calls with cache checkpoints: what the answers, the ledger and the quotas say about cached tokens."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused

SONNET = "us.anthropic.claude-sonnet-4-6"
HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
CHECKPOINT = {"cachePoint": {"type": "default"}}


def long_text(words: int = 1500) -> str:
    """Return a text of so many tokens that no other test sends."""
    return f"{builders.fresh('t').replace('-', '')} " + "word " * (words - 1)


def ask(simulator: RunningSimulator, model_id: str, text: str, question: str, **arguments: Any) -> Any:
    system = [{"text": text}, CHECKPOINT]
    return builders.converse(simulator, model_id, question, system=system, **arguments)["usage"]


@pytest.mark.parametrize("model_id", [SONNET, builders.STUDENT])
def test_a_repeated_prefix_is_written_and_then_read(simulator: RunningSimulator, model_id: str) -> None:
    text = long_text()
    first, second = (ask(simulator, model_id, text, question) for question in ("What is it?", "Why is it so?"))
    assert (first["cacheWriteInputTokens"], first["cacheReadInputTokens"]) == (1500, 0)
    assert first["cacheDetails"] == [{"ttl": "5m", "inputTokens": 1500}]
    assert (second["cacheWriteInputTokens"], second["cacheReadInputTokens"]) == (0, 1500)
    assert (first["inputTokens"], second["inputTokens"]) == (4, 5)
    assert second["totalTokens"] == 1500 + 5 + second["outputTokens"]
    ledger = simulator.ledger
    assert ledger["prompt_cache_by_model"] == {model_id: {"read_tokens": 1500, "written_tokens": 1500}}
    assert ledger["by_model"][model_id]["input_tokens"] == 9


def test_a_prefix_below_the_models_minimum_is_not_cached(simulator: RunningSimulator) -> None:
    text = long_text()  # longer than the minimum of Sonnet, and shorter than that of Haiku
    usages = [ask(simulator, HAIKU, text, "What is it?") for _ in range(2)]
    assert [(usage["cacheReadInputTokens"], usage["cacheWriteInputTokens"]) for usage in usages] == [(0, 0)] * 2
    assert simulator.ledger["prompt_cache_by_model"] == {}


def test_other_models_do_not_share_a_cache(simulator: RunningSimulator) -> None:
    text = long_text()
    ask(simulator, SONNET, text, "What is it?")
    assert ask(simulator, builders.STUDENT, text, "What is it?")["cacheReadInputTokens"] == 0


def test_invoke_model_shows_the_cache_in_the_format_of_the_model(simulator: RunningSimulator) -> None:
    system = [{"type": "text", "text": long_text(5000), "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    body = builders.anthropic_body(system=system)
    first, _ = builders.invoke(simulator, HAIKU, body)
    second, response = builders.invoke(simulator, HAIKU, body)
    assert first["usage"]["cache_creation"] == {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 5000}
    assert (first["usage"]["cache_creation_input_tokens"], first["usage"]["cache_read_input_tokens"]) == (5000, 0)
    assert (second["usage"]["cache_creation_input_tokens"], second["usage"]["cache_read_input_tokens"]) == (0, 5000)
    headers = response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-bedrock-cache-read-input-token-count"] == "5000"
    assert headers["x-amzn-bedrock-input-token-count"] == str(second["usage"]["input_tokens"])


def test_the_cache_control_of_a_whole_request_caches_all_of_it(simulator: RunningSimulator) -> None:
    body = builders.anthropic_body(system=long_text(5000), cache_control={"type": "ephemeral"})
    builders.invoke(simulator, HAIKU, body)
    again, _ = builders.invoke(simulator, HAIKU, body)
    assert (again["usage"]["input_tokens"], again["usage"]["cache_creation_input_tokens"]) == (0, 0)
    assert again["usage"]["cache_read_input_tokens"] > 5000


def test_nova_caches_through_invoke_model_too(simulator: RunningSimulator) -> None:
    messages = [{"role": "user", "content": [{"text": long_text()}, CHECKPOINT, {"text": "What is it?"}]}]
    usages = [builders.invoke(simulator, builders.STUDENT, {"messages": messages})[0]["usage"] for _ in range(2)]
    assert [usage["cacheReadInputTokenCount"] for usage in usages] == [0, 1500]


def test_tokens_that_are_read_from_the_cache_do_not_count_towards_the_quota(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"quotas": {"claude-sonnet-4-6": {"tpm": 5000}}})
    text = long_text()
    config = {"maxTokens": 100}
    for number in range(8):
        ask(simulator, SONNET, text, f"What is it, number {number}?", inferenceConfig=config)
    other = long_text()
    with refused("ThrottlingException", "Too many tokens"):
        for number in range(8):
            builders.converse(simulator, SONNET, f"{other} {number}", inferenceConfig=config)
