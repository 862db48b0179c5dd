"""
Airflow pools: who shares a model's quota, and how it is parted among tasks that share no memory.

A quota belongs to a model in a Region, whichever DAG asks, so there is one pool for each. A task's share of the quota
is the slots it holds over the slots of the pool. A task cannot read its pool from Airflow, so the size is stated once,
in ``include/pools.json`` (:data:`DEFAULT_SLOTS` for those not named there), for set-up and tasks alike.

``python -m include.distill.pools`` prints every pool that a use case needs, for ``airflow pools import``.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from include.distill.config.use_case import UseCase
from include.distill.core.paths import INCLUDE

POOLS_PATH = INCLUDE / "pools.json"
DEFAULT_SLOTS = 8

PoolSettings = dict[str, Any]


def pool_name(model: str, region: str) -> str:
    """Return the pool of the tasks that ask ``model`` on demand in ``region``."""
    return f"bedrock_{model}_{region}"


@functools.cache
def configured_pools(path: Path = POOLS_PATH) -> dict[str, PoolSettings]:
    """Read the pools whose size is stated; cached."""
    pools: dict[str, PoolSettings] = json.loads(path.read_text(encoding="utf-8"))
    return pools


def pool_slots(name: str) -> int:
    """Return how many slots the pool ``name`` has."""
    stated = configured_pools().get(name)
    return int(stated["slots"]) if stated else DEFAULT_SLOTS


def pool_arguments(model: str, region: str, *, tasks: int) -> dict[str, Any]:
    """Return the operator's arguments ``pool`` and ``pool_slots`` for a step of at most ``tasks`` tasks.

    Where they are fewer than the slots, each holds several, so that together they have the whole quota.
    """
    name = pool_name(model, region)
    return {"pool": name, "pool_slots": max(1, pool_slots(name) // tasks)}


def required_pools(use_cases: Iterable[UseCase]) -> dict[str, PoolSettings]:
    """Return every pool of a model that ``use_cases`` ask, beside the stated ones, as Airflow imports them."""
    needed = dict(configured_pools())
    for use_case in use_cases:
        region = use_case.aws.region
        for model in use_case.models:
            description = f"{model} on demand in {region}; a task's share of its quota is slots held / slots"
            settings = {"slots": DEFAULT_SLOTS, "description": description, "include_deferred": False}
            needed.setdefault(pool_name(model, region), settings)
    return needed
