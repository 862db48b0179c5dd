"""Check each JSON schema once in a process of the tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def once_for_each_schema(check: Callable[..., None]) -> Callable[..., None]:
    """Return a check that checks a schema only the first time. A wrong schema is checked each time."""
    good: set[str] = set()

    def check_once(schema: Any, **options: Any) -> None:
        key = json.dumps([schema, sorted(options)], sort_keys=True, default=repr)
        if key not in good:
            check(schema, **options)
            good.add(key)

    return check_once
