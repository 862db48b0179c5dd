"""
Make a JSON value that follows a JSON schema, from the words of a prompt.

A property gets the value that the prompt states next to its name, if there is one. Otherwise, strings are taken from
the prompt in order, and numbers from the numbers in it. Of the values of an enum, the one that is most like the prompt
is taken. The same prompt and schema always give the same value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tools.aws_simulator.models.prompt_values import named_number, named_text
from tools.aws_simulator.models.text import content_terms, words

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_WORDS_PER_STRING = 6
_DEPTH = 12
_SAMPLES = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "email": "simulated@example.com",
    "uri": "https://example.com/simulated",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
}


def value_for(schema: Mapping[str, Any], prompt: str) -> Any:
    """Return a value that follows ``schema``. Patterns and ``not`` are ignored."""
    return _Maker(schema, prompt).make(schema, "", 0)


class _Maker:
    """Makes the values of one prompt. Each string and number is taken from another place in the prompt."""

    def __init__(self, root: Mapping[str, Any], prompt: str) -> None:
        self._root = root
        self._prompt = prompt
        self._words = prompt.split()
        self._terms = content_terms(words(prompt))
        self._numbers = [float(number) for number in _NUMBER.findall(prompt)]
        self._position = 0

    def make(self, schema: Any, name: str, depth: int) -> Any:
        if not isinstance(schema, Mapping) or depth > _DEPTH:
            return None
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return max(schema["enum"], key=self._likeness)
        for key in ("anyOf", "oneOf"):
            if options := schema.get(key):
                return self.make(next((o for o in options if o.get("type") != "null"), options[0]), name, depth + 1)
        return self._of_type(schema, _type_of(schema), name, depth)

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Replace a ``$ref`` inside the schema by what it refers to, and join the parts of ``allOf``."""
        target: Any = self._root
        for step in str(schema.get("$ref", "")).removeprefix("#").strip("/").split("/"):
            target = target.get(step, {}) if step and isinstance(target, Mapping) else target
        merged: dict[str, Any] = {**(target if "$ref" in schema and isinstance(target, Mapping) else {}), **schema}
        for part in schema.get("allOf", ()):
            inner = self._resolved(part)
            properties = {**merged.get("properties", {}), **inner.get("properties", {})}
            required = [*merged.get("required", ()), *inner.get("required", ())]
            merged = {**merged, **inner, "properties": properties, "required": required}
        return merged

    def _of_type(self, schema: Mapping[str, Any], kind: str, name: str, depth: int) -> Any:
        if kind == "object":
            properties = schema.get("properties", {})
            # Optional properties stop at some depth, so that a schema that contains itself has an end.
            required = schema.get("required", ())
            names = dict.fromkeys([*properties, *required]) if depth < _DEPTH // 2 else required
            return {key: self.make(properties.get(key, {"type": "string"}), key, depth + 1) for key in names}
        if kind == "array":
            parts = schema.get("prefixItems")
            if parts:
                return [self.make(part, name, depth + 1) for part in parts]
            count = max(1, schema.get("minItems", 1)) if depth < _DEPTH // 2 else schema.get("minItems", 0)
            count = min(count, schema.get("maxItems", count))
            return [self.make(schema.get("items", {"type": "string"}), name, depth + 1) for _ in range(count)]
        if kind in ("integer", "number"):
            return self._number(schema, kind, name)
        if kind == "boolean":
            return bool(self._terms & content_terms(words(name.replace("_", " "))))
        return None if kind == "null" else self._string(schema, name)

    def _string(self, schema: Mapping[str, Any], name: str) -> str:
        if sample := _SAMPLES.get(schema.get("format", "")):
            return sample
        text = named_text(name, self._prompt) or self._next_words() or "simulated"
        text = text[: schema.get("maxLength", len(text))]
        return text.ljust(schema.get("minLength", 0), ".")

    def _next_words(self) -> str:
        """Return the next words of the prompt that no other value has."""
        taken = self._words[self._position : self._position + _WORDS_PER_STRING] or self._words[:_WORDS_PER_STRING]
        self._position += _WORDS_PER_STRING
        return " ".join(taken)

    def _number(self, schema: Mapping[str, Any], kind: str, name: str) -> float | int:
        low = schema.get("minimum", schema.get("exclusiveMinimum"))
        high = schema.get("maximum", schema.get("exclusiveMaximum"))
        value = named_number(name, self._prompt)
        if value is None:
            value = self._numbers.pop(0) if self._numbers else (low if low is not None else 1.0)
        if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
            value = schema["exclusiveMinimum"] + 1
        value = value if low is None else max(value, low)
        value = value if high is None else min(value, high)
        step = schema.get("multipleOf")
        value = round(value / step) * step if step else value
        return int(value) if kind == "integer" else float(value)

    def _likeness(self, option: Any) -> int:
        return len(self._terms & content_terms(words(str(option).replace("_", " "))))


def _type_of(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        return str(next((each for each in kind if each != "null"), "null"))
    if kind:
        return str(kind)
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "string"
