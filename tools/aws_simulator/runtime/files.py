"""
Read the images and documents of a request, and count their tokens.

An image counts as one token per 750 pixels: https://docs.anthropic.com/en/docs/build-with-claude/vision. The same
formula is used for models of other providers (UNVERIFIED). A page of a PDF counts as 1,500 tokens, the smallest number
that https://docs.anthropic.com/en/docs/build-with-claude/pdf-support states. For other documents, the tokens of their
text are counted. If a document is not text, it counts as one token per six bytes (UNVERIFIED).
"""

from __future__ import annotations

import re
import struct
from typing import Literal

from tools.aws_simulator.models.conversation import Media
from tools.aws_simulator.runtime.requests import ModelRefusal

TEXT_FORMATS = ("txt", "md", "csv", "html")
_PIXELS_PER_TOKEN = 750
_TOKENS_PER_PAGE = 1500
_BYTES_PER_TOKEN = 6
_LONGEST_EDGE = 1568  # Larger images are scaled down to this edge before the model sees them (the same page).
_PDF_PAGE = re.compile(rb"/Type\s*/Page\b(?!s)")
_PDF_HEAD = 1024  # readers look for %PDF- in the first 1,024 bytes: Appendix H of the PDF reference
_BEGINNINGS = {"png": b"\x89PNG", "gif": b"GIF8", "jpeg": b"\xff\xd8", "webp": b"RIFF"}
_JPEG_SIZES = (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0))


def read_image(kind: str, data: bytes) -> Media:
    """Return an image.

    :param kind: png, jpeg, gif or webp.
    :raises ModelRefusal: the bytes are not an image. The message is that of Anthropic's models.
    """
    size = image_size(data)
    if size is None or 0 in size:  # zero is invalid: https://www.w3.org/TR/png-3/#11IHDR
        raise ModelRefusal("Could not process image")
    width, height = size
    scale = min(1.0, _LONGEST_EDGE / max(width, height, 1))
    tokens = max(1, round(width * height * scale * scale / _PIXELS_PER_TOKEN))
    real_format = next(name for name, beginning in _BEGINNINGS.items() if data.startswith(beginning))
    return Media("image", kind, len(data), "", tokens, kind, real_format, max(size))


def image_size(data: bytes) -> tuple[int, int] | None:
    """Return the width and height of an image; None if the bytes are not a PNG, JPEG, GIF or WebP image."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    if data[:6] in (b"GIF87a", b"GIF89a") and len(data) >= 10:
        width, height = struct.unpack("<HH", data[6:10])
        return width, height
    if data.startswith(b"\xff\xd8"):
        return _jpeg_size(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP" and len(data) >= 30:
        return _webp_size(data)
    return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    position = 2
    while position + 9 <= len(data) and data[position] == 0xFF:
        if data[position + 1] in _JPEG_SIZES:
            height, width = struct.unpack(">HH", data[position + 5 : position + 9])
            return width, height
        position += 2 + struct.unpack(">H", data[position + 2 : position + 4])[0]
    return None


def _webp_size(data: bytes) -> tuple[int, int]:
    if data[12:16] == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if data[12:16] == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack("<HH", data[26:30])
    return width & 0x3FFF, height & 0x3FFF


def read_document(name: str, kind: str | None, data: bytes) -> Media:
    """Return a document."""
    if kind in TEXT_FORMATS:
        return Media("document", name, len(data), data.decode(errors="replace"))
    if kind == "pdf":
        real_format = "pdf" if b"%PDF-" in data[:_PDF_HEAD] else ""
        tokens = _TOKENS_PER_PAGE * max(1, len(_PDF_PAGE.findall(data)))
        return Media("document", name, len(data), "", tokens, "pdf", real_format)
    return Media("document", name, len(data), tokens=max(1, len(data) // _BYTES_PER_TOKEN))


def read_recording(kind: Literal["video", "audio"], data: bytes) -> Media:
    """Return a video or a sound. It counts as one token per six bytes (UNVERIFIED: no source gives AWS's number)."""
    return Media(kind, "", len(data), tokens=max(1, len(data) // _BYTES_PER_TOKEN))
