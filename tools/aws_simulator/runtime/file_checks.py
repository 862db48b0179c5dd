"""
Check the files of a request against what its model accepts.

Public issues quote these error messages:

- Anthropic's models, format of an image: https://github.com/NousResearch/hermes-agent/issues/55429
- Anthropic's models, too many pixels: https://github.com/anthropics/claude-code/issues/2939
- Llama, format of an image: https://github.com/boto/boto3/issues/4415

Many public repositories quote the message of Anthropic's models about an invalid PDF. The wording of the other messages
is UNVERIFIED, unless a comment at the message names a source. The rules for Converse are in
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html.
"""

from __future__ import annotations

from collections.abc import Iterator

from tools.aws_simulator.catalog.catalog import Model
from tools.aws_simulator.models.conversation import Media, ToolResult
from tools.aws_simulator.protocol.errors import ValidationException
from tools.aws_simulator.runtime.requests import InferenceRequest, ModelRefusal

LONGEST_EDGE = 8000


def check_files(model: Model, request: InferenceRequest) -> None:
    """Check the type, format and size of every file, and where it is in the request.

    :raises ValidationException: the model cannot read a file.
    """
    kinds = {file.kind for turn in request.conversation.turns for file in turn.media}
    supported = {"image": "IMAGE" in model.input, "document": model.documents}
    for kind in sorted(kinds):  # public repositories quote this message for images and for documents
        if not supported.get(kind, kind.upper() in model.input):
            raise ValidationException(
                f"This model doesn't support the {kind} content block that you provided. Update the content block and"
                " try again."
            )
    for place, role, file in _files(request):
        if role == "assistant":
            raise ValidationException(
                f"Messages of the role assistant can't include the {file.kind} content block. Move it to a message of"
                " the role user."
            )
        _check_format(model, place, file)
        if file.longest_edge > LONGEST_EDGE and (model.body == "anthropic" or request.through_converse):
            raise ModelRefusal(
                f"{place}.image.source.base64.data: At least one of the image dimensions exceed max allowed size:"
                f" {LONGEST_EDGE} pixels"
                if model.body == "anthropic"
                else f"The image exceeds the maximum of {LONGEST_EDGE} pixels in height or width. Use a smaller image."
            )


def _files(request: InferenceRequest) -> Iterator[tuple[str, str, Media]]:
    """Yield each file with its place and the role of its message."""
    for number, turn in enumerate(request.conversation.turns):
        for position, part in enumerate(turn.parts):
            place = f"messages.{number}.content.{position}"
            if isinstance(part, Media):
                yield place, turn.role, part
            for inner, file in enumerate(part.media) if isinstance(part, ToolResult) else ():
                yield f"{place}.tool_result.content.{inner}", turn.role, file


def _check_format(model: Model, place: str, file: Media) -> None:
    if file.kind == "document":
        if model.body == "anthropic" and file.stated_format == "pdf" and file.real_format != "pdf":
            raise ModelRefusal(f"{place}.pdf.source.base64.data: The PDF specified was not valid.")
        return
    if not file.stated_format or not file.real_format or file.stated_format == file.real_format:
        return
    if model.body == "anthropic":
        raise ModelRefusal(
            f"{place}.image.source.base64: The image was specified using the image/{file.stated_format} media type, but"
            f" the image appears to be a image/{file.real_format} image"
        )
    raise ModelRefusal("The provided image does not match the specified image format.")
