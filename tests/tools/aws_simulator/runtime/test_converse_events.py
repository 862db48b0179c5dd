"""An answer of Converse becomes the events of ConverseStream."""

from __future__ import annotations

from typing import Any

import pytest

from tools.aws_simulator.runtime.converse_events import converse_events

USAGE = {"inputTokens": 5, "outputTokens": 7, "totalTokens": 12, "cacheReadInputTokens": 3}


def response(*content: Any, **changes: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": list(content)}
    return {
        "output": {"message": message},
        "stopReason": "end_turn",
        "usage": USAGE,
        "metrics": {"latencyMs": 9},
        **changes,
    }


def names(events: list[Any]) -> list[str]:
    """Return the names of the events, each run of the same name once."""
    return [name for number, (name, _) in enumerate(events) if number == 0 or events[number - 1][0] != name]


def test_a_text_has_no_start_event_and_the_usage_comes_last() -> None:
    events = list(converse_events(response({"text": "It is 1,000 rules."})))
    assert names(events) == ["messageStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"]
    deltas = [value["delta"]["text"] for name, value in events if name == "contentBlockDelta"]
    assert deltas == ["It", " is", " 1,000", " rules."]
    assert events[0] == ("messageStart", {"role": "assistant"})
    assert events[-2] == ("messageStop", {"stopReason": "end_turn"})
    assert events[-1] == ("metadata", {"usage": USAGE, "metrics": {"latencyMs": 9}})


def test_a_tool_call_starts_with_its_name_and_its_input_comes_in_pieces() -> None:
    tool = {"toolUseId": "tooluse_1", "name": "weather", "input": {"city": "Zürich", "days": [1, 2]}}
    events = list(converse_events(response({"text": "Ok."}, {"toolUse": tool}, stopReason="tool_use")))
    block = [event for event in events if event[1].get("contentBlockIndex") == 1]
    assert names(block) == ["contentBlockStart", "contentBlockDelta", "contentBlockStop"]
    start = {"start": {"toolUse": {"toolUseId": "tooluse_1", "name": "weather"}}, "contentBlockIndex": 1}
    assert block[0][1] == start
    pieces = [value["delta"]["toolUse"]["input"] for name, value in block if name == "contentBlockDelta"]
    assert len(pieces) > 1
    assert "".join(pieces) == '{"city": "Zürich", "days": [1, 2]}'


def test_reasoning_ends_with_its_signature() -> None:
    thought = {"reasoningContent": {"reasoningText": {"text": "Let me think.", "signature": "c2ln"}}}
    events = list(converse_events(response(thought, {"text": "Yes."})))
    deltas = [value["delta"] for name, value in events if name == "contentBlockDelta"]
    assert deltas == [
        {"reasoningContent": {"text": "Let"}},
        {"reasoningContent": {"text": " me"}},
        {"reasoningContent": {"text": " think."}},
        {"reasoningContent": {"signature": "c2ln"}},
        {"text": "Yes."},
    ]


@pytest.mark.parametrize(
    ("content", "delta"),
    [
        pytest.param({"text": ""}, {"text": ""}, id="empty text"),
        pytest.param(
            {"reasoningContent": {"redactedContent": b"1"}},
            {"reasoningContent": {"redactedContent": b"1"}},
            id="redacted",
        ),
        pytest.param(
            {"reasoningContent": {"reasoningText": {"text": "So."}}},
            {"reasoningContent": {"text": "So."}},
            id="unsigned",
        ),
    ],
)
def test_a_block_may_have_a_single_delta(content: Any, delta: Any) -> None:
    events = list(converse_events(response(content)))
    assert [event for event in events if event[0].startswith("contentBlock")] == [
        ("contentBlockDelta", {"delta": delta, "contentBlockIndex": 0}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
    ]


def test_the_other_members_of_the_answer_are_kept() -> None:
    trace = {"guardrail": {"actionReason": "none"}}
    others = {"trace": trace, "performanceConfig": {"latency": "standard"}, "serviceTier": {"type": "default"}}
    answer = response({"text": "Yes."}, additionalModelResponseFields={"stop_sequence": None}, **others)
    *_, stop, metadata = converse_events(answer)
    assert stop[1] == {"stopReason": "end_turn", "additionalModelResponseFields": {"stop_sequence": None}}
    assert metadata[1] == {"usage": USAGE, "metrics": {"latencyMs": 9}, **others}


def test_a_block_of_another_type_is_a_defect() -> None:
    with pytest.raises(NotImplementedError, match="video"):
        list(converse_events(response({"video": {}})))
