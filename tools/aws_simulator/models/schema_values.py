"""
Make a JSON value that follows a JSON schema, from the words of a prompt.

A property gets the value that the prompt states next to its name, if there is one. Otherwise, a string is the next
few words of the prompt, and a number is the prompt's next number. For an enum, the value that is most similar
to the prompt is taken. The same prompt and schema always give the same value.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema

from tools.aws_simulator.models.bounded_patterns import BoundedPatterns, CostlyPatternError, without_dialects
from tools.aws_simulator.models.number_values import number_for
from tools.aws_simulator.models.pattern_values import Budget, texts_for
from tools.aws_simulator.models.prompt_values import named_number, named_text
from tools.aws_simulator.models.text import content_terms, words

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_WORDS_PER_STRING = 6
_DEPTH = 12
_MOST_PARTS = 20_000
_LONGEST_STRING = 100_000
_CHARACTERS_PER_PART = 100
_COMPARISONS_PER_PART = 4
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minContains", "minProperties")
_SAMPLES = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "simulated@example.com",
    "hostname": "simulated.example.com",
    "uri": "https://example.com/simulated",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "regex": "simulated",
}
# If a schema with anyOf or oneOf has no other keywords than these, its options alone limit the value.
_ANNOTATIONS = {"title", "description", "default", "examples", "anyOf", "oneOf", "$defs", "definitions"}


class UnfillableSchemaError(Exception):
    """No value could be made that follows the schema. The text says which part of the schema is at fault."""


def value_for(schema: Mapping[str, Any], prompt: str) -> Any:
    """Return a value that follows ``schema``, which must be a valid JSON schema.

    :raises UnfillableSchemaError: no such value was found.
    """
    for reference in _references(schema):
        if not _resolves(schema, reference):
            raise UnfillableSchemaError(f"the reference {reference!r} does not refer to a part of the schema")
    schema = without_dialects(schema)
    maker = _Maker(schema, prompt)
    try:
        value = maker.make(schema, "", 0)
        error = jsonschema.exceptions.best_match(maker.validator.iter_errors(value))
    except (re.error, RecursionError) as failure:
        raise UnfillableSchemaError(f"{type(failure).__name__}: {failure}") from failure
    except CostlyPatternError as failure:
        raise UnfillableSchemaError(str(failure)) from failure
    if error is not None:
        where = "/".join(map(str, error.absolute_schema_path))
        raise UnfillableSchemaError(f"no value was found that follows {where[:200]!r}")
    return value


def _references(part: Any) -> Iterator[str]:
    """Yield the references in a schema."""
    for name, member in part.items() if isinstance(part, Mapping) else ():
        if name in ("$ref", "$dynamicRef") and isinstance(member, str):
            yield member if name == "$ref" else f"dynamic {member}"
        if name not in ("const", "enum", "default", "examples"):
            yield from _references(member)
    for member in part if isinstance(part, list) else ():
        yield from _references(member)


def _resolves(root: Mapping[str, Any], reference: str) -> bool:
    return reference == "#" or (reference.startswith("#/") and _target(root, reference) is not None)


def _target(root: Any, reference: str) -> Any:
    """Return the part of a schema that a reference such as ``#/$defs/node`` refers to; None if there is none."""
    for step in reference.removeprefix("#").strip("/").split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(root, list):
            root = root[int(name)] if name.isdecimal() and int(name) < len(root) else None
        elif name:
            root = root.get(name) if isinstance(root, Mapping) else None
    return root


class _Maker:
    """Makes the values for one prompt. Each string and number is taken from a different place in the prompt."""

    def __init__(self, root: Mapping[str, Any], prompt: str) -> None:
        self._root = root
        self._prompt = prompt
        self._words = prompt.split()
        self._terms = content_terms(words(prompt))
        self._numbers = [float(number) for number in _NUMBER.findall(prompt)]
        self._position = 0
        self._parts = 0
        self._budget = Budget()
        self._patterns = BoundedPatterns()
        self.validator = self._patterns.validator(root)

    def _fits(self, schema: Any, value: Any) -> bool:
        """Return whether a value follows a schema; False if a check could take too long."""
        try:
            return bool(self.validator.evolve(schema=schema).is_valid(value))
        except CostlyPatternError:
            return False

    def _count(self, parts: int = 1) -> None:
        self._parts += parts
        if self._parts > _MOST_PARTS:
            raise UnfillableSchemaError(f"the answer would need more than {_MOST_PARTS} parts")

    def make(self, schema: Any, name: str, depth: int) -> Any:
        self._count()
        if not isinstance(schema, Mapping) or depth > _DEPTH:
            return None
        schema = self._resolved(schema)
        value = self._first_value(schema, name, depth)
        if {"not", "if", "anyOf", "oneOf"} & set(schema) and not self._fits(schema, value):
            value = self._conditional(schema, value, name, depth)
        return value

    def _first_value(self, schema: Mapping[str, Any], name: str, depth: int) -> Any:
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            if not schema["enum"]:
                raise UnfillableSchemaError("an enum without values allows no value")
            return max(schema["enum"], key=self._likeness)
        for key in ("anyOf", "oneOf"):
            if options := schema.get(key):
                option = next((o for o in options if isinstance(o, Mapping) and o.get("type") != "null"), options[0])
                return self.make(self._with(schema, key, option), name, depth + 1)
        return self._of_type(schema, _type_of(schema), name, depth)

    def _with(self, schema: Mapping[str, Any], key: str, option: Any) -> Any:
        """Return ``schema`` with only one ``option`` of its list ``key``, which is ``anyOf`` or ``oneOf``."""
        common = {name: member for name, member in schema.items() if name != key}
        return {**common, "allOf": [option]} if set(common) - _ANNOTATIONS and isinstance(option, Mapping) else option

    def _conditional(self, schema: Mapping[str, Any], value: Any, name: str, depth: int) -> Any:
        """Return a value that fits a schema with ``not``, ``if``, ``anyOf`` or ``oneOf``; ``value`` if none fits."""
        candidates: list[Any] = [*schema.get("enum", ()), *_others(value)]
        for key in ("anyOf", "oneOf"):
            candidates += [
                self.make(self._with(schema, key, option), name, depth + 1) for option in schema.get(key, ())
            ]
        if "if" in schema:
            rest = {key: member for key, member in schema.items() if key not in ("if", "then", "else")}
            for branch in ([schema["if"], schema.get("then", {})], [schema.get("else", {})]):
                parts = [part for part in branch if isinstance(part, Mapping)]
                candidates.append(self.make({**rest, "allOf": parts}, name, depth + 1))
        return next((candidate for candidate in candidates if self._fits(schema, candidate)), value)

    def _resolved(self, schema: Mapping[str, Any], depth: int = 0) -> Mapping[str, Any]:
        """Replace a ``$ref`` inside the schema by what it refers to, and join the parts of ``allOf``."""
        merged: dict[str, Any] = dict(schema)
        for _ in range(_DEPTH):
            target = _target(self._root, merged.pop("$ref")) if "$ref" in merged else None
            if not isinstance(target, Mapping):
                break
            merged = {**target, **merged}
        parts = [part for part in merged.pop("allOf", ()) if isinstance(part, Mapping) and depth < _DEPTH]
        for part in parts:
            inner = self._resolved(part, depth + 1)
            properties = {**merged.get("properties", {}), **inner.get("properties", {})}
            for both in set(merged.get("properties", {})) & set(inner.get("properties", {})):
                properties[both] = {"allOf": [merged["properties"][both], inner["properties"][both]]}
            required = [*merged.get("required", ()), *inner.get("required", ())]
            merged = {**merged, **inner, "properties": properties, "required": required}
        # A schema may write a count as 2.0.
        return {key: int(part) if key in _COUNTS and isinstance(part, float) else part for key, part in merged.items()}

    def _of_type(self, schema: Mapping[str, Any], kind: str, name: str, depth: int) -> Any:
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, name, depth)
        if kind in ("integer", "number"):
            return number_for(schema, kind, named_number(name, self._prompt), self._numbers)
        if kind == "boolean":
            return bool(self._terms & content_terms(words(name.replace("_", " "))))
        return None if kind == "null" else self._string(schema, name)

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        self._count(schema.get("minProperties", 0))
        properties = schema.get("properties", {})
        # Below some depth, optional properties are left out. Otherwise, a value of a recursive schema would never end.
        required = schema.get("required", ())
        names = dict.fromkeys([*properties, *required]) if depth < _DEPTH // 2 else dict.fromkeys(required)
        for name in list(names):
            names |= dict.fromkeys(schema.get("dependentRequired", {}).get(name, ()))
        for name in self._more_names(schema):
            if len(names) >= schema.get("minProperties", 0):
                break
            names[name] = None
        names = dict.fromkeys(name for name in names if properties.get(name, True) is not False)
        return {name: self.make(self._property(schema, name), name, depth + 1) for name in names}

    def _more_names(self, schema: Mapping[str, Any]) -> Iterator[str]:
        """Yield names for more properties. They are used if ``minProperties`` requires more than the schema lists."""
        for pattern in schema.get("patternProperties", {}):
            yield from texts_for(pattern, 0, self._budget)
        rule = self._resolved(schema.get("propertyNames") or {})
        yield from rule.get("enum", ())
        if "pattern" in rule:
            yield from texts_for(rule["pattern"], rule.get("minLength", 0), self._budget)
        yield from (f"property{number}" for number in range(1, schema.get("minProperties", 0) + 1))

    def _property(self, schema: Mapping[str, Any], name: str) -> Any:
        """Return the schema of a property."""
        if name in schema.get("properties", {}):
            return schema["properties"][name]
        patterns = schema.get("patternProperties", {})
        matching = [patterns[pattern] for pattern in patterns if self._patterns.matches(pattern, name)]
        others = schema.get("additionalProperties")
        return matching[0] if matching else others if isinstance(others, Mapping) and others else {"type": "string"}

    def _array(self, schema: Mapping[str, Any], name: str, depth: int) -> list[Any]:
        values = [self.make(part, name, depth + 1) for part in schema.get("prefixItems", ())]
        item = schema.get("items", {"type": "string"})
        fewest = max(schema.get("minItems", 0), schema.get("minContains", 1) if "contains" in schema else 0)
        fewest = max(1, fewest) if depth < _DEPTH // 2 and not values else fewest
        count = min(fewest, schema.get("maxItems", fewest)) if item is not False else 0
        if "contains" in schema:
            item = {"allOf": [part for part in (item, schema["contains"]) if isinstance(part, Mapping)]}
        while len(values) < count:
            value = self.make(item, name, depth + 1)
            if schema.get("uniqueItems"):
                self._count(len(values) // _COMPARISONS_PER_PART)
            if schema.get("uniqueItems") and value in values:
                fitting = (other for other in self._variants(item, value) if other not in values)
                value = next((other for other in fitting if self._fits(item, other)), value)
            values.append(value)
        return values

    def _variants(self, schema: Any, value: Any) -> Iterator[Any]:
        """Yield other values that may fit the schema of a value."""
        resolved = self._resolved(schema) if isinstance(schema, Mapping) else {}
        yield from resolved.get("enum", ())
        step = resolved.get("multipleOf", 1)
        for number in range(1, 200):
            if isinstance(value, bool):
                yield not value
            elif isinstance(value, int | float):
                yield from (value + number * step, value - number * step, value + 1 / (number + 1))
            elif isinstance(value, str):
                yield from (f"{value} {number}", f"{number}{value[len(str(number)) :]}")
            for name, member in value.items() if isinstance(value, dict) else ():
                part = self._property(resolved, name)
                yield from ({**value, name: other} for other in _first(self._variants(part, member), number))
        yield from texts_for(resolved["pattern"], 0, self._budget) if "pattern" in resolved else ()
        yield from _others(value)

    def _string(self, schema: Mapping[str, Any], name: str) -> str:
        if schema.get("minLength", 0) > _LONGEST_STRING:
            raise UnfillableSchemaError(
                f"the simulator generates no strings with more than {_LONGEST_STRING} characters"
            )
        self._count(schema.get("minLength", 0) // _CHARACTERS_PER_PART)
        if sample := _SAMPLES.get(schema.get("format", "")):
            text = sample
        else:
            text = named_text(name, self._prompt) or self._next_words() or "simulated"
            text = text[: schema.get("maxLength", len(text))].ljust(schema.get("minLength", 0), ".")
        if "pattern" not in schema:
            return text
        words_alone = dict.fromkeys(word.strip(".,;:!?\"'()") for word in self._words[:200])
        made = texts_for(schema["pattern"], schema.get("minLength", 0), self._budget)
        candidates = itertools.chain([text], words_alone, made)
        return next((candidate for candidate in candidates if self._fits(schema, candidate)), text)

    def _next_words(self) -> str:
        """Return the next few words of the prompt; its first words if all words have been used."""
        taken = self._words[self._position : self._position + _WORDS_PER_STRING] or self._words[:_WORDS_PER_STRING]
        self._position += _WORDS_PER_STRING
        return " ".join(taken)

    def _likeness(self, option: Any) -> int:
        return len(self._terms & content_terms(words(str(option).replace("_", " "))))


def _first(values: Iterator[Any], number: int) -> Iterator[Any]:
    yield from (value for value, _ in zip(values, range(number), strict=False))


def _others(value: Any) -> list[Any]:
    """Return simple values of several types that differ from ``value``."""
    others: list[Any] = ["simulated", 1, 0, 0.5, True, False, None, [], {}]
    return [other for other in others if type(other) is not type(value) or other != value]


def _type_of(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        return str(next((each for each in kind if each != "null"), "null"))
    if kind:
        return str(kind)
    if {"properties", "required", "minProperties", "patternProperties"} & set(schema):
        return "object"
    if {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"} & set(schema):
        return "number"
    return "array" if {"items", "prefixItems", "minItems", "contains"} & set(schema) else "string"
