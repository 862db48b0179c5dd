"""
Find the value of a property in a prompt by the property's name.

A value is found if the name occurs near it ("the city is Paris", "3 days"), or if the name says what the value looks
like (a place, a date, an address, a calculation, or the whole message). Names are those of a JSON schema, such as
``cityName``. Only the beginning of a long prompt is searched.
"""

from __future__ import annotations

import re

_NUMBER = r"(?<![\w.])(-?\d+(?:\.\d+)?)"
_MOST_WORDS = 5
_LONGEST_MESSAGE = 500
_LONGEST_PROMPT = 20_000
_PROPER = r"[A-Z][\w'’-]*(?:,?\s+[A-Z][\w'’-]*)*"
_PLACE = re.compile(rf"\b(?:in|at|to|from|for|near|of)\s+({_PROPER})")
_QUOTED = re.compile(r"[\"“‘`]([^\"”’`\n]{1,200})[\"”’`]")
_CALCULATION = re.compile(r"(?<![\d().])[\d(][\d\s().]{0,50}(?:[-+*/^%]\s{0,5}[\d(][\d\s().]{0,50})+")
# Patterns of values. The key is a word in the property's name.
_SHAPES = {
    "city": _PLACE,
    "location": _PLACE,
    "place": _PLACE,
    "country": _PLACE,
    "region": _PLACE,
    "destination": re.compile(rf"\bto\s+({_PROPER})"),
    "origin": re.compile(rf"\bfrom\s+({_PROPER})"),
    "date": re.compile(r"\b(\d{4}-\d{2}-\d{2})\b"),
    "email": re.compile(r"\b([\w.+-]+@[\w-]+(?:\.[\w-]+)+)"),
    "url": re.compile(r"\b(https?://[^\s\"'<>)]+)"),
    "expression": _CALCULATION,
    "calculation": _CALCULATION,
}
_MESSAGES = frozenset({"query", "question", "prompt", "message", "input", "search", "request"})


def named_text(name: str, prompt: str) -> str | None:
    """Return the text that belongs to a property; None if the prompt does not show it."""
    parts, prompt = _parts(name), prompt[:_LONGEST_PROMPT]
    for part in parts:
        if (shape := _SHAPES.get(part)) and (match := shape.search(prompt)):
            return match[match.lastindex or 0].strip()
    if value := _beside(parts, prompt):
        return value
    if _MESSAGES & set(parts):
        return prompt.strip()[:_LONGEST_MESSAGE] or None
    quoted = _QUOTED.search(prompt)
    return quoted[1] if quoted else None


def named_number(name: str, prompt: str) -> float | None:
    """Return the number that is next to the name of a property; None if there is none."""
    beginning = prompt[:_LONGEST_PROMPT]
    for part in _parts(name):
        stem = re.escape(part.removesuffix("s"))
        match = re.search(rf"{_NUMBER}\s+{stem}", beginning, re.IGNORECASE) or re.search(
            rf"\b{stem}\w*[^\w-]+(?:[^\W\d]\w*[^\w-]+){{0,3}}?{_NUMBER}", beginning, re.IGNORECASE
        )
        if match:
            return float(match[1])
    return None


def _parts(name: str) -> list[str]:
    """Return the words of a name: ``cityName`` and ``city_name`` have the words city and name."""
    return [part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name)]


def _beside(parts: list[str], prompt: str) -> str | None:
    """Return the words that follow a property's name and a word such as "is", as in "the city is Paris"."""
    if not parts:
        return None
    phrase = r"[\s_-]*".join(map(re.escape, parts))
    match = re.search(
        rf"\b{phrase}\b\s*(?:is|are|=|:|named|called|should be)\s*[\"“'`]?([^\"”'`,;:!?\n]+)", prompt, re.IGNORECASE
    )
    words = match[1].split(". ")[0].rstrip(".").split()[:_MOST_WORDS] if match else []
    return " ".join(words) or None
