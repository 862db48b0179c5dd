r"""
What models return, read without guessing: a record is taken as it stands, or rejected with its raw text kept.

Records are found wherever they stand: on lines of their own, in an array, in an object that holds a list, in
a fenced block, between prose. One that is no JSON is rejected up to the next place where a record certainly
begins; where none is certain (the text might still be inside a string), the rest of the text goes with it.
The only mend is for quotes inside a string that lack their backslash, and only when each of the three keys
stands there once and nothing in the strings looks like the end of one.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, cast

from include.distill.text.normalization import is_blank, unsupported_character

if TYPE_CHECKING:
    from collections.abc import Iterator

ParsedPair = dict[str, str]
RejectedText = dict[str, str]

_KEYS = ("question", "answer", "topic")
# Quantifiers are possessive so that reading takes time in proportion to the text, whatever a model writes.
_KEY = re.compile(r'"(question|answer|topic)"\s*+:')
_LOOSE_KEY = re.compile(r"""['"“”‘’]?\b(question|answer|topic)['"“”‘’]?\s*+:""", re.IGNORECASE)
_KEY_OF_ANY_NAME = re.compile(r'"(?:[^"\\]|\\.)*+"\s*+:', re.DOTALL)
# An object with a first key, in whatever quotes; or one that was cut before its first key ended.
_OBJECT = re.compile(
    r"""
    \{\s*+ (?: "(?:[^"\\]|\\.)*+ (?: "\s*+(?: : | \Z ) | \Z )
            | ['“”‘’]?(?:question|answer|topic)['“”‘’]?\s*+:
            | \Z )
    """,
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_WRAPPER = re.compile(r'\{[^{}\[\]]*:\s*+(?:\[\s*+)?+(?=\{\s*+")')
_NEXT_RECORD = re.compile(r'\}[^"{}]*+(?=\{\s*+")')
_STRUCTURE = re.compile(r"[\s,\]}`]*+")
_CLOSING = re.compile(r'"\s*+(?:,\s*+)?\}')
_FIELD = re.compile(r'[{,]\s*+"(question|answer|topic)"\s*+:\s*+"')
_LOOKS_LIKE_AN_END = re.compile(r'"\s*+(?:,\s*+"|:|\})')
_CHARACTER = re.compile(r'\\.|"', re.DOTALL)
_VERDICT_KEY = re.compile(r'"verdict"\s*+:')
_EXPECTED = "expected one object with the strings question, answer and topic"


@dataclass(frozen=True)
class ParsedOutput:
    """Pairs of an answer; what was rejected, with reason and raw text; pairs beyond the number asked for."""

    pairs: list[ParsedPair] = field(default_factory=list)
    rejected: list[RejectedText] = field(default_factory=list)
    surplus: list[ParsedPair] = field(default_factory=list)


class _Object(dict[str, Any]):
    """A JSON object that remembers whether a key stood in it twice."""

    repeated: str | None = None

    @classmethod
    def from_items(cls, items: list[tuple[str, Any]]) -> _Object:
        read = cls(items)
        if len(read) < len(items):
            read.repeated = Counter(name for name, _ in items).most_common(1)[0][0]
        return read


# strict=False takes line breaks inside strings as they are. As floats, numbers have no limit of digits.
_DECODER = json.JSONDecoder(strict=False, object_pairs_hook=_Object.from_items, parse_int=float)


class _Unreadable(ValueError):
    """A stretch of text is no record."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def parse_llm_output(text: str, *, limit: int | None = None) -> ParsedOutput:
    """
    Return the question-answer pairs of a teacher's answer; never raises.

    :param limit: pairs asked for; those beyond it are ``surplus``.
    """
    output = ParsedOutput()
    for start, end, record in _records(text):
        try:
            if isinstance(record, _Unreadable):
                raise record
            pair = _pair(record)
        except _Unreadable as fault:
            output.rejected.append(_rejection(fault.reason, f"At character {start}: {fault}.", text[start:end]))
            continue
        (output.surplus if limit is not None and len(output.pairs) >= limit else output.pairs).append(pair)
    if not (output.pairs or output.rejected or output.surplus):
        output.rejected.append(_rejection("no_record", f"No record in the answer; {_EXPECTED}.", text))
    return output


def _rejection(reason: str, message: str, text: str) -> RejectedText:
    return {"reason": reason, "message": message, "text": text}


def _records(text: str) -> Iterator[tuple[int, int, _Object | _Unreadable]]:
    """Yield where each record starts and ends, and the record or what is wrong with it."""
    position = 0
    while match := _OBJECT.search(text, position):
        start = match.start()
        try:
            value, end = _DECODER.raw_decode(text, start)
        except RecursionError:
            yield start, len(text), _Unreadable("not_json", f"nested too deeply; {_EXPECTED}")
            return
        except ValueError as error:
            position, record = _broken(text, start, cast("json.JSONDecodeError", error))
        else:
            position, record = _whole(text, start, value, end)
        if record is not None:
            yield start, position, record


def _whole(text: str, start: int, value: _Object, end: int) -> tuple[int, _Object | _Unreadable | None]:
    """Return where to read on after a JSON object, and the record; none when it only holds records."""
    if not any(key in value for key in _KEYS) and _holds_record(value):
        return _wrapper_end(text, start), None
    if fault := _runs_on(text, end):
        return fault
    return end, value


def _wrapper_end(text: str, start: int) -> int:
    """Return where the first object inside of the container at ``start`` may begin."""
    position = start + 1
    while wrapper := _WRAPPER.match(text, start):
        position = start = wrapper.end()
    return position


def _holds_record(value: _Object) -> bool:
    waiting: list[Any] = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if any(key in item for key in _KEYS):
                return True
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
    return False


def _runs_on(text: str, end: int) -> tuple[int, _Unreadable] | None:
    """Tell whether what follows a record is the rest of one of its strings: then its end was none.

    An answer such as ``the sign "}" ends it``, with its quotes not escaped, reads as a shorter answer.
    """
    following = _OBJECT.search(text, end)
    stop = following.start() if following else len(text)
    structure = cast("re.Match[str]", _STRUCTURE.match(text, end, stop))
    rest = text[structure.end() : stop]
    # A quote begins another key of the object that holds the records, or is the end of a string that goes on.
    goes_on = not _KEY_OF_ANY_NAME.match(rest) if rest.startswith('"') else _CLOSING.search(rest)
    if not goes_on and rest.count('"') % 2 == 0:
        return None
    return stop, _Unreadable("ambiguous", f"text goes on after the closing brace ({rest[:30]!r}); {_EXPECTED}")


def _broken(text: str, start: int, error: json.JSONDecodeError) -> tuple[int, _Object | _Unreadable | None]:
    """Return where to read on after an object that is no JSON, and what it is."""
    wrapper = _WRAPPER.match(text, start)
    if wrapper and not _KEY.search(wrapper.group()):
        return wrapper.end(), None
    end = _end_of_broken(text, start, error)
    if mended := _with_quotes_escaped(text[start:end]):
        record, length = mended
        return _runs_on(text, start + length) or (start + length, record)
    if end == len(text) and (error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")):
        return end, _Unreadable("truncated", f"the text ends inside a record ({error.msg}); {_EXPECTED}")
    fault = f"{error.msg} at character {error.pos}"
    return end, _Unreadable("not_json", f"no JSON ({fault}); {_EXPECTED}")


def _end_of_broken(text: str, start: int, error: json.JSONDecodeError) -> int:
    """Return where the next record certainly begins, else the end of the text.

    A brace may still stand inside a string of the broken record. It does not when that record has all its keys and
    as many opening as closing quotes.
    """
    boundary = _NEXT_RECORD.search(text, start)
    candidates = [error.pos, boundary.end() if boundary else start]
    end = next((place for place in candidates if place > start and _OBJECT.match(text, place)), None)
    if end is None:
        return len(text)
    keys = sorted(key.lower() for key in _LOOSE_KEY.findall(text, start, end))
    quotes = _CHARACTER.findall(text, start, end).count('"')
    return end if keys == sorted(_KEYS) and quotes % 2 == 0 else len(text)


def _with_quotes_escaped(raw: str) -> tuple[_Object, int] | None:
    """Return the record that ``raw`` is when the quotes inside its strings are escaped, and its length.

    ``None`` unless there is one way only to read it.
    """
    starts = list(_FIELD.finditer(raw))
    if sorted(start.group(1) for start in starts) != sorted(_KEYS) or starts[0].start():
        return None
    closing = _CLOSING.search(raw, starts[-1].end())
    if not closing:
        return None
    ends = [following.start() for _, following in pairwise(starts)] + [closing.start() + 1]
    record = _Object()
    for begin, end in zip(starts, ends, strict=True):
        value = _string(raw[begin.end() : end].rstrip())
        if value is None:
            return None
        record[begin.group(1)] = value
    return record, closing.end()


def _string(raw: str) -> str | None:
    """Return the text of a JSON string without its opening quote whose inner quotes may lack a backslash."""
    body = raw[:-1]
    quotes = _CHARACTER.findall(raw)
    closed = raw.endswith('"') and quotes[-1] == '"'
    if not closed or quotes.count('"') % 2 == 0 or _LOOKS_LIKE_AN_END.search(body):
        return None
    escaped = _CHARACTER.sub(lambda found: '\\"' if found.group() == '"' else found.group(), body)
    try:
        return cast("str", json.loads(f'"{escaped}"', strict=False))
    except ValueError:
        return None


def _pair(record: _Object) -> ParsedPair:
    """Return the pair that ``record`` is.

    :raises _Unreadable: a key is missing or twice there, or a value is no text.
    """
    if record.repeated is not None:
        raise _Unreadable("duplicate_key", f"the key {record.repeated!r} stands twice; {_EXPECTED}")
    for key in _KEYS:
        if key not in record:
            raise _Unreadable("missing_key", f"no {key} among {', '.join(map(repr, record))}; {_EXPECTED}")
        value = record[key]
        if not isinstance(value, str):
            raise _Unreadable("wrong_type", f"{key} is no string; {_EXPECTED}")
        if is_blank(value):
            raise _Unreadable("empty_value", f"{key} is empty; {_EXPECTED}")
        if character := unsupported_character(value):
            raise _Unreadable("control_character", f"{key} holds {character}, which no training file can carry")
    return {key: record[key] for key in _KEYS}


def parse_verdict(text: str) -> Literal["A", "B", "TIE"] | None:
    """Return a judge's verdict; ``None`` for no verdict, two, an unknown one, or broken JSON."""
    verdict = _one_verdict(text)
    return next((letter for letter in ("A", "B", "TIE") if verdict == letter), None)


def parse_grounding(text: str) -> Literal["grounded", "ungrounded"] | None:
    """Return a critic's verdict; ``None`` as for :func:`parse_verdict`."""
    verdict = _one_verdict(text)
    return next((label for label in ("grounded", "ungrounded") if verdict == label.upper()), None)


def _one_verdict(text: str) -> str | None:
    """Return the one verdict that a text holds, in capitals; ``None`` when there is none, or not one only."""
    verdicts: list[object] = []
    position = 0
    while match := _OBJECT.search(text, position):
        try:
            value, position = _DECODER.raw_decode(text, match.start())
        except RecursionError:
            return None
        except ValueError:
            position = match.start() + 1
            continue
        if "verdict" in value:
            verdicts.append(value["verdict"])
    # A verdict outside of every readable object contradicts the others, or was cut.
    if not verdicts or len(_VERDICT_KEY.findall(text)) != len(verdicts):
        return None
    named = {verdict.upper() if isinstance(verdict, str) else None for verdict in verdicts}
    return named.pop() if len(named) == 1 else None
