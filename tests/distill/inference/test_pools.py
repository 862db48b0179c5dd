from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from include.distill import pools as module
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case, load_use_cases
from include.distill.config.use_case import UseCase
from include.distill.inference import pools
from include.distill.inference.client import PoolShare
from include.distill.inference.pools import configured_pools, pool_arguments, pool_name, pool_slots, required_pools
from tests.fakes.variables import VARIABLES

SAMPLE = load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment=VARIABLES)
ACCOUNT, OTHER_ACCOUNT = "123456789012", "999999999999"
TEACHER_POOL = f"bedrock_{ACCOUNT}_claude-sonnet-5-5_us-east-1"


def with_aws(**changes: str) -> UseCase:
    return SAMPLE.model_copy(update={"aws": SAMPLE.aws.model_copy(update=changes)})


def in_account(account: str) -> UseCase:
    return with_aws(role_arn=f"arn:aws:iam::{account}:role/r")


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that replaces the content of ``pools.json``; it takes the number of slots by key."""

    def put(slots: dict[str, int]) -> None:
        content = {
            name: {"slots": number, "description": "mine", "include_deferred": False} for name, number in slots.items()
        }
        monkeypatch.setattr(pools, "configured_pools", lambda: content)

    return put


def test_pools_json_has_the_size_of_every_pool_of_the_shipped_use_cases() -> None:
    needed = {
        f"bedrock_{model}_{use_case.aws.region}" for use_case in load_use_cases().valid for model in use_case.models
    }
    assert needed <= configured_pools().keys()
    assert all(pool["slots"] > 0 and pool["description"] for pool in configured_pools().values())


def test_the_required_pools_are_those_of_the_use_cases() -> None:
    assert required_pools([SAMPLE]).keys() == {pool_name(ACCOUNT, model, "us-east-1") for model in SAMPLE.models}


def test_a_use_case_in_another_region_needs_its_own_pools_of_the_default_size() -> None:
    printed = required_pools([SAMPLE, with_aws(region="us-west-2")])
    assert len(printed) == 2 * len(SAMPLE.models)
    name = f"bedrock_{ACCOUNT}_nova-micro_us-west-2"
    assert printed[name]["slots"] == pool_slots(name) == 8


def test_use_cases_in_two_accounts_have_separate_pools() -> None:
    """Each account has its own quota, so a task of one account must not wait for tasks of the other."""
    both = [SAMPLE, in_account(OTHER_ACCOUNT)]
    names = [pool_arguments(use_case, use_case.teacher, tasks=1)["pool"] for use_case in both]
    assert names == [TEACHER_POOL, f"bedrock_{OTHER_ACCOUNT}_claude-sonnet-5-5_us-east-1"]
    assert set(names) <= required_pools(both).keys()
    assert len(required_pools(both)) == 2 * len(SAMPLE.models)


def test_use_cases_in_one_account_share_pools_whatever_their_roles_and_connections_are() -> None:
    other = with_aws(conn_id="team_b", role_arn=f"arn:aws-us-gov:iam::{ACCOUNT}:role/team/b")
    assert required_pools([SAMPLE, other]).keys() == required_pools([SAMPLE]).keys()


def test_a_size_without_an_account_applies_to_all_accounts_and_a_size_with_an_account_only_to_this_one(
    configure: Any,
) -> None:
    configure({"bedrock_nova-micro_us-east-1": 24, f"bedrock_{OTHER_ACCOUNT}_nova-micro_us-east-1": 2})
    printed = required_pools([SAMPLE, in_account(OTHER_ACCOUNT)])
    for account, slots in ((ACCOUNT, 24), (OTHER_ACCOUNT, 2), ("111111111111", 24)):
        assert pool_slots(pool_name(account, "nova-micro", "us-east-1")) == slots
    assert printed[f"bedrock_{ACCOUNT}_nova-micro_us-east-1"]["slots"] == 24
    assert printed[f"bedrock_{OTHER_ACCOUNT}_nova-micro_us-east-1"]["slots"] == 2


def test_a_size_for_all_accounts_is_no_pool_but_other_pools_of_the_file_are_printed(configure: Any) -> None:
    configure({"bedrock_nova-micro_us-east-1": 24, "my_own_pool": 3})
    printed = required_pools([SAMPLE])
    assert "bedrock_nova-micro_us-east-1" not in printed
    assert printed["my_own_pool"] == {"slots": 3, "description": "mine", "include_deferred": False}


def test_a_task_of_the_pool_of_an_account_gets_its_share_of_the_configured_slots(configure: Any) -> None:
    configure({"bedrock_nova-micro_us-east-1": 32})
    pool = pool_name(ACCOUNT, "nova-micro", "us-east-1")
    assert PoolShare(pool, 8, is_first=True).quota_share(pool) == 0.25


def test_the_command_prints_the_pools_that_airflow_imports() -> None:
    written = subprocess.run([sys.executable, "-m", "include.distill.pools"], check=True, capture_output=True)
    assert json.loads(written.stdout) == required_pools(load_use_cases().valid)


@pytest.mark.parametrize(("tasks", "slots"), [(1, 8), (2, 4), (3, 2), (8, 1), (400, 1)])
def test_the_tasks_of_a_step_together_hold_at_most_the_whole_pool(tasks: int, slots: int) -> None:
    arguments = pool_arguments(SAMPLE, "claude-sonnet-5-5", tasks=tasks)
    assert arguments == {"pool": TEACHER_POOL, "pool_slots": slots}
    assert slots * min(tasks, 8) <= 8


@pytest.mark.parametrize("name", ["", "Prod_1"])
def test_without_a_valid_environment_the_module_fails_instead_of_printing_no_pool(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DISTILL_ENVIRONMENT", name)
    assert module.main() == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert "No pool was printed: environment variable DISTILL_ENVIRONMENT" in error


def test_a_broken_use_case_is_reported_and_the_pools_of_the_others_are_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sample = (USE_CASES_FOLDER / "aws_docs_qa.yaml").read_text(encoding="utf-8")
    (tmp_path / "aws_docs_qa.yaml").write_text(sample, encoding="utf-8")
    (tmp_path / "broken.yaml").write_text("teachr: x", encoding="utf-8")
    monkeypatch.setattr(module, "load_use_cases", lambda: load_use_cases(tmp_path, VARIABLES))
    monkeypatch.setenv("DISTILL_ENVIRONMENT", "test")
    assert module.main() == 0
    out, error = capsys.readouterr()
    assert len(json.loads(out)) > 1
    assert "The pools of a broken use case are left out: broken.yaml: " in error
