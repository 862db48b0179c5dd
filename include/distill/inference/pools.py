"""
Name and size the Airflow pools that divide a model's quota among tasks.

A quota belongs to one model in one Region of one account and is shared by all DAGs, so there is one pool per account,
model and Region. The account is that of ``aws.role_arn``. A task's share of the quota is the number of slots that it
holds divided by the number of slots in the pool. A running task cannot read the size of its pool from Airflow. Airflow
and the tasks therefore both take the sizes from ``include/pools.json``.

A key ``bedrock_<model>_<region>`` in that file sets the size for all accounts. A key
``bedrock_<account>_<model>_<region>``, which is the name of a pool, sets it for one account and takes precedence. A
pool that is not in the file has :data:`DEFAULT_SLOTS` slots.

``python -m include.distill.pools`` prints every pool that the use cases need, for ``airflow pools import``.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

from include.distill.config.use_case import UseCase
from include.distill.core.paths import INCLUDE

POOLS_PATH = INCLUDE / "pools.json"
DEFAULT_SLOTS = 8
_POOL_NAME = re.compile(r"bedrock_(?P<account>\d{12})_(?P<rest>.+)", re.ASCII)
_KEY_FOR_ALL_ACCOUNTS = re.compile(r"bedrock_(?!\d{12}_)", re.ASCII)


class PoolSettings(TypedDict):
    """The settings of one pool, in the format of ``airflow pools import``."""

    slots: int
    description: str
    include_deferred: bool  # whether deferred tasks keep their slots


class PoolArguments(TypedDict):
    """The arguments of an Airflow task that set its pool and its number of slots."""

    pool: str
    pool_slots: int


def pool_name(account: str, model: str, region: str) -> str:
    """Return the name of the pool for tasks that call ``model`` on demand in ``region`` from ``account``."""
    return f"bedrock_{account}_{model}_{region}"


@functools.cache
def configured_pools(path: Path = POOLS_PATH) -> dict[str, PoolSettings]:
    """Read the settings in ``pools.json``. A key without an account applies to all accounts. The result is cached."""
    pools: dict[str, PoolSettings] = json.loads(path.read_text(encoding="utf-8"))
    return pools


def pool_slots(name: str) -> int:
    """Return the number of slots of a pool: the configured number, or :data:`DEFAULT_SLOTS`."""
    settings = _settings(name)
    return settings["slots"] if settings else DEFAULT_SLOTS


def _settings(name: str) -> PoolSettings | None:
    """Return the settings of a pool from ``pools.json``, or ``None`` if the file has none."""
    configured, match = configured_pools(), _POOL_NAME.fullmatch(name)
    return configured.get(name) or (configured.get(f"bedrock_{match['rest']}") if match else None)


def pool_arguments(use_case: UseCase, model: str, *, tasks: int) -> PoolArguments:
    """
    Return the pool of a step that calls ``model``, and the number of slots that each task of the step holds.

    If the pool has several times as many slots as the step has tasks, each task holds several slots. With one slot
    each, all tasks together could use only a small part of the quota.

    :param tasks: maximum number of tasks in the step.
    """
    name = pool_name(use_case.aws.account, model, use_case.aws.region)
    return {"pool": name, "pool_slots": max(1, pool_slots(name) // tasks)}


def required_pools(use_cases: Iterable[UseCase]) -> dict[str, PoolSettings]:
    """
    Return the pools for the models of ``use_cases``, for ``airflow pools import``.

    The result also has the other pools in ``pools.json``, except entries that apply to all accounts.
    """
    required = {name: pool for name, pool in configured_pools().items() if not _KEY_FOR_ALL_ACCOUNTS.match(name)}
    for use_case in use_cases:
        account, region = use_case.aws.account, use_case.aws.region
        for model in use_case.models:
            name = pool_name(account, model, region)
            settings = _settings(name)
            required[name] = {
                "slots": settings["slots"] if settings else DEFAULT_SLOTS,
                "description": f"On-demand calls to {model} in {region} from account {account}. A task's share of the"
                " quota is its share of the slots.",
                "include_deferred": settings["include_deferred"] if settings else False,
            }
    return required
