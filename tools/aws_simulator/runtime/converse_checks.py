"""
Check the messages of Converse as Bedrock does before any model sees them.

Each error text is quoted in a public issue: https://github.com/earendil-works/pi/issues/4975 (blank text),
https://github.com/earendil-works/pi/pull/3443 (empty content), https://github.com/vercel/ai/pull/19852 (nothing but a
cache checkpoint), https://github.com/archestra-ai/archestra/pull/4220 (documents without text),
https://github.com/aws-samples/generative-ai-use-cases/issues/1685 (number and names of documents),
https://github.com/simonw/llm-bedrock/issues/8 (characters in names), https://github.com/BerriAI/litellm/issues/20048
(duplicate ids), https://github.com/vxcontrol/pentagi/pull/196 (tool calls or tool results in a request without
``toolConfig``). The sizes and numbers of files are in
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html; the error texts about the sizes and
about the number of images are UNVERIFIED.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.aws_simulator.models.conversation import ToolResult, ToolUse, Turn
from tools.aws_simulator.protocol.errors import ValidationException

MAX_DOCUMENTS = 5
MAX_IMAGES = 20
MAX_DOCUMENT_BYTES = 4_718_592  # 4.5 MB
MAX_IMAGE_BYTES = 3_932_160  # 3.75 MB
# Underscores are accepted although the message does not name them. The only white space that is accepted is a space:
# https://github.com/aws-samples/generative-ai-use-cases/issues/1671
_DOCUMENT_NAME = re.compile(r"(?!.*  )[A-Za-z0-9 _\-()\[\]]+")


def check_messages(messages: Sequence[Mapping[str, Any]]) -> None:
    """Check the contents of all messages."""
    for number, message in enumerate(messages):
        if not message["content"]:
            raise ValidationException(
                f"The content field in the Message object at messages.{number} is empty. Add a ContentBlock object to"
                " the content field and try again."
            )
        if all("cachePoint" in block for block in message["content"]):
            raise ValidationException(
                "There is nothing available to cache. Please remove the invalid cache point and try again."
            )
        for place, block in enumerate(message["content"]):
            if not block.get("text", "x").strip():
                raise ValidationException(
                    f"The text field in the ContentBlock object at messages.{number}.content.{place} is blank. Add text"
                    " to the text field, and try again."
                )
        has_text = any("text" in block for block in message["content"])
        if any("document" in block for block in message["content"]) and not has_text:
            raise ValidationException("A text block must be included when using documents.")
    _check_files(list(_blocks(messages, "document")), list(_blocks(messages, "image")))


def _blocks(messages: Sequence[Mapping[str, Any]], kind: str) -> Iterator[Mapping[str, Any]]:
    """Yield the blocks of a kind, including those in tool results."""
    for message in messages:
        for block in message["content"]:
            for inner in (block, *block.get("toolResult", {}).get("content", ())):
                if kind in inner:
                    yield inner[kind]


def _check_files(documents: list[Mapping[str, Any]], images: list[Mapping[str, Any]]) -> None:
    names = [document["name"] for document in documents]
    if not all(_DOCUMENT_NAME.fullmatch(name) for name in names):
        raise ValidationException(
            "The document file name can only contain alphanumeric characters, whitespace characters, hyphens,"
            " parentheses, and square brackets. The name can't contain more than one consecutive whitespace character."
            " Check that the file name conforms to these restrictions and retry your request."
        )
    if len(set(names)) < len(names):
        raise ValidationException("Messages can't contain duplicate document names.")
    if len(documents) > MAX_DOCUMENTS:
        raise ValidationException(
            f"You can't include more than {MAX_DOCUMENTS} documents in a request. Reduce the number of documents and"
            " retry your request."
        )
    if len(images) > MAX_IMAGES:
        raise ValidationException(
            f"You can't include more than {MAX_IMAGES} images in a request. Reduce the number of images and retry your"
            " request."
        )
    for kind, files, limit in (("document", documents, MAX_DOCUMENT_BYTES), ("image", images, MAX_IMAGE_BYTES)):
        if any(len(file["source"].get("bytes", b"")) > limit for file in files):
            raise ValidationException(f"The {kind} exceeds the maximum size of {limit} bytes. Use a smaller {kind}.")


def check_tool_blocks(turns: tuple[Turn, ...], *, has_tools: bool) -> None:
    """Check that the turn after tool calls has exactly one result for each call, and that no other turn has results."""
    uses = [[part.id for part in turn.parts if isinstance(part, ToolUse)] for turn in turns]
    results = [[part.id for part in turn.parts if isinstance(part, ToolResult)] for turn in turns]
    if (any(uses) or any(results)) and not has_tools:
        raise ValidationException(
            "The toolConfig field must be defined when using toolUse and toolResult content blocks."
        )
    for number, ids in enumerate(results):
        _check_unique(uses[number], f"The toolUse blocks at messages.{number}.content")
        _check_unique(ids, f"The toolResult blocks at messages.{number}.content")
        asked = uses[number - 1] if number else []
        if len(ids) > len(asked):
            raise ValidationException(
                f"The number of toolResult blocks at messages.{number}.content exceeds the number of toolUse blocks of"
                " previous turn."
            )
        if missing := sorted(set(asked) - set(ids)):
            raise ValidationException(
                f"Expected toolResult blocks at messages.{number}.content for the following Ids: {', '.join(missing)}"
            )


def _check_unique(ids: list[str], where: str) -> None:
    if repeated := sorted({id_ for id_ in ids if ids.count(id_) > 1}):
        raise ValidationException(f"{where} contain duplicate Ids: {', '.join(repeated)}")
