"""
Write and read training records in the record format of each student family.

For some families, a training job fails if the user text or the system prompt contains a reserved string such as
``System:``. Callers pass both texts through :func:`include.distill.inference.student.escape_reserved`, for training
records as well as for requests to the student. Answers are never changed, because the student should learn to write
them exactly as they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from include.distill.config.catalog import Family, RecordFormatName
from include.distill.inference.student import system_and_user_text
from include.distill.training.records import (
    AnthropicRecord,
    ConversationRecord,
    PromptCompletionRecord,
    TrainingRecord,
)

# These characters are legal in JSON strings, but some readers treat them as line endings, as the Unicode standard does.
_LINE_SEPARATORS = str.maketrans({"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})


class RecordFormat(Protocol):
    """A format of training records, used by one or more families."""

    @property
    def name(self) -> RecordFormatName:
        """The name of this format. Families that use it have the name under ``format`` in ``include/models.yaml``."""

    def write(self, *, system: str, user: str, answer: str) -> TrainingRecord:
        """Return the training record.

        :param system: system prompt; empty if there is none, or if the format has no field for it.
        """

    def read(self, record: Mapping[str, Any]) -> dict[str, object]:
        """Return the texts by field: the system prompt if there is one, then the user text, then the answer.

        The caller checks that the texts are strings.

        :raises KeyError, TypeError, ValueError: the record does not have this format.
        """


class PromptCompletion:
    """
    The format with a prompt and a completion.

    It has no field for a system prompt, so callers put the system prompt at the start of the user text.
    """

    name: RecordFormatName = "prompt-completion"

    def write(self, *, system: str, user: str, answer: str) -> PromptCompletionRecord:
        """Return the training record. ``system`` must be empty."""
        return {"prompt": user, "completion": answer}

    def read(self, record: Mapping[str, Any]) -> dict[str, object]:
        """Return ``prompt`` and ``completion``."""
        _refuse_other_keys(record, {"prompt", "completion"})
        return {"prompt": record["prompt"], "completion": record["completion"]}


class AnthropicMessages:
    """The format with a system prompt and messages whose contents are strings."""

    name: RecordFormatName = "anthropic-messages"

    def write(self, *, system: str, user: str, answer: str) -> AnthropicRecord:
        """Return the training record, without the key ``system`` if the system prompt is empty."""
        record: AnthropicRecord = {
            "system": system,
            "messages": [{"role": "user", "content": user}, {"role": "assistant", "content": answer}],
        }
        if not system:
            del record["system"]
        return record

    def read(self, record: Mapping[str, Any]) -> dict[str, object]:
        """Return the texts ``system`` (if the record has a system prompt), ``user`` and ``assistant``."""
        _refuse_other_keys(record, {"system", "messages"})
        return _system_and_messages(record)


class BedrockConversation:
    """The format that Bedrock defines: a system prompt and messages, with each text in a list with one block."""

    name: RecordFormatName = "bedrock-conversation-2024"

    def write(self, *, system: str, user: str, answer: str) -> ConversationRecord:
        """Return the training record, without the key ``system`` if the system prompt is empty."""
        record: ConversationRecord = {
            "schemaVersion": "bedrock-conversation-2024",
            "system": [{"text": system}],
            "messages": [
                {"role": "user", "content": [{"text": user}]},
                {"role": "assistant", "content": [{"text": answer}]},
            ],
        }
        if not system:
            del record["system"]
        return record

    def read(self, record: Mapping[str, Any]) -> dict[str, object]:
        """Return the texts ``system`` (if the record has a system prompt), ``user`` and ``assistant``."""
        if record["schemaVersion"] != self.name:
            message = f"schemaVersion {record['schemaVersion']!r}"
            raise ValueError(message)
        _refuse_other_keys(record, {"schemaVersion", "system", "messages"})
        return {field: block["text"] for field, (block,) in _system_and_messages(record).items()}


def _refuse_other_keys(record: Mapping[str, Any], allowed: set[str]) -> None:
    if unknown := set(record) - allowed:
        message = f"unknown keys {sorted(unknown)}"
        raise ValueError(message)


def _system_and_messages(record: Mapping[str, Any]) -> dict[str, Any]:
    user, assistant = record["messages"]
    roles = (user["role"], assistant["role"])
    if roles != ("user", "assistant"):
        message = f"roles {roles}"
        raise ValueError(message)
    system = {"system": record["system"]} if "system" in record else {}
    return {**system, "user": user["content"], "assistant": assistant["content"]}


_ALL: tuple[RecordFormat, ...] = (PromptCompletion(), AnthropicMessages(), BedrockConversation())
FORMATS = {record_format.name: record_format for record_format in _ALL}


def to_customization_format(*, user: str, answer: str, instruction: str, family: Family) -> TrainingRecord:
    """Return the training record for the user text ``user``, the system prompt ``instruction`` and the answer."""
    system, user = system_and_user_text(user=user, instruction=instruction, family=family)
    return FORMATS[family.format].write(system=system, user=user, answer=answer)


def record_texts(record: Mapping[str, Any], family: Family) -> dict[str, str]:
    """Return the texts of a record by field, with the answer last.

    :raises KeyError, TypeError, ValueError: the record is not in the family's format.
    """
    texts: dict[str, str] = {}
    for field, text in FORMATS[family.format].read(record).items():
        if not isinstance(text, str):
            message = f"{field} is not a string"
            raise TypeError(message)
        texts[field] = text
    return texts


def encode_record(record: TrainingRecord) -> bytes:
    """Return a record as one line of a training file. In texts, all characters that could end a line are escaped."""
    return f"{json.dumps(record, ensure_ascii=False).translate(_LINE_SEPARATORS)}\n".encode()
