"""An answer of InvokeModel becomes chunks in the format of the model's provider."""

from __future__ import annotations

from typing import Any

from tools.aws_simulator.models.conversation import Part, Text, Thinking, ToolUse
from tools.aws_simulator.models.dialogue import Reply
from tools.aws_simulator.runtime.bodies import WRITERS
from tools.aws_simulator.runtime.chunks import CHUNKS, METRICS

COUNTS = {"inputTokenCount": 5, "outputTokenCount": 7}


def body_of(body_format: str, *parts: Part, stop_reason: Any = "end_turn") -> dict[str, Any]:
    return WRITERS[body_format](Reply(parts, stop_reason, 5, 7), "a.model", "1")


def chunks_of(body_format: str, *parts: Part, request: Any = None, stop_reason: Any = "end_turn") -> list[Any]:
    body = body_of(body_format, *parts, stop_reason=stop_reason)
    return list(CHUNKS[body_format](body, COUNTS, request or {}))


def test_every_format_has_chunks_and_ends_with_the_metrics() -> None:
    assert set(CHUNKS) == set(WRITERS)
    for body_format in CHUNKS:
        *others, last = chunks_of(body_format, Text("One two three."))
        assert last[METRICS] == COUNTS
        assert not [chunk for chunk in others if METRICS in chunk]


def test_anthropic_events_build_the_message() -> None:
    parts = (Thinking("Let me think.", "c2ln"), Text("It is so."), ToolUse("t1", "weather", {"city": "Zürich"}))
    whole = body_of("anthropic", *parts, stop_reason="tool_use")
    start, *events, delta, stop = chunks_of("anthropic", *parts, stop_reason="tool_use")
    usage = {**whole["usage"], "output_tokens": 1}
    message = {**whole, "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
    assert start == {"type": "message_start", "message": message}
    assert [event["content_block"] for event in events if event["type"] == "content_block_start"] == [
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "text", "text": ""},
        {"type": "tool_use", "id": "toolu_bdrk_01t1", "name": "weather", "input": {}},
    ]
    deltas = [(event["index"], event["delta"]) for event in events if event["type"] == "content_block_delta"]
    assert [value["thinking"] for index, value in deltas if "thinking" in value] == ["Let", " me", " think."]
    assert deltas[3] == (0, {"type": "signature_delta", "signature": "c2ln"})
    assert [value["text"] for index, value in deltas if index == 1] == ["It", " is", " so."]
    pieces = [value["partial_json"] for index, value in deltas if index == 2]
    assert len(pieces) > 1
    assert "".join(pieces) == '{"city": "Zürich"}'
    assert [event["index"] for event in events if event["type"] == "content_block_stop"] == [0, 1, 2]
    assert delta["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}
    assert delta["usage"] == {"output_tokens": 7}
    assert stop["type"] == "message_stop"


def test_a_redacted_block_of_anthropic_comes_as_a_whole() -> None:
    block = {"type": "redacted_thinking", "data": "c2Vj"}
    body = {**body_of("anthropic", Text("Yes.")), "content": [block]}
    _, start, stop, *_ = CHUNKS["anthropic"](body, COUNTS, {})
    assert start == {"type": "content_block_start", "index": 0, "content_block": block}
    assert stop == {"type": "content_block_stop", "index": 0}


def test_nova_chunks_are_the_events_of_converse() -> None:
    chunks = chunks_of("nova", Text("It is so."))
    assert chunks[:2] == [
        {"messageStart": {"role": "assistant"}},
        {"contentBlockDelta": {"delta": {"text": "It"}, "contentBlockIndex": 0}},
    ]
    assert chunks[-3:-1] == [
        {"contentBlockStop": {"contentBlockIndex": 0}},
        {"messageStop": {"stopReason": "end_turn"}},
    ]
    assert chunks[-1]["metadata"]["usage"] == {"inputTokens": 5, "outputTokens": 7, "totalTokens": 12}


def test_llama_chunks_have_the_prompt_count_first_and_the_stop_reason_last() -> None:
    chunks = chunks_of("llama", Text("It is so."), stop_reason="max_tokens")
    assert [chunk["generation"] for chunk in chunks] == ["It", " is", " so.", ""]
    assert [chunk["prompt_token_count"] for chunk in chunks] == [5, None, None, None]
    assert [chunk["generation_token_count"] for chunk in chunks] == [1, 2, 4, 7]
    assert [chunk["stop_reason"] for chunk in chunks] == [None, None, None, "length"]


def test_titan_chunks_have_the_input_count_first_and_the_total_last() -> None:
    chunks = chunks_of("titan", Text("It is so."), stop_reason="max_tokens")
    assert [chunk["outputText"] for chunk in chunks] == ["It", " is", " so."]
    assert [chunk["inputTextTokenCount"] for chunk in chunks] == [5, None, None]
    assert [chunk["totalOutputTextTokenCount"] for chunk in chunks] == [None, None, 7]
    assert [chunk["completionReason"] for chunk in chunks] == [None, None, "LENGTH"]


def test_chat_completion_chunks_have_the_role_first_and_the_usage_on_demand() -> None:
    role, *pieces, last = chunks_of("chat_completions", Text("It is so."))
    assert role["object"] == "chat.completion.chunk"
    assert role["choices"] == [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]
    assert [chunk["choices"][0]["delta"] for chunk in pieces] == [
        {"content": "It"},
        {"content": " is"},
        {"content": " so."},
    ]
    assert last["choices"] == [{"index": 0, "delta": {}, "finish_reason": "stop"}]
    assert "usage" not in last
    request = {"stream": True, "stream_options": {"include_usage": True}}
    *_, last, usage = chunks_of("chat_completions", Text("It is so."), request=request)
    assert last["choices"][0]["finish_reason"] == "stop"
    assert (usage["choices"], usage["usage"]["total_tokens"]) == ([], 12)


def test_chat_completion_tool_calls_have_their_arguments_in_pieces() -> None:
    calls = (ToolUse("c1", "weather", {"city": "Zürich"}), ToolUse("c2", "time", {}))
    _, *chunks, last = chunks_of("chat_completions", *calls, stop_reason="tool_use")
    deltas = [chunk["choices"][0]["delta"]["tool_calls"][0] for chunk in chunks]
    first = {"index": 0, "id": "c1", "type": "function", "function": {"name": "weather", "arguments": ""}}
    assert deltas[0] == first
    arguments = ["".join(d["function"]["arguments"] for d in deltas if d["index"] == index) for index in (0, 1)]
    assert arguments[1] == "{}"
    assert "city" in arguments[0]
    assert last["choices"][0]["finish_reason"] == "tool_calls"
