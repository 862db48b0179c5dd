"""A file that its model cannot read is refused. The sources of the messages are in file_checks.py."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.tools.aws_simulator import builders
from tools.aws_simulator.catalog.catalog import load_catalog
from tools.aws_simulator.protocol.errors import ValidationException
from tools.aws_simulator.runtime import bodies
from tools.aws_simulator.runtime.capabilities import for_model
from tools.aws_simulator.runtime.converse import read_converse

MODELS = load_catalog().models
HAIKU, NOVA, LLAMA = "claude-haiku-4-5", "nova-lite", "llama-3-2-11b"
FROM_MODEL = "The model returned the following errors: "
PLACE = "messages.0.content.1"


def image(data: bytes, stated: str = "png") -> dict[str, Any]:
    return {"image": {"format": stated, "source": {"bytes": data}}}


def pdf(data: bytes) -> dict[str, Any]:
    return {"document": {"name": "paper", "format": "pdf", "source": {"bytes": data}}}


def converse(key: str, *blocks: Any, role: str = "user") -> Any:
    asked = {"role": "user", "content": [{"text": "Look."}]}
    messages = [{"role": "user", "content": [*asked["content"], *blocks]}]
    if role == "assistant":
        messages = [asked, {"role": "assistant", "content": [{"text": "Here."}, *blocks]}, asked]
    return for_model(MODELS[key], read_converse({"messages": messages}))


@pytest.mark.parametrize("data", [builders.png(), builders.png(8000, 8000)])
@pytest.mark.parametrize("key", [HAIKU, NOVA, LLAMA])
def test_an_image_that_the_model_reads_is_accepted(key: str, data: bytes) -> None:
    assert converse(key, image(data)).conversation.turns[0].media


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (
            HAIKU,
            f"{FROM_MODEL}{PLACE}.image.source.base64: The image was specified using the image/jpeg media type, but the"
            " image appears to be a image/png image",
        ),
        (LLAMA, f"{FROM_MODEL}The provided image does not match the specified image format."),
        (NOVA, f"{FROM_MODEL}The provided image does not match the specified image format."),
    ],
)
def test_a_format_that_differs_from_the_bytes_is_refused(key: str, text: str) -> None:
    with pytest.raises(ValidationException) as caught:
        converse(key, image(builders.png(), "jpeg"))
    assert str(caught.value) == text


@pytest.mark.parametrize("size", [(8001, 10), (10, 8001)])
@pytest.mark.parametrize("key", [HAIKU, NOVA])
def test_an_image_of_more_than_8000_pixels_is_refused(key: str, size: tuple[int, int]) -> None:
    with pytest.raises(ValidationException, match="8000 pixels"):
        converse(key, image(builders.png(*size)))


def test_a_file_in_a_result_of_a_tool_is_checked_too() -> None:
    source = {"type": "base64", "media_type": "image/gif", "data": base64.b64encode(builders.png()).decode()}
    body = builders.anthropic_body(
        messages=[
            {"role": "user", "content": "Look."},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "see", "input": {}}]},
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "image", "source": source}]}
                ],
            },
        ],
        tools=[{"name": "see", "input_schema": {"type": "object"}}],
    )
    with pytest.raises(ValidationException) as caught:
        for_model(MODELS[HAIKU], bodies.READERS["anthropic"](body))
    assert str(caught.value) == (
        "messages.2.content.0.tool_result.content.0.image.source.base64: The image was specified using the image/gif"
        " media type, but the image appears to be a image/png image"
    )


@pytest.mark.parametrize("block", [image(builders.png()), pdf(b"%PDF-1.7 x")], ids=["image", "document"])
def test_files_belong_to_messages_of_the_user(block: dict[str, Any]) -> None:
    """You can only include images and documents if the role is user (API reference of Message)."""
    with pytest.raises(ValidationException, match=r"role assistant can't include the (image|document)"):
        converse(HAIKU, block, role="assistant")


def test_claude_refuses_a_document_that_is_no_pdf() -> None:
    assert converse(HAIKU, pdf(b"\n%PDF-1.7 x"))
    assert converse(NOVA, pdf(b"not a PDF"))  # no public source shows that other models look at the bytes
    with pytest.raises(ValidationException, match=f"{PLACE}.pdf.source.base64.data: The PDF specified was not valid."):
        converse(HAIKU, pdf(b"not a PDF"))


def test_nova_lite_reads_videos_and_micro_does_not() -> None:
    video = {"video": {"format": "mp4", "source": {"bytes": b"x" * 600}}}
    for key in (NOVA, "nova-pro", "nova-2-lite"):
        assert converse(key, video).conversation.turns[0].media
    with pytest.raises(ValidationException, match="doesn't support the video content block"):
        converse("nova-micro", video)
