"""
AWS's published validators and the simulator agree on training files, except where the README says otherwise.

The verdicts are those of nova_ft_dataset_validator.py (github.com/aws-samples/amazon-nova-samples) and of the scripts
for Llama and Claude in github.com/aws-samples/amazon-bedrock-samples.
"""

from __future__ import annotations

from typing import Any

import pytest

from tools.aws_simulator.catalog.catalog import TrainingFormat, load_catalog
from tools.aws_simulator.jobs.record_formats import RecordError, read_record


def rules(model: str) -> TrainingFormat:
    customization = load_catalog().models[model].customization
    assert customization is not None
    return load_catalog().training_format(customization)


MICRO, LITE, NOVA_2 = rules("nova-micro"), rules("nova-lite"), rules("nova-2-lite")
LLAMA_1, LLAMA_3, LLAMA_VISION, CLAUDE = (
    rules(model) for model in ("llama-3-1-70b", "llama-3-3-70b", "llama-3-2-11b", "claude-3-haiku")
)
TOOLS = {"tools": [{"toolSpec": {"name": "f", "description": "d", "inputSchema": {"json": {"type": "object"}}}}]}


def text(*texts: str) -> list[dict[str, Any]]:
    return [{"text": one} for one in texts]


def file(kind: str, form: str, uri: str = "s3://bucket/a.b") -> dict[str, Any]:
    return {kind: {"format": form, "source": {"s3Location": {"uri": uri}}}}


def use(call_id: str = "1", name: str = "f") -> dict[str, Any]:
    return {"toolUse": {"toolUseId": call_id, "name": name, "input": {"a": 1}}}


def result(call_id: str = "1", **content: Any) -> dict[str, Any]:
    return {"toolResult": {"toolUseId": call_id, "content": [content or {"text": "r"}]}}


def record(*contents: Any, **members: Any) -> dict[str, Any]:
    given = contents or (text("Q"), text("A"))
    roles = ("user", "assistant") * len(given)
    messages = [{"role": role, "content": content} for role, content in zip(roles, given, strict=False)]
    return {"messages": messages, **members}


def spoken(*roles: str) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": text("x")} for role in roles]}


def with_tools(*contents: Any) -> dict[str, Any]:
    return record(*contents, toolConfig=TOOLS)


@pytest.mark.parametrize(
    ("family", "value"),
    [
        pytest.param(MICRO, record(), id="no schema version"),
        pytest.param(MICRO, record(schemaVersion=None), id="null schema version"),
        pytest.param(MICRO, record(schemaVersion="any"), id="any schema version"),
        pytest.param(MICRO, record(system=[]), id="empty system"),
        pytest.param(MICRO, record(system=None), id="null system"),
        pytest.param(MICRO, record(system=text("a", "b")), id="two system blocks"),
        pytest.param(MICRO, record(system=text("")), id="empty system text"),
        pytest.param(MICRO, record(text("1"), text("2"), text("3"), text("4")), id="two turns"),
        pytest.param(MICRO, record(topic="x"), id="unknown key"),
        pytest.param(MICRO, record([{"text": "a", "note": 1}], text("b")), id="unknown key in a block"),
        pytest.param(MICRO, record(text(" "), text("b")), id="blank user text"),
        pytest.param(MICRO, record(text("", "a"), text("b")), id="one empty text of two"),
        pytest.param(MICRO, record(text("a"), [use()]), id="tool call without toolConfig"),
        pytest.param(MICRO, with_tools(text("a"), [use()], [result()], text("b")), id="tool call and result"),
        pytest.param(MICRO, with_tools(text("a"), [use()], [result(json={"a": 1})], text("b")), id="JSON result"),
        pytest.param(LITE, record([file("image", "png"), *text("a")], text("b")), id="image"),
        pytest.param(LITE, record([file("image", "PNG")] * 10, text("b")), id="ten images without text"),
        pytest.param(LITE, record([file("video", "mp4"), *text("")], text("b")), id="video with empty text"),
        pytest.param(LITE, record([file("document", "pdf"), *text("a")], text("b")), id="document"),
        pytest.param(
            NOVA_2,
            record(text("a"), [{"reasoningContent": {"reasoningText": {"text": "hm"}}}, *text("b")]),
            id="reasoning",
        ),
        pytest.param(LITE, record([file("image", "webp")], text("b")), id="image format of Nova 1"),
        pytest.param(LLAMA_3, record(system=text("a")), id="llama system"),
        pytest.param(LLAMA_3, record(text("1"), text("2"), text("3"), text("4")), id="llama turns"),
        pytest.param(LLAMA_VISION, record([file("image", "png"), *text("a")], text("b")), id="llama image"),
        pytest.param(LLAMA_1, {"prompt": "a", "completion": "b"}, id="llama 3.1"),
        pytest.param(LLAMA_1, {"prompt": "a", "completion": " ", "id": 7}, id="llama 3.1 with another key"),
        pytest.param(CLAUDE, record("a", "b"), id="claude"),
        pytest.param(CLAUDE, record("a", "b", "c", "d", system="s"), id="claude turns"),
        pytest.param(CLAUDE, record("", "b", system=""), id="claude empty texts"),
    ],
)
def test_what_a_validator_accepts_is_accepted(family: TrainingFormat, value: Any) -> None:
    assert read_record(value, family).examples


@pytest.mark.parametrize(
    ("family", "value", "why"),
    [
        pytest.param(MICRO, [], "not an object", id="list"),
        pytest.param(MICRO, {"schemaVersion": "x"}, "Required: ['messages']", id="no messages"),
        pytest.param(MICRO, {"messages": {}}, "not a list", id="messages are no list"),
        pytest.param(MICRO, {"messages": ["a", "b"]}, "not an object", id="message is text"),
        pytest.param(MICRO, record(schemaVersion=1), "schemaVersion is not a string", id="version is a number"),
        pytest.param(MICRO, record(system="s"), "system is not a list", id="system is text"),
        pytest.param(MICRO, record(system=[{}]), "Required: ['text']", id="system block without text"),
        pytest.param(MICRO, spoken("user"), "at least two", id="one message"),
        pytest.param(MICRO, spoken("assistant", "user"), "do not alternate", id="order"),
        pytest.param(MICRO, spoken("user", "user", "assistant"), "do not alternate", id="two of the user"),
        pytest.param(MICRO, spoken("User", "assistant"), "do not alternate", id="capital role"),
        pytest.param(MICRO, spoken("system", "user", "assistant"), "do not alternate", id="system as a message"),
        pytest.param(MICRO, spoken("user", "assistant", "user"), "last message", id="ends with the user"),
        pytest.param(MICRO, record("a", "b"), "not a list of blocks", id="content is text"),
        pytest.param(MICRO, record([], text("b")), "has no text", id="no blocks"),
        pytest.param(MICRO, record(text(""), text("b")), "has no text", id="empty text"),
        pytest.param(MICRO, record(text("a"), [use(), *text("")]), "has no text", id="empty text with a tool call"),
        pytest.param(
            MICRO, with_tools(text("a"), [use()], [result(json=[1])], text("b")), "json is a list", id="JSON list"
        ),
        pytest.param(NOVA_2, record([file("image", "webp")], text("b")), "'webp'", id="image format of Nova 2"),
        pytest.param(MICRO, record([{"text": 1}], text("b")), "not a string", id="text is a number"),
        pytest.param(MICRO, record([{"other": 1}], text("b")), "none of", id="unknown block"),
        pytest.param(
            MICRO, record([file("image", "png")], text("b")), "cannot be trained on image", id="image for micro"
        ),
        pytest.param(
            LITE,
            record(text("a"), [file("image", "png")]),
            "a message of the assistant has image",
            id="image in answer",
        ),
        pytest.param(LITE, record([file("image", "bmp")], text("b")), "'bmp'", id="image format"),
        pytest.param(LITE, record([file("document", "docx")], text("b")), "'docx'", id="document format"),
        pytest.param(LITE, record([file("image", "png", "https://x/y")], text("b")), "not an S3 URI", id="no S3"),
        pytest.param(LITE, record([file("image", "png", "s3://b/a b")], text("b")), "not an S3 URI", id="space in URI"),
        pytest.param(LITE, record([{"image": {"format": "png"}}], text("b")), "Required: ['source']", id="no source"),
        pytest.param(LITE, record([file("image", "png")] * 11, text("b")), "more than 10 images", id="eleven images"),
        pytest.param(LITE, record([file("video", "mp4")] * 2, text("b")), "with other files", id="two videos"),
        pytest.param(
            LITE,
            record([file("video", "mp4"), file("image", "png")], text("b")),
            "with other files",
            id="video and image",
        ),
        pytest.param(
            LITE,
            record([file("document", "pdf")], text("b"), [file("document", "pdf")], text("d")),
            "more than one document",
            id="two documents",
        ),
        pytest.param(
            LITE,
            record(text("a"), [{"reasoningContent": {"reasoningText": {"text": "hm"}}}, *text("b")]),
            "reasoning",
            id="reasoning for Nova 1",
        ),
        pytest.param(
            NOVA_2,
            record(text("a"), [{"reasoningContent": {"reasoningText": {"text": "hm"}}}]),
            "no text",
            id="only reasoning",
        ),
        pytest.param(MICRO, record([use()], text("b")), "of the user has toolUse", id="call of the user"),
        pytest.param(MICRO, with_tools(text("a"), [use(name="g")]), "not in toolConfig", id="unknown tool"),
        pytest.param(MICRO, with_tools(text("a"), [use(), use()]), "repeats an id", id="id used twice"),
        pytest.param(
            MICRO, with_tools(text("a"), [use()], [result("2")], text("b")), "answers no tool call", id="no call"
        ),
        pytest.param(
            MICRO, with_tools(text("a"), [use()], [result(), result()], text("b")), "answers no", id="two results"
        ),
        pytest.param(MICRO, record(toolConfig={"tools": []}), "no tools", id="no tools"),
        pytest.param(MICRO, record(toolConfig={"tools": TOOLS["tools"] * 2}), "same name", id="tools of one name"),
        pytest.param(LLAMA_3, record(system=text("a", "b")), "more than one block", id="llama system blocks"),
        pytest.param(LLAMA_3, record([file("image", "png")], text("b")), "image", id="image for a llama without eyes"),
        pytest.param(LLAMA_3, record(text("a"), [use()]), "toolUse", id="llama tool call"),
        pytest.param(LLAMA_1, {"prompt": "a"}, "Required: ['completion']", id="no completion"),
        pytest.param(LLAMA_1, {"prompt": "a", "completion": 1}, "not a string", id="completion is a number"),
        pytest.param(CLAUDE, record("a", "b", id=1), "['id']", id="claude with another key"),
        pytest.param(CLAUDE, record("a", text("b")), "not a string", id="claude blocks"),
        pytest.param(CLAUDE, record("a", "b", system=None), "system is not a string", id="claude null system"),
    ],
)
def test_what_a_validator_refuses_is_refused(family: TrainingFormat, value: Any, why: str) -> None:
    with pytest.raises(RecordError) as caught:
        read_record(value, family)
    assert why in str(caught.value)


def test_files_and_tools_are_text_for_the_student() -> None:
    value = with_tools([file("image", "png"), *text("What is it?")], [use()], [result()], text("A cat."))
    examples = read_record(value, LITE).examples
    assert [(one.user, one.answer) for one in examples] == [
        ("s3://bucket/a.b\nWhat is it?", 'f {"a": 1}'),
        ("r", "A cat."),
    ]


def test_nova_2_lite_has_its_own_smallest_number_of_records() -> None:
    assert (NOVA_2.training_records, MICRO.training_records) == ((200, 20_000), (8, 20_000))
    assert LLAMA_1.format == "prompt-completion"
