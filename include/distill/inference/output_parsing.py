r"""
Parse a teacher's output into pairs. Nothing is guessed or repaired.

A pair is a JSON object with the strings question, answer and topic. Objects are read wherever they occur: one per line,
in an array, in an object that contains a list, in a code fence or between sentences. An object that is not valid JSON
is rejected with its raw text, and reading continues at the next place where an object certainly begins. If there is no
such place, because the text may still be inside a string of the broken object, the rest of the text is rejected too.
Otherwise, part of one pair could be mistaken for another pair.

An object that contains pairs is first read as a whole, and then each object inside it is read again on its own. If
objects are nested deeply, reading could therefore take time in proportion to the square of the text's length. The
number of characters that are read is limited to a multiple of that length. If the limit is reached, the rest of the
text is rejected.

No library is used, because json-repair and similar libraries guess what was meant. The pipeline does not need guesses:
it can request a rejected pair again.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from include.distill.inference.records import UnreadablePair, UnreadableReason, WrittenPair
from include.distill.text.normalization import is_blank, unsupported_character

_KEYS = ("question", "answer", "topic")
# Quantifiers are possessive, so matching takes linear time whatever a model writes.
_KEY = re.compile(r'"(question|answer|topic)"\s*+:')
_LOOSELY_QUOTED_KEY = re.compile(r"""['"“”‘’]?\b(question|answer|topic)['"“”‘’]?\s*+:""", re.IGNORECASE)
_ANY_KEY = re.compile(r'"(?:[^"\\]|\\.)*+"\s*+:', re.DOTALL)
# The start of an object: a brace and the first key. The key is any key in double quotes, or one of the keys question,
# answer and topic in other quotes or without quotes. The text may end before the key is complete.
_OBJECT_START = re.compile(
    r"""
    \{\s*+ (?: "(?:[^"\\]|\\.)*+ (?: "\s*+(?: : | \Z ) | \Z )
            | ['“”‘’]?(?:question|answer|topic)['“”‘’]?\s*+:
            | \Z )
    """,
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_CONTAINER_START = re.compile(r'\{[^{}\[\]]*:\s*+(?:\[\s*+)?+(?=\{\s*+")')
_BETWEEN_OBJECTS = re.compile(r'\}[^"{}]*+(?=\{\s*+")')
_STRUCTURE = re.compile(r"[\s,\]}`]*+")
_END_OF_OBJECT = re.compile(r'"\s*+(?:,\s*+)?\}')
_QUOTE_OR_ESCAPE = re.compile(r'\\.|"', re.DOTALL)
# A list of pairs is decoded twice: once as a whole, and once pair by pair. Lists inside lists are decoded more often.
_MAX_READS, _FREE_CHARACTERS = 8, 100_000
# If more characters than this are before an object, they are cut off, because the decoder counts the lines before each
# error.
_MAX_BEFORE = 16_384
_EXPECTED = "expected one object with the strings question, answer and topic"


@dataclass(frozen=True)
class ParsedOutput:
    """The pairs in a teacher's output, and the parts of it that are not pairs."""

    pairs: list[WrittenPair] = field(default_factory=list)
    rejected: list[UnreadablePair] = field(default_factory=list)


class _JsonObject(dict[str, object]):
    """A JSON object that also stores which of its keys is repeated in the text; ``None`` if no key is repeated."""

    repeated_key: str | None = None

    @classmethod
    def from_items(cls, items: list[tuple[str, object]]) -> _JsonObject:
        made = cls(items)
        if len(made) < len(items):
            made.repeated_key = Counter(name for name, _ in items).most_common(1)[0][0]
        return made


# strict=False accepts line breaks inside strings. parse_int is float, because int() rejects numbers with thousands of
# digits.
_DECODER = json.JSONDecoder(strict=False, object_pairs_hook=_JsonObject.from_items, parse_int=float)


class _UnreadableError(ValueError):
    """The error for a part of the text that is not a pair. The message describes the fault."""

    def __init__(self, reason: UnreadableReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def parse_llm_output(text: str) -> ParsedOutput:
    """Read the question and answer pairs in a teacher's output.

    This function never raises an exception. Parts that are not pairs are in ``rejected``, with their position in
    characters and their raw text. If the output contains no JSON object, ``rejected`` has a single entry with the
    reason ``no_record``.
    """
    output = ParsedOutput()
    for start, end, read in _read_objects(text):
        try:
            if isinstance(read, _UnreadableError):
                raise read
            output.pairs.append(_to_pair(read))
        except _UnreadableError as fault:
            output.rejected.append(
                {"reason": fault.reason, "message": f"At character {start}: {fault}.", "text": text[start:end]}
            )
    if not (output.pairs or output.rejected):
        message = f"The output contains no JSON object; {_EXPECTED}."
        output.rejected.append({"reason": "no_record", "message": message, "text": text})
    return output


def _read_objects(text: str) -> Iterator[tuple[int, int, _JsonObject | _UnreadableError]]:
    """Yield the start, end and content of each object that should be a pair.

    If an object cannot be read, an error takes the place of its content.
    """
    rest, offset, position = text, 0, 0  # `rest` begins at the character `offset` of `text`
    unread = _MAX_READS * len(text) + _FREE_CHARACTERS  # number of characters that may still be decoded
    while match := _OBJECT_START.search(rest, position):
        start = match.start()
        if start > _MAX_BEFORE:
            rest, offset, start = rest[start:], offset + start, 0
        if unread < 0:
            message = f"objects in this text are nested too deeply or broken too often to be read; {_EXPECTED}"
            yield offset + start, len(text), _UnreadableError("not_json", message)
            return
        read: _JsonObject | _UnreadableError | None
        try:
            value, end = _DECODER.raw_decode(rest, start)
        except RecursionError:
            yield (
                offset + start,
                len(text),
                _UnreadableError("not_json", f"the object is nested too deeply; {_EXPECTED}"),
            )
            return
        except ValueError as error:
            fault = cast(json.JSONDecodeError, error)
            end = len(rest) if fault.msg.startswith("Unterminated") else fault.pos
            position, read = _after_broken_object(rest, start, fault, offset)
        else:
            position, read = _after_object(rest, start, value, end)
        unread -= end - start
        if read is not None:
            yield offset + start, offset + position, read


def _after_object(
    text: str, start: int, value: _JsonObject, end: int
) -> tuple[int, _JsonObject | _UnreadableError | None]:
    """Return the position at which to continue after a valid object, and the object's content.

    If the text after the object shows that only a part of the object was read, an error takes the place of the content.
    If the object is a container of pairs, the position is inside the container, and the content is ``None``.
    """
    if not any(key in value for key in _KEYS) and _contains_pair(value):
        return _first_object_inside(text, start), None
    following = _OBJECT_START.search(text, end)
    stop = following.start() if following else len(text)
    structure = cast(re.Match[str], _STRUCTURE.match(text, end, stop))
    rest = text[structure.end() : stop]
    # If the quotes in an answer such as `the sign "}" ends it` are not escaped, the text up to the brace is valid JSON.
    # But this JSON contains only the start of the answer; the rest of the answer follows the brace. A quote after the
    # brace may also begin the next key of the enclosing object.
    string_goes_on = not _ANY_KEY.match(rest) if rest.startswith('"') else _END_OF_OBJECT.search(rest)
    if string_goes_on or rest.count('"') % 2:
        message = f"text continues after the closing brace ({rest[:30]!r}); {_EXPECTED}"
        return stop, _UnreadableError("ambiguous", message)
    return end, value


def _contains_pair(value: _JsonObject) -> bool:
    # This is a loop, because recursion into a deeply nested value could exceed Python's limit.
    unvisited: list[object] = [value]
    while unvisited:
        item = unvisited.pop()
        if isinstance(item, dict):
            if any(key in item for key in _KEYS):
                return True
            unvisited.extend(item.values())
        elif isinstance(item, list):
            unvisited.extend(item)
    return False


def _first_object_inside(text: str, start: int) -> int:
    position = start + 1
    while container := _CONTAINER_START.match(text, start):
        position = start = container.end()
    return position


def _after_broken_object(
    text: str, start: int, error: json.JSONDecodeError, offset: int
) -> tuple[int, _UnreadableError | None]:
    """Return the position at which to continue after a broken object, and the object's error.

    If the object is a container of pairs, the position is inside the container, and the error is ``None``.

    :param offset: number of characters of the output before ``text``.
    """
    container = _CONTAINER_START.match(text, start)
    if container and not _KEY.search(container.group()):
        return container.end(), None
    end = _end_of_broken_object(text, start, error)
    if end == len(text) and (error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")):
        return end, _UnreadableError("truncated", f"the text ends inside an object ({error.msg}); {_EXPECTED}")
    message = f"the object is not JSON ({error.msg} at character {offset + error.pos}); {_EXPECTED}"
    return end, _UnreadableError("not_json", message)


def _end_of_broken_object(text: str, start: int, error: json.JSONDecodeError) -> int:
    """Return where the next object certainly begins, or the end of the text.

    A brace may be inside a string of the broken object. It certainly begins another object if the broken object's text
    before the brace contains each of the three keys once and an even number of quotes.
    """
    end = error.pos
    if end <= start or not _OBJECT_START.match(text, end):
        boundary = _BETWEEN_OBJECTS.search(text, start)
        if not boundary or not _OBJECT_START.match(text, boundary.end()):
            return len(text)
        end = boundary.end()
    keys = sorted(key.lower() for key in _LOOSELY_QUOTED_KEY.findall(text, start, end))
    quotes = _QUOTE_OR_ESCAPE.findall(text, start, end).count('"')
    return end if keys == sorted(_KEYS) and quotes % 2 == 0 else len(text)


def _to_pair(read: _JsonObject) -> WrittenPair:
    """Check an object and return it as a pair, without its other keys.

    :raises _UnreadableError: a key is missing or repeated, or a value is not usable text.
    """
    if read.repeated_key is not None:
        raise _UnreadableError("duplicate_key", f"the key {read.repeated_key!r} occurs more than once; {_EXPECTED}")
    return {"question": _text(read, "question"), "answer": _text(read, "answer"), "topic": _text(read, "topic")}


def _text(read: _JsonObject, key: str) -> str:
    if key not in read:
        raise _UnreadableError("missing_key", f"no key {key}; found {', '.join(map(repr, read))}; {_EXPECTED}")
    value = read[key]
    if not isinstance(value, str):
        raise _UnreadableError("wrong_type", f"{key} is not a string; {_EXPECTED}")
    if is_blank(value):
        raise _UnreadableError("empty_value", f"{key} is empty; {_EXPECTED}")
    if character := unsupported_character(value):
        raise _UnreadableError("control_character", f"{key} contains {character}, which training files cannot contain")
    return value
