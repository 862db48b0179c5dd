r"""
Parse the verdict in a judge's or a critic's output. A verdict is read only where its meaning is certain.

The prompts ask for one JSON object with the keys reason and verdict. Small faults that leave the verdict certain are
accepted: a code fence, a comma before the closing brace, unescaped quotes or invalid escapes in the reason, and white
space, Markdown or the word "answer" around the verdict's letter. In all other cases, there is no verdict, and the
caller asks again. Three examples of such cases:

- Other text is on the same lines as the object. A judge that only quotes ``{"verdict": "B"}`` in a sentence, for
  example because an answer contains these words, has not chosen B.
- The text around the object shows that it is a quotation (:mod:`include.distill.inference.verdict_quotations`).
- The output names more than one verdict, and the verdicts differ or cannot all be read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from include.distill.inference.verdict_quotations import is_quotation
from include.distill.text.normalization import normalize

_QUOTE = "[\"'“”]"
_MAX_VERDICTS, _MAX_OBJECTS = 8, 100  # an output with more verdicts or objects is not a reply to the prompt
_FENCE = re.compile(r"`{3,}+[ \t]*+(?:json[a-z]*\b)?", re.IGNORECASE)
# A long run of white space is shortened first. Otherwise, the search for objects would read the rest of the run again
# from each of its lines.
_WHITE_SPACE = re.compile(r"\s{2,}+")
_COMMA_AT_END = re.compile(r",(?:\s*+,)?(?=\s*+[}\]])")
_LINE_END = re.compile("[\x0b\x0c\x85\u2028\u2029]")
_SPACE = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_INVISIBLE = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_ESCAPE = re.compile(r'\\(u[0-9a-fA-F]{4}|["\\/bfnrt])?')
_VERDICT_KEY = re.compile(rf"{_QUOTE}verdict{_QUOTE}\s*+:", re.IGNORECASE)
_QUOTED_VERDICT = re.compile(rf"\\?{_QUOTE}verdict\\?{_QUOTE}\s*+:", re.IGNORECASE)
# The object begins its line. Only a label such as "Verdict:" or "Here is the JSON:" may be before it.
_START = re.compile(
    r"""
    ^[ \t`]*+
    (?: \**+ (?:here\ is\ |here's\ )? (?:my\ |the\ )? (?:final\ )?
        (?:verdict|judge?ment|decision|json|json\ object|output) \**+ :\**+ \s*+ )?
    \[?\s*+ (?P<object>\{) (?=\s*+["'“”}])
    """,
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_END = re.compile(r"[ \t`\]]*+(?:\r?\n|\Z)")
_BEGINS_WITH_REASON = re.compile(rf"\{{\s*+{_QUOTE}reason{_QUOTE}\s*+:\s*+{_QUOTE}", re.IGNORECASE)
_LAST_KEY = re.compile(
    rf"{_QUOTE}\s*+,\s*+{_QUOTE}verdict{_QUOTE}\s*+:\s*+{_QUOTE}(?P<verdict>[^\"'“”{{}}\n]*+){_QUOTE}\s*+\}}",
    re.IGNORECASE,
)
_DECORATION = " \t\r\n*_`\"'“”.()"
_ANSWER_PREFIX = re.compile(r"(?:answer|option|response)[ _-]?(?=[ab]\Z)")


@dataclass(frozen=True)
class _VerdictObject:
    """An object with a verdict: its position in the output, and whether it has the reason that the prompts require."""

    start: int
    end: int
    verdict: object
    has_reason: bool


class _Pairs(list[tuple[str, object]]):
    """The keys and values of a JSON object, including those of repeated keys."""


# strict=False accepts line breaks inside strings. parse_int is float, because int() rejects numbers with thousands of
# digits.
_DECODER = json.JSONDecoder(strict=False, object_pairs_hook=_Pairs, parse_int=float)


def parse_verdict(text: str) -> Literal["A", "B", "TIE"] | None:
    """Read a judge's verdict. Return ``None`` if the verdict is missing, unknown, contradictory or uncertain."""
    verdict = _only_verdict(text)
    letter = _ANSWER_PREFIX.sub("", verdict) if verdict else None
    return next((known for known in ("A", "B", "TIE") if letter == known.lower()), None)


def parse_grounding(text: str) -> Literal["grounded", "ungrounded"] | None:
    """Read a critic's verdict. Return ``None`` in the same cases as :func:`parse_verdict`."""
    verdict = _only_verdict(text)
    return next((label for label in ("grounded", "ungrounded") if verdict == label), None)


def _only_verdict(text: str) -> str | None:
    """
    Return the verdict that all objects in ``text`` agree on, in lower case.

    :return: ``None`` if there is no such verdict, if all objects may be quotations, or if ``text`` may also contain
        another verdict.
    """
    text = _SPACE.sub(" ", _LINE_END.sub("\n", _INVISIBLE.sub("", text)))
    keys = len(_VERDICT_KEY.findall(text))
    if not 1 <= keys <= _MAX_VERDICTS:
        return None
    spaced = _WHITE_SPACE.sub(lambda run: "\n" if "\n" in run.group() else " ", _FENCE.sub("", text))
    cleaned = _ESCAPE.sub(_double_if_invalid, _COMMA_AT_END.sub("", spaced))
    try:
        objects = list(_verdict_objects(cleaned))
    except RecursionError:  # an object is nested too deeply
        return None
    # If the text has more ``verdict`` keys than the verdicts read above, a verdict is outside the readable objects. It
    # may contradict the others, be quoted from an answer, or be truncated.
    if len(objects) != keys or not any(_is_reply(found, cleaned) for found in objects):
        return None
    distinct = {_plain(found.verdict) for found in objects}
    return distinct.pop() if len(distinct) == 1 else None


def _double_if_invalid(escape: re.Match[str]) -> str:
    return escape.group() if escape.group(1) else "\\\\"


def _plain(verdict: object) -> str | None:
    return normalize(verdict.strip(_DECORATION)) if isinstance(verdict, str) else None


def _is_reply(found: _VerdictObject, text: str) -> bool:
    before, after = text[: found.start], text[found.end :]
    # Between other paragraphs, an object without a reason may be a quotation.
    if not found.has_reason and before.strip() and after.strip():
        return False
    return not is_quotation(before, after)


def _verdict_objects(text: str) -> Iterator[_VerdictObject]:
    """Yield every object in ``text`` that contains one verdict and shares its lines with no other text."""
    starts = [match.start("object") for match in _START.finditer(text)]
    if len(starts) > _MAX_OBJECTS:
        return
    keys = [match.start() for match in _VERDICT_KEY.finditer(text)]
    position = 0
    for start, following in zip(starts, [*starts[1:], len(text)], strict=False):
        if start < position:
            continue
        first_key = next((key for key in keys if key > start), None)
        found = _read_object(text, start) if first_key is not None else None
        if found is None and first_key is not None and first_key < following:
            found = _read_broken_object(text, start, first_key)
        if found is not None:
            yield found
            position = found.end


def _read_object(text: str, start: int) -> _VerdictObject | None:
    try:
        pairs, end = _DECODER.raw_decode(text, start)
    except ValueError:
        return None
    verdicts = [value for name, value in pairs if name.lower() == "verdict"]
    if len(verdicts) != 1 or not _END.match(text, end):
        return None
    return _VerdictObject(start, end, verdicts[0], any(name.lower() == "reason" for name, _ in pairs))


def _read_broken_object(text: str, start: int, key: int) -> _VerdictObject | None:
    """
    Read an object that is invalid JSON because of its ``reason``, for example because of quotes without escapes.

    The object's last key must be the verdict, and the object must contain no other verdict.
    """
    if not _BEGINS_WITH_REASON.match(text, start):
        return None
    # The match begins at the end of the reason, a few characters before the key.
    end_of_reason = len(text[:key].rstrip().removesuffix(",").rstrip()) - 1
    match = _LAST_KEY.match(text, end_of_reason)
    if not match or not _END.match(text, match.end()):
        return None
    if len(_QUOTED_VERDICT.findall(text, start, match.end())) != 1:
        return None
    return _VerdictObject(start, match.end(), match["verdict"], has_reason=True)
