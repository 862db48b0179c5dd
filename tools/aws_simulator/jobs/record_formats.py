"""
Read the records of a training file in the formats of Bedrock, and refuse what AWS's validators refuse.

- Nova: nova_ft_dataset_validator.py in github.com/aws-samples/amazon-nova-samples, and
  https://docs.aws.amazon.com/nova/latest/userguide/fine-tune-prepare-data-understanding.html
- Llama: meta-llama/dataset_validation in github.com/aws-samples/amazon-bedrock-samples, and
  https://docs.aws.amazon.com/bedrock/latest/userguide/preparing-text-data.html
- Claude: claude-haiku/DataValidation in github.com/aws-samples/amazon-bedrock-samples, and
  https://docs.aws.amazon.com/bedrock/latest/userguide/model-customization-prepare.html
- documents of continued pre-training:
  https://docs.aws.amazon.com/bedrock/latest/userguide/dataset-prep-continued-pretraining.html
- prompts of distillation jobs: custom-models/model_distillation/dataset-validation in
  github.com/aws-samples/amazon-bedrock-samples, and
  https://docs.aws.amazon.com/bedrock/latest/userguide/distillation-data-prep-option-1.html

For unusual records, a table in the README of the simulator compares the documentation, the validator and the
simulator.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tools.aws_simulator.catalog.catalog import TrainingFormat
from tools.aws_simulator.models.examples import TrainingExample

MAX_IMAGES = 10
_FILES = ("image", "video", "document")
_URI = re.compile(r"s3://[\w\-/.]+")
_BLOCKS = ("text", "image", "video", "document", "reasoningContent", "toolUse", "toolResult")


class RecordError(Exception):
    """A record is not in its format. The text says where and why."""


@dataclass(frozen=True)
class Message:
    """
    One message of a record.

    :param text: the texts, the URIs of files, and the tool calls and results, one per line. Its tokens are counted, and
        the simulated student reads it.
    """

    role: str
    text: str


@dataclass(frozen=True)
class Record:
    """One record of a training file, whatever its format was."""

    system: str
    messages: tuple[Message, ...]

    @property
    def examples(self) -> list[TrainingExample]:
        """
        One example for each answer: the answer, the user's message before it, and the history.

        The history is the text of all messages before that message of the user.
        """
        turns = [message.text for message in self.messages]
        return [
            TrainingExample(self.system, turns[at - 1], turns[at], "\n".join(turns[: at - 1]))
            for at in range(1, len(turns), 2)
        ]

    @property
    def document(self) -> str | None:
        """The text of a record without an answer, from which continued pre-training learns; None for other records."""
        return self.messages[0].text if len(self.messages) == 1 else None

    @property
    def characters(self) -> int:
        """The number of characters in the system prompt and in the texts of all messages."""
        return len(self.system) + sum(len(message.text) for message in self.messages)


def read_record(value: Any, rules: TrainingFormat) -> Record:
    """Return the record that a line of a training file describes.

    :raises RecordError: the line is not in the format of ``rules``.
    """
    return _FORMATS[rules.format](_object(value, "the record"), rules)


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RecordError(f"{what} is a {type(value).__name__}, not an object")
    return value


def _member(value: dict[str, Any], name: str, what: str) -> Any:
    if name not in value:
        raise RecordError(f"{what} has the keys {sorted(value)}. Required: {[name]}")
    return value[name]


def _string(value: Any, what: str, *, empty: bool = True) -> str:
    if not isinstance(value, str) or not (value or empty):
        raise RecordError(f"{what} is empty or not a string" if not empty else f"{what} is not a string")
    return value


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise RecordError(f"{what} is not a list of blocks")
    return value


def _check_order(roles: list[str], rules: TrainingFormat) -> None:
    if len(roles) < 1 + rules.answer_required:
        raise RecordError(f"messages is not a list of at least {'two messages' if rules.answer_required else 'one'}")
    if roles != [("user", "assistant")[at % 2] for at in range(len(roles))]:
        raise RecordError("the roles do not alternate between user and assistant")
    if rules.answer_required and roles[-1] != "assistant":
        raise RecordError("the last message is not the assistant's")
    if not rules.several_turns and roles.count("user") > 1:
        raise RecordError("there is more than one message of the user, and the model is trained on single turns only")


def _messages(record: dict[str, Any], rules: TrainingFormat, read: Callable[[Any, str], str]) -> tuple[Message, ...]:
    """Return the messages of a record. ``read`` takes a message's content and role, and returns its text."""
    messages = [_object(one, "a message") for one in _list(_member(record, "messages", "the record"), "messages")]
    roles = [_string(_member(one, "role", "a message"), "role") for one in messages]
    _check_order(roles, rules)
    contents = [_member(one, "content", "a message") for one in messages]
    return tuple(Message(role, read(content, role)) for role, content in zip(roles, contents, strict=True))


def _conversation(record: dict[str, Any], rules: TrainingFormat) -> Record:
    if record.get("schemaVersion") is not None:
        _string(record["schemaVersion"], "schemaVersion")
    blocks = [] if record.get("system") is None else _list(record["system"], "system")
    if len(blocks) > 1 and not rules.several_system_blocks:
        raise RecordError("system has more than one block")
    system = [_string(_member(_object(one, "a system block"), "text", "a system block"), "system") for one in blocks]
    calls = _ToolCalls(record.get("toolConfig"))
    messages = _messages(record, rules, lambda content, role: _content(content, role, rules, calls))
    _check_documents(record["messages"])
    if not rules.answer_required:
        _check_prompt(record, messages, rules)
    return Record("\n".join(system), messages)


def _check_prompt(record: dict[str, Any], messages: tuple[Message, ...], rules: TrainingFormat) -> None:
    """
    Check what AWS checks in the prompts of distillation jobs, but not in other records.

    The teacher could not answer a message of spaces only, because Converse refuses it. That Bedrock refuses such a
    prompt is UNVERIFIED.
    """
    _only(record, {"schemaVersion", "system", "messages"}, "the record")
    if record.get("schemaVersion") != rules.format:
        raise RecordError(f"schemaVersion is not {rules.format}")
    if "system" in record and len(record["system"] or ()) != 1:
        raise RecordError("system does not have exactly one block")
    for block in record.get("system", ()):
        _only(block, {"text"}, "a system block")
    for message in record["messages"]:
        _only(message, {"role", "content"}, "a message")
        if len(message["content"]) != 1:
            raise RecordError("the content of a message does not have exactly one block")
        _only(message["content"][0], {"text", "type"}, "a block")
    if not all(message.text.strip() for message in messages):
        raise RecordError("the text of a message is blank")


def _only(value: dict[str, Any], names: set[str], what: str) -> None:
    """Check that an object has no other keys than ``names``."""
    if extra := sorted(set(value) - names):
        raise RecordError(f"{what} has the keys {extra}. Only {' and '.join(sorted(names))} are allowed")


def _check_documents(messages: list[Any]) -> None:
    documents = sum("document" in block for message in messages for block in message["content"])
    if documents > 1:
        raise RecordError("there is more than one document")


class _ToolCalls:
    """
    The tools of a record, and the ids of the tool calls seen so far.

    In a record without ``toolConfig``, tool calls and results are not compared with tools or with each other.
    """

    def __init__(self, config: Any) -> None:
        self._names: set[str] | None = None
        self._called: set[str] = set()
        self._answered: set[str] = set()
        if config is not None:
            tools = _list(_member(_object(config, "toolConfig"), "tools", "toolConfig"), "tools")
            names = [self._read(tool) for tool in tools]
            if not names or len(names) != len(set(names)):
                raise RecordError("toolConfig has no tools, or two tools of the same name")
            self._names = set(names)

    @staticmethod
    def _read(tool: Any) -> str:
        specification = _object(_member(_object(tool, "a tool"), "toolSpec", "a tool"), "toolSpec")
        for name in ("name", "description"):
            if not _string(_member(specification, name, "toolSpec"), name).strip():
                raise RecordError(f"the {name} of a tool is empty")
        schema = _object(_member(specification, "inputSchema", "toolSpec"), "inputSchema")
        _member(_object(_member(schema, "json", "inputSchema"), "the schema of a tool"), "type", "the schema of a tool")
        return str(specification["name"])

    def call(self, use: Any) -> str:
        """Check a tool call and return its text."""
        use = _object(use, "toolUse")
        name, call_id = (_string(_member(use, key, "toolUse"), key) for key in ("name", "toolUseId"))
        arguments = _object(_member(use, "input", "toolUse"), "input")
        if not name.strip() or not call_id.strip():
            raise RecordError("a tool call has no name or no id")
        if self._names is not None and (name not in self._names or call_id in self._called):
            raise RecordError(f"the tool call {call_id} calls {name!r}, which is not in toolConfig, or repeats an id")
        self._called.add(call_id)
        return f"{name} {json.dumps(arguments, ensure_ascii=False)}"

    def result(self, result: Any) -> str:
        """Check a tool result and return its text."""
        result = _object(result, "toolResult")
        call_id = _string(_member(result, "toolUseId", "toolResult"), "toolUseId")
        if self._names is not None and (call_id not in self._called or call_id in self._answered):
            raise RecordError(f"the tool result {call_id} answers no tool call, or a call that has a result")
        self._answered.add(call_id)
        contents = _list(_member(result, "content", "toolResult"), "content")
        if not call_id.strip() or not contents:
            raise RecordError("a tool result has no id or no content")
        return "\n".join(self._result_text(_object(one, "a tool result's content")) for one in contents)

    @staticmethod
    def _result_text(content: dict[str, Any]) -> str:
        given = [name for name in ("text", "json") if content.get(name) is not None]
        if len(given) != 1:
            raise RecordError("a tool result's content needs either text or json")
        if given == ["text"]:
            return _string(content["text"], "text")
        return json.dumps(_object(content["json"], "json"), ensure_ascii=False)


def _content(content: Any, role: str, rules: TrainingFormat, calls: _ToolCalls) -> str:
    blocks = [_object(block, "a block") for block in _list(content, "content")]
    kinds = [[kind for kind in _BLOCKS if block.get(kind) is not None] for block in blocks]
    if any(not kind for kind in kinds):
        raise RecordError(f"a block has none of {list(_BLOCKS)}")
    _check_kinds({kind for one in kinds for kind in one}, role, rules)
    texts = [_block(block, kind, rules, calls) for block, one in zip(blocks, kinds, strict=True) for kind in one]
    given = {kind for one in kinds for kind in one}
    is_blank = "text" in given and not any(block.get("text") for block in blocks)
    if not given - {"reasoningContent"} or (is_blank and not given & {*_FILES, "reasoningContent"}):
        raise RecordError("the content of a message has no text")
    counts = {kind: sum(kind in one for one in kinds) for kind in _FILES}
    mixed = counts["video"] and (counts["image"] or counts["document"])
    if counts["image"] > MAX_IMAGES or counts["video"] > 1 or mixed:
        raise RecordError(f"a message has more than {MAX_IMAGES} images, or a video with other files")
    return "\n".join(texts)


def _check_kinds(kinds: set[str], role: str, rules: TrainingFormat) -> None:
    """Check that a message of this role may have blocks of these kinds."""
    allowed = {"text", *rules.media, *(("toolUse", "toolResult") if rules.tools else ())}
    if rules.reasoning:
        allowed.add("reasoningContent")
    if refused := sorted(kinds - allowed):
        raise RecordError(f"the model cannot be trained on {', '.join(refused)}")
    only_user, only_assistant = {"image", "video", "document", "toolResult"}, {"toolUse", "reasoningContent"}
    if wrong := sorted(kinds & (only_user if role == "assistant" else only_assistant)):
        other = "user" if role == "assistant" else "assistant"
        raise RecordError(f"a message of the {role} has {', '.join(wrong)}, which only the {other} may send")


def _block(block: dict[str, Any], kind: str, rules: TrainingFormat, calls: _ToolCalls) -> str:
    value = block[kind]
    if kind == "text":
        return _string(value, "text")
    if kind == "toolUse":
        return calls.call(value)
    if kind == "toolResult":
        return calls.result(value)
    if kind == "reasoningContent":
        text = _object(_member(_object(value, kind), "reasoningText", kind), "reasoningText")
        return _string(_member(text, "text", "reasoningText"), "reasoningText", empty=False)
    return _file_uri(_object(value, kind), kind, rules.file_formats[kind])


def _file_uri(value: dict[str, Any], kind: str, formats: tuple[str, ...]) -> str:
    """Return the URI of an image, video or document."""
    form = _string(_member(value, "format", kind), "format").lower()
    if form not in formats:
        raise RecordError(f"the format of a file is {form!r}. Formats of the block {kind}: {', '.join(formats)}")
    location = _object(_member(_object(_member(value, "source", kind), "source"), "s3Location", "source"), "s3Location")
    uri = _string(_member(location, "uri", "s3Location"), "uri")
    if not _URI.fullmatch(uri):
        raise RecordError(f"{uri!r} is not an S3 URI of letters, digits, and the characters _ - / .")
    return uri


def _prompt_completion(record: dict[str, Any], _: TrainingFormat) -> Record:
    prompt, completion = (
        _string(_member(record, name, "the record"), name, empty=False) for name in ("prompt", "completion")
    )
    return Record("", (Message("user", prompt), Message("assistant", completion)))


def _anthropic_messages(record: dict[str, Any], rules: TrainingFormat) -> Record:
    _only(record, {"system", "messages"}, "the record")
    system = _string(record["system"], "system") if "system" in record else ""
    return Record(system, _messages(record, rules, lambda content, role: _string(content, f"the {role}'s content")))


def _document(record: dict[str, Any], _: TrainingFormat) -> Record:
    """Read a document of continued pre-training. That Bedrock refuses other keys and empty texts is UNVERIFIED."""
    _only(record, {"input"}, "the record")
    text = _string(_member(record, "input", "the record"), "input", empty=False)
    if not text.strip():
        raise RecordError("input is blank")
    return Record("", (Message("user", text),))


_FORMATS: dict[str, Callable[[dict[str, Any], TrainingFormat], Record]] = {
    "bedrock-conversation-2024": _conversation,
    "prompt-completion": _prompt_completion,
    "anthropic-messages": _anthropic_messages,
    "documents": _document,
}
