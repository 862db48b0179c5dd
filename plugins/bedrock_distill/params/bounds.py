"""Write the bounds of numbers so that Airflow's trigger form refuses a number out of range instead of changing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_BOUNDS = ("minimum", "maximum")


def unclamped(schema: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return a JSON Schema that accepts the same values as ``schema``, with the bounds moved into ``allOf``.

    For example, ``{"minimum": 1}`` becomes ``{"allOf": [{"minimum": 1}]}``. If ``minimum`` is at the top level, the
    form replaces a number that is too small as soon as the field loses focus. For example, -5 documents became 1, and a
    run was started with 1 document. The form does not look into ``allOf``. Airflow checks ``allOf`` when the run is
    triggered, and the form shows the error.
    """
    bounds = {key: schema[key] for key in _BOUNDS if key in schema}
    rest = {key: value for key, value in schema.items() if key not in bounds}
    return {**rest, "allOf": [*rest.get("allOf", ()), bounds]} if bounds else rest
