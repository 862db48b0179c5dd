"""Choose a number that follows a JSON schema."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def number_for(schema: Mapping[str, Any], kind: str, stated: float | None, others: list[float]) -> float | int:
    """Return a number that follows a JSON schema.

    :param stated: the number that a prompt states for this value; None if it states none.
    :param others: the other numbers of the prompt. If ``stated`` is None, the first of them is used and removed.
    """
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    value = stated
    if value is None:
        value = others.pop(0) if others else (low if low is not None else 1.0)
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        value = schema["exclusiveMinimum"] + 1
    value = value if low is None else max(value, low)
    value = value if high is None else min(value, high)
    step = schema.get("multipleOf")
    value = round(value / step) * step if step else value
    value = int(value) if kind == "integer" else float(value)
    return value if _is_within(schema, value) else _inside(schema, kind)


def _is_within(schema: Mapping[str, Any], value: float) -> bool:
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    above, below = schema.get("exclusiveMinimum", -math.inf), schema.get("exclusiveMaximum", math.inf)
    return bool(low <= value <= high and above < value < below)


def _inside(schema: Mapping[str, Any], kind: str) -> float | int:
    """Return a number between the bounds of a schema.

    If the number must be a multiple or an integer, it is the one closest to the lower bound, or to the upper bound if
    there is no lower bound. Any other number is in the middle between two bounds, or 1 away from the only bound.
    """
    low = max(schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf))
    high = min(schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf))
    step = schema.get("multipleOf") or (1 if kind == "integer" else None)
    if step is not None:
        bound = low if math.isfinite(low) else high
        multiples = [(round(bound / step) + number) * step for number in (0, 1, -1, 2, -2)]
        fitting = [multiple for multiple in multiples if _is_within(schema, multiple)]
        value = fitting[0] if fitting else bound
        return int(value) if kind == "integer" else float(value)
    if math.isfinite(low) and math.isfinite(high):
        return float((low + high) / 2)
    return float(low + 1 if math.isfinite(low) else high - 1)
