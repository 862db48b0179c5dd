"""Write the bounds of numbers so that Airflow's trigger form refuses a number out of range instead of changing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_BOUNDS = ("minimum", "maximum")


def unclamped(schema: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return a JSON Schema that accepts the same values, without ``minimum`` and ``maximum`` at the top level.

    The form replaces a number below ``minimum`` with ``minimum`` when the field loses the focus, so -5 documents became
    1, and a run was started with 1 document. The form does not look into ``allOf``, but Airflow checks it when the run
    is triggered, and the form shows the error.
    """
    bounds = {key: schema[key] for key in _BOUNDS if key in schema}
    rest = {key: value for key, value in schema.items() if key not in bounds}
    return {**rest, "allOf": [*rest.get("allOf", ()), bounds]} if bounds else rest
