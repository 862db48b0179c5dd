"""
Check the JSON schema of a request with structured outputs.

Supported keywords: https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html. Messages, as
Anthropic's models return them: https://github.com/future-agi/future-agi/pull/412 and
https://github.com/vercel/ai/pull/17597. The messages of other models, and those about invalid and recursive schemas,
are UNVERIFIED.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema

from tools.aws_simulator.runtime.requests import ModelRefusal

_WHERE = "output_config.format.schema"
_UNSUPPORTED = {
    "array": ("maxItems", "uniqueItems", "contains", "minContains", "maxContains"),
    "integer": ("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf"),
    "number": ("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf"),
    "object": ("minProperties", "maxProperties", "patternProperties", "propertyNames"),
    "string": ("maxLength", "minLength"),
}
_LITERALS = ("enum", "const", "default", "examples", "description", "title")


def checked_schema(kind: str, schema: Any) -> Mapping[str, Any]:
    """Return the JSON schema of a request.

    :raises ModelRefusal: the schema is invalid, or structured outputs do not support it.
    """
    if kind != "json_schema":
        raise ModelRefusal("output_config.format.type: Input should be 'json_schema'")
    if not isinstance(schema, dict):
        raise ModelRefusal(f"{_WHERE}: Input should be a valid dictionary")
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise ModelRefusal(f"{_WHERE}: the schema is invalid: {error.message}") from error
    for part in _parts(schema):
        _check(part)
    if _is_recursive(schema, schema, ()):
        raise ModelRefusal(f"{_WHERE}: Recursive schemas are not supported")
    return schema


def _parts(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every schema inside a schema, and the schema itself."""
    if isinstance(schema, list):
        for member in schema:
            yield from _parts(member)
    if not isinstance(schema, dict):
        return
    yield schema
    for name, member in schema.items():
        if name in ("properties", "$defs", "definitions") and isinstance(member, dict):
            for part in member.values():
                yield from _parts(part)
        elif name not in _LITERALS:
            yield from _parts(member)


def _check(schema: dict[str, Any]) -> None:
    kinds = schema.get("type")
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        unsupported = [name for name in sorted(schema) if name in _UNSUPPORTED.get(str(kind), ())]
        if len(unsupported) == 1:
            raise ModelRefusal(f"{_WHERE}: For '{kind}' type, property '{unsupported[0]}' is not supported")
        if unsupported:
            raise ModelRefusal(f"{_WHERE}: For '{kind}' type, properties {', '.join(unsupported)} are not supported")
        if kind == "array" and schema.get("minItems", 0) not in (0, 1):
            raise ModelRefusal(
                f"{_WHERE}: For 'array' type, 'minItems' values other than 0 or 1 are not supported"
                f" (got: {schema['minItems']})"
            )
        if kind == "object" and schema.get("additionalProperties") is not False:
            raise ModelRefusal(f"{_WHERE}: For 'object' type, 'additionalProperties' must be explicitly set to false")


def _is_recursive(part: Any, root: dict[str, Any], above: tuple[str, ...]) -> bool:
    if isinstance(part, list):
        return any(_is_recursive(member, root, above) for member in part)
    if not isinstance(part, dict):
        return False
    reference = part.get("$ref")
    if isinstance(reference, str):
        if reference in above:
            return True
        target: Any = root
        for step in reference.removeprefix("#").strip("/").split("/"):
            target = target.get(step) if isinstance(target, dict) and step else target
        if _is_recursive(target, root, (*above, reference)):
            return True
    return any(_is_recursive(member, root, above) for name, member in part.items() if name not in (*_LITERALS, "$defs"))
