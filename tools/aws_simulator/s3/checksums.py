"""
Compute the checksums that S3 uses to verify uploads.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

from __future__ import annotations

import base64
import functools
import hashlib
import zlib
from collections.abc import Callable

# The polynomials of CRC-32C and CRC-64/NVME, with their bits reversed.
_CRC32C, _CRC64NVME = 0x82F63B78, 0x9A6C9329AC4BC9B5


@functools.cache
def _table(polynomial: int) -> tuple[int, ...]:
    entries = []
    for entry in range(256):
        for _ in range(8):
            entry = entry >> 1 ^ (polynomial if entry & 1 else 0)
        entries.append(entry)
    return tuple(entries)


def _crc(body: bytes, polynomial: int, size: int) -> bytes:
    table, mask = _table(polynomial), (1 << size * 8) - 1
    value = mask
    for byte in body:
        value = table[(value ^ byte) & 0xFF] ^ value >> 8
    return (value ^ mask).to_bytes(size, "big")


_ALGORITHMS: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "crc32": (4, lambda body: zlib.crc32(body).to_bytes(4, "big")),
    "crc32c": (4, lambda body: _crc(body, _CRC32C, 4)),
    "crc64nvme": (8, lambda body: _crc(body, _CRC64NVME, 8)),
    "sha1": (20, lambda body: hashlib.sha1(body, usedforsecurity=False).digest()),
    "sha256": (32, lambda body: hashlib.sha256(body).digest()),
}
NAMES = tuple(_ALGORITHMS)


def checksum(name: str, body: bytes) -> str:
    """Return the checksum of a body in base64, the encoding that S3's headers use."""
    return base64.b64encode(_ALGORITHMS[name][1](body)).decode()


def is_checksum(name: str, text: str) -> bool:
    """Return whether a text has the form of a checksum."""
    return _is_base64(text, _ALGORITHMS[name][0])


def is_md5(text: str) -> bool:
    """Return whether a text has the form of the header Content-MD5."""
    return _is_base64(text, 16)


def _is_base64(text: str, size: int) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == size
    except ValueError:
        return False
