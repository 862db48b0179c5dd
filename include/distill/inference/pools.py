"""
Name and size the Airflow pools through which tasks share a model's quota.

A quota belongs to one model in one Region and is shared by all DAGs, so there is one pool per model and Region. A
task's share of the quota is the number of slots that it holds divided by the number of slots in the pool. A running
task cannot read the size of its pool from Airflow. Airflow and the tasks therefore both take the sizes from
``include/pools.json``. A pool that is not in that file has :data:`DEFAULT_SLOTS` slots.

``python -m include.distill.pools`` prints every pool that the use cases need, for ``airflow pools import``.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

from include.distill.config.use_case import UseCase
from include.distill.core.paths import INCLUDE

POOLS_PATH = INCLUDE / "pools.json"
DEFAULT_SLOTS = 8


class PoolSettings(TypedDict):
    """The settings of one pool, in the format of ``airflow pools import``."""

    slots: int
    description: str
    include_deferred: bool  # whether deferred tasks keep their slots


class PoolArguments(TypedDict):
    """The arguments of an Airflow task that set its pool and its number of slots."""

    pool: str
    pool_slots: int


def pool_name(model: str, region: str) -> str:
    """Return the name of the pool for tasks that call ``model`` on demand in ``region``."""
    return f"bedrock_{model}_{region}"


@functools.cache
def configured_pools(path: Path = POOLS_PATH) -> dict[str, PoolSettings]:
    """Read the pools of ``pools.json``, by name. The result is cached."""
    pools: dict[str, PoolSettings] = json.loads(path.read_text(encoding="utf-8"))
    return pools


def pool_slots(name: str) -> int:
    """Return the number of slots of a pool: the configured number, or :data:`DEFAULT_SLOTS`."""
    settings = configured_pools().get(name)
    return settings["slots"] if settings else DEFAULT_SLOTS


def pool_arguments(model: str, region: str, *, tasks: int) -> PoolArguments:
    """
    Return the pool of a step that calls ``model``, and the number of slots that each task of the step holds.

    If the pool has several times as many slots as the step has tasks, each task holds several slots. Otherwise, the
    tasks together could use only a small part of the quota.

    :param tasks: maximum number of tasks in the step.
    """
    name = pool_name(model, region)
    return {"pool": name, "pool_slots": max(1, pool_slots(name) // tasks)}


def required_pools(use_cases: Iterable[UseCase]) -> dict[str, PoolSettings]:
    """Return the pools in ``pools.json`` and those for the models of ``use_cases``, for ``airflow pools import``."""
    required = dict(configured_pools())
    for use_case in use_cases:
        region = use_case.aws.region
        for model in use_case.models:
            settings: PoolSettings = {
                "slots": DEFAULT_SLOTS,
                "description": f"On-demand calls to {model} in {region}. A task's share of the quota is"
                " its share of the slots.",
                "include_deferred": False,
            }
            required.setdefault(pool_name(model, region), settings)
    return required
