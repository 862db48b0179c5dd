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

from include.distill.config.catalog import Family, FormatName, RecordFormatName
from include.distill.inference.student import system_and_user_text
from include.distill.training.records import (
    AnthropicRecord,
    ConversationRecord,
    DocumentRecord,
    PromptCompletionRecord,
    TrainingRecord,
)

# These characters are legal in JSON strings, but some readers treat them as line endings, as the Unicode standard does.
_LINE_SEPARATORS = str.maketrans({"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})


class ReadableFormat(Protocol):
    """A format of training records that can be read."""

    @property
    def name(self) -> FormatName:
        """The name of this format. Families that use it have the name under ``format`` in ``include/models.yaml``."""

    def read(self, record: Mapping[str, Any]) -> dict[str, object]:
        """Return the texts by field: the system prompt if there is one, then the user text, then the answer.

        In the format ``documents``, a record has only one text.

        The caller checks that the texts are strings.

        :raises KeyError, TypeError, ValueError: the record does not have this format.
        """


class RecordFormat(ReadableFormat, Protocol):
    """A format of training records with a question and an answer, used by one or more families."""

    def write(self, *, system: str, user: str, answer: str) -> TrainingRecord:
        """Return the training record.

        :param system: system prompt; empty if there is none, or if the format has no field for it.
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
    """
    The format that Bedrock defines: a system prompt and messages, with each text in a list with one block.

    The prompts of distillation jobs have this format too. A prompt may lack the answer.
    """

    name: RecordFormatName = "bedrock-conversation-2024"

    def write(self, *, system: str, user: str, answer: str | None) -> ConversationRecord:
        """Return the record, without the key ``system`` if the system prompt is empty.

        :param answer: None for a prompt without an answer.
        """
        record: ConversationRecord = {
            "schemaVersion": "bedrock-conversation-2024",
            "system": [{"text": system}],
            "messages": [{"role": "user", "content": [{"text": user}]}],
        }
        if answer is not None:
            record["messages"].append({"role": "assistant", "content": [{"text": answer}]})
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


class Documents:
    """The format of continued pre-training: a text without a question or an answer."""

    name: FormatName = "documents"

    def write(self, text: str) -> DocumentRecord:
        """Return the training record of a document, or of a part of it."""
        return {"input": text}

    def read(self, record: Mapping[str, Any]) -> dict[str, object]:
        """Return the text ``input``."""
        _refuse_other_keys(record, {"input"})
        return {"input": record["input"]}


def _refuse_other_keys(record: Mapping[str, Any], allowed: set[str]) -> None:
    if unknown := set(record) - allowed:
        message = f"unknown keys {sorted(unknown)}"
        raise ValueError(message)


def _system_and_messages(record: Mapping[str, Any]) -> dict[str, Any]:
    roles = [message["role"] for message in record["messages"]]
    if roles not in (["user"], ["user", "assistant"]):  # only a prompt may lack the answer: see record_texts
        message = f"roles {roles}"
        raise ValueError(message)
    system = {"system": record["system"]} if "system" in record else {}
    return {**system, **{message["role"]: message["content"] for message in record["messages"]}}


_ALL: tuple[RecordFormat, ...] = (PromptCompletion(), AnthropicMessages(), BedrockConversation())
FORMATS: dict[FormatName, RecordFormat] = {record_format.name: record_format for record_format in _ALL}
DOCUMENTS = Documents()
_READABLE: dict[FormatName, ReadableFormat] = {**FORMATS, DOCUMENTS.name: DOCUMENTS}
_PROMPTS = BedrockConversation()


def to_customization_format(*, user: str, answer: str, instruction: str, family: Family) -> TrainingRecord:
    """Return the training record for the user text ``user``, the system prompt ``instruction`` and the answer."""
    system, user = system_and_user_text(user=user, instruction=instruction, family=family)
    return FORMATS[family.format].write(system=system, user=user, answer=answer)


def to_prompt_format(*, user: str, answer: str | None, instruction: str, family: Family) -> ConversationRecord:
    """
    Return the prompt of a distillation job.

    The texts are the same as in a request to the student, so that the student is trained on the form that it is asked
    in. In some families, the system prompt therefore precedes the user text.

    :param answer: the answer to send along; None if only the teacher answers.
    """
    system, user = system_and_user_text(user=user, instruction=instruction, family=family)
    return _PROMPTS.write(system=system, user=user, answer=answer)


def record_texts(record: Mapping[str, Any], family: Family) -> dict[str, str]:
    """Return the texts of a record by field, with the answer or the document last.

    Only a prompt of a distillation job may lack the answer.

    :raises KeyError, TypeError, ValueError: the record is not in the family's format.
    """
    texts: dict[str, str] = {}
    record_format = _PROMPTS if family.is_for_prompts else _READABLE[family.format]
    fields = record_format.read(record)
    if "user" in fields and "assistant" not in fields and not family.is_for_prompts:
        message = "no message of the assistant"
        raise ValueError(message)
    for field, text in fields.items():
        if not isinstance(text, str):
            message = f"{field} is not a string"
            raise TypeError(message)
        texts[field] = text
    return texts


def encode_record(record: TrainingRecord) -> bytes:
    """Return a record as one line of a training file. In texts, all characters that could end a line are escaped."""
    return f"{json.dumps(record, ensure_ascii=False).translate(_LINE_SEPARATORS)}\n".encode()
