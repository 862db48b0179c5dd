"""Make new inputs from known ones: change bytes, lines, words and values of JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

MAX_BYTES = 16_384
_MOST_CHANGES = 4
_LONGEST_PART = 64
# Texts that readers of any format have had problems with.
WORDS = (
    b"\x00", b"\n", b"\r", b"\r\n", b"\t", b" ", b'"', b'""', b"'", b",", b";", b":", b"\\", b"{", b"}", b"[", b"]",
    b"\xef\xbb\xbf", b"\xff\xfe", b"\xc3", b"\x80", "\u2028".encode(), "\u200b".encode(), "\xa0".encode(),
    "\u201c".encode(), "\U0001f600".encode(), b"\\ud800", b"\\u0000", b"null", b"true", b"NaN", b"Infinity", b"-1",
    b"1e999", b"0.1", b"9" * 5_000, b"[" * 3_000, b'{"a":' * 3_000, b"a" * 2_000, b"<document>", b"{{document}}",
)  # fmt: skip
_VALUES: tuple[object, ...] = (
    None, True, False, 0, -1, 1.5, float("nan"), float("inf"), 2**70, "", " ", "x", "\ud800", "\x00", "\u2028",
    "1", [], {}, [None], [[]], {"": {}}, [{}], "x" * 2_000,
)  # fmt: skip

Change = Callable[[bytes, Random, Sequence[bytes], Sequence[bytes]], bytes]


def mutate(data: bytes, random: Random, others: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """
    Return a changed input of at most ``MAX_BYTES`` bytes.

    :param others: inputs of which a part may be taken.
    :param words: texts with a meaning in inputs of this kind.
    """
    for _ in range(random.randint(1, _MOST_CHANGES)):
        data = random.choice(_CHANGES)(data, random, others, words)[:MAX_BYTES]
    return data


def _range(data: bytes, random: Random, longest: int = _LONGEST_PART) -> tuple[int, int]:
    start = random.randint(0, len(data))
    return start, min(len(data), start + random.randint(0, longest))


def _change_byte(data: bytes, random: Random, others: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    start = random.randint(0, len(data))
    return data[:start] + bytes([random.randrange(256)]) + data[start + 1 :]


def _remove_part(data: bytes, random: Random, others: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    start, end = _range(data, random)
    return data[:start] + data[end:]


def _cut_off(data: bytes, random: Random, others: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    return data[: random.randint(0, len(data))]


def _repeat_part(data: bytes, random: Random, others: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    start, end = _range(data, random)
    return data[:end] + data[start:end] * random.choice((1, 1, 2, 50)) + data[end:]


def _insert_word(data: bytes, random: Random, others: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    start, end = _range(data, random, longest=random.choice((0, 0, 8)))
    known = words if words and random.random() < 0.5 else WORDS
    return data[:start] + random.choice(known) + data[end:]


def _join(data: bytes, random: Random, others: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    other = random.choice(others)
    return data[: random.randint(0, len(data))] + other[random.randint(0, len(other)) :]


def _move_line(data: bytes, random: Random, others: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    lines = data.splitlines(keepends=True)
    if not lines:
        return data
    line = lines[random.randrange(len(lines))]
    if random.random() < 0.5:
        lines.remove(line)
    lines.insert(random.randint(0, len(lines)), line)
    return b"".join(lines)


def _change_json(data: bytes, random: Random, others: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """Change one value in a line that is JSON, or its key. Other lines stay as they are."""
    lines = data.split(b"\n")
    number = random.randrange(len(lines))
    try:
        value = json.loads(lines[number])
        _change_value(value, random)
        lines[number] = json.dumps(value).encode()
    except (ValueError, RecursionError):
        return data
    return b"\n".join(lines)


def _change_value(value: Any, random: Random) -> None:
    """Change, remove, repeat or rename one member of a list or an object inside a JSON value."""
    places: list[tuple[Any, Any]] = []
    unvisited: list[Any] = [value]
    while unvisited:
        found = unvisited.pop()
        inner = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
        for key, item in inner:
            places.append((found, key))
            unvisited.append(item)
    if not places:
        return
    container, key = random.choice(places)
    what = random.randrange(6)
    if what == 0:
        del container[key]
    elif what == 1 and isinstance(container, dict):
        container[random.choice((key.upper(), f"{key} ", "", "x"))] = container.pop(key)
    elif what == 2:
        other, name = random.choice(places)
        container[key] = json.loads(json.dumps(other[name]))
    elif what == 3:
        container[key] = [container[key]]
    else:
        container[key] = random.choice(_VALUES)


_CHANGES: tuple[Change, ...] = (
    _change_byte, _remove_part, _cut_off, _repeat_part, _insert_word, _insert_word, _join, _move_line, _change_json,
    _change_json,
)  # fmt: skip
