from __future__ import annotations

import json
import subprocess
import sys

import pytest

from include.distill.config.loader import USE_CASES_FOLDER, load_use_case, load_use_cases
from include.distill.inference.pools import configured_pools, pool_arguments, pool_name, pool_slots, required_pools
from tests.fakes.variables import VARIABLES

SAMPLE = load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment=VARIABLES)
TEACHER_POOL = "bedrock_claude-sonnet-5-5_us-east-1"


def test_pools_json_has_every_pool_of_the_shipped_use_cases() -> None:
    needed = {pool_name(model, use_case.aws.region) for use_case in load_use_cases().valid for model in use_case.models}
    assert needed <= configured_pools().keys()
    assert all(pool["slots"] > 0 and pool["description"] for pool in configured_pools().values())


def test_a_use_case_in_another_region_needs_its_own_pools_of_the_default_size() -> None:
    elsewhere = SAMPLE.model_copy(update={"aws": SAMPLE.aws.model_copy(update={"region": "us-west-2"})})
    pools = required_pools([SAMPLE, elsewhere])
    assert len(pools) == 2 * len(configured_pools())
    assert pools["bedrock_nova-micro_us-west-2"]["slots"] == pool_slots("bedrock_nova-micro_us-west-2") == 8


def test_the_command_prints_the_pools_that_airflow_imports() -> None:
    written = subprocess.run([sys.executable, "-m", "include.distill.pools"], check=True, capture_output=True)
    assert json.loads(written.stdout).keys() >= configured_pools().keys()


@pytest.mark.parametrize(("tasks", "slots"), [(1, 8), (2, 4), (3, 2), (8, 1), (400, 1)])
def test_the_tasks_of_a_step_together_hold_at_most_the_whole_pool(tasks: int, slots: int) -> None:
    arguments = pool_arguments("claude-sonnet-5-5", "us-east-1", tasks=tasks)
    assert arguments == {"pool": TEACHER_POOL, "pool_slots": slots}
    assert slots * min(tasks, 8) <= 8
