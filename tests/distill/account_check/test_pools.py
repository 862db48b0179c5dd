from __future__ import annotations

import pytest

from include.distill.account_check.findings import Result
from include.distill.account_check.pools import LIST, pool_findings
from include.distill.inference.pools import required_pools
from tests.distill.conftest import make_use_case

USE_CASE = make_use_case()
POOLS = {name: pool["slots"] for name, pool in required_pools([USE_CASE]).items()}
NAME = "bedrock_123456789012_nova-micro_us-east-1"


def test_the_pools_of_every_model_are_found() -> None:
    found = list(pool_findings(USE_CASE, POOLS))
    assert {one.check for one in found} == {f"pool {name}" for name in POOLS}
    assert {one.result for one in found} == {Result.OK}


def test_a_missing_pool_has_the_command_that_makes_it() -> None:
    rest = {name: slots for name, slots in POOLS.items() if name != NAME}
    (lost,) = [one for one in pool_findings(USE_CASE, rest) if one.result is not Result.OK]
    assert lost.result is Result.MISSING
    assert lost.line.startswith(f'airflow pools set {NAME} {POOLS[NAME]} "')


@pytest.mark.parametrize(("change", "result"), [(-1, Result.MISSING), (1, Result.WARNING)])
def test_a_pool_that_is_too_small_stops_tasks_and_one_that_is_too_large_does_not(change: int, result: Result) -> None:
    found = [
        one for one in pool_findings(USE_CASE, {**POOLS, NAME: POOLS[NAME] + change}) if one.result is not Result.OK
    ]
    assert [(one.check, one.result) for one in found] == [(f"pool {NAME}", result)]


def test_without_access_to_airflow_the_pools_and_their_sizes_are_named() -> None:
    (found,) = pool_findings(USE_CASE, None)
    assert (found.result, found.line) == (Result.NOT_CHECKED, LIST)
    assert f"{NAME} ({POOLS[NAME]} slots)" in found.detail
