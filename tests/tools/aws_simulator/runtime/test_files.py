"""The size of images is read, and files count tokens."""

from __future__ import annotations

import struct

import pytest

from tests.tools.aws_simulator import builders
from tools.aws_simulator.models.conversation import Media
from tools.aws_simulator.protocol.errors import ValidationException
from tools.aws_simulator.runtime.files import image_size, read_document, read_image, read_recording

GIF = b"GIF89a" + struct.pack("<HH", 30, 50) + b"\x00" * 10
JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08" + struct.pack(">HH", 50, 30) + b"\x03" * 10
WEBP = b"RIFF\x00\x00\x00\x00WEBP"
LOSSY = WEBP + b"VP8 " + b"\x00" * 10 + struct.pack("<HH", 30, 50)
LOSSLESS = WEBP + b"VP8L" + b"\x00" * 4 + b"\x2f" + ((49 << 14) | 29).to_bytes(4, "little") + b"\x00" * 10
EXTENDED = WEBP + b"VP8X" + b"\x00" * 8 + (29).to_bytes(3, "little") + (49).to_bytes(3, "little")


@pytest.mark.parametrize("data", [builders.png(), GIF, JPEG, LOSSY, LOSSLESS, EXTENDED])
def test_the_size_of_an_image_is_read(data: bytes) -> None:
    assert image_size(data) == (30, 50)


@pytest.mark.parametrize(
    "data",
    [b"", b"1234", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", JPEG[:12], WEBP, builders.png(0, 5), builders.png(5, 0)],
)
def test_bytes_that_are_no_image_are_refused(data: bytes) -> None:
    with pytest.raises(ValidationException, match="Could not process image"):
        read_image("png", data)


@pytest.mark.parametrize(
    ("width", "height", "tokens"), [(1000, 750, 1000), (1, 1, 1), (15680, 7840, round(1568 * 784 / 750))]
)
def test_an_image_counts_a_token_for_750_pixels_after_it_is_scaled_down(width: int, height: int, tokens: int) -> None:
    assert read_image("png", builders.png(width, height)).tokens == tokens


def test_documents_count_their_text_or_their_pages() -> None:
    assert read_document("notes", "md", b"My notes.") == Media("document", "notes", 9, "My notes.")
    pdf = b"%PDF-1.4 /Type /Pages /Type /Page x /Type/Page y"
    assert read_document("paper", "pdf", pdf) == Media("document", "paper", len(pdf), tokens=3000)
    assert read_document("sheet", "xlsx", b"x" * 60).tokens == 10


def test_recordings_count_too() -> None:
    assert read_recording("video", b"x" * 60) == Media("video", "", 60, tokens=10)
