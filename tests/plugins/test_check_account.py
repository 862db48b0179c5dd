"""Run the command that checks the account."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.models.pool import Pool
from sqlalchemy.exc import OperationalError

from bedrock_distill import check_account
from bedrock_distill.run import account_connections
from include.distill.account_check.reader import RoleFacts
from include.distill.config.loader import load_use_cases
from include.distill.core.errors import TransientError
from include.distill.inference.pools import required_pools
from tests.fakes.fake_account import FakeAccount, FakeConnector, trust
from tests.fakes.variables import VARIABLES

ROLE = VARIABLES["DISTILL_ROLE_ARN"]


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> FakeAccount:
    for name, value in {**VARIABLES, "_AIRFLOW_PROCESS_CONTEXT": "server"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIRFLOW__LOGGING__LOGGING_LEVEL", "WARNING")
    account = FakeAccount()
    account.roles[ROLE.rpartition("/")[2]] = RoleFacts(ROLE, trust())
    monkeypatch.setattr(account_connections, "AccountConnections", lambda: FakeConnector(account))
    return account


def with_pools(monkeypatch: pytest.MonkeyPatch, *, change: int = 0) -> None:
    pools = required_pools(load_use_cases().valid)
    made = [SimpleNamespace(pool=name, slots=pool["slots"] + change) for name, pool in pools.items()]
    monkeypatch.setattr(Pool, "get_pools", lambda: made)


def test_the_command_prints_the_table_and_ends_with_0_if_nothing_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_pools(monkeypatch)
    assert check_account.main(["aws_docs_qa"]) == 0
    out = capsys.readouterr().out
    assert "ok: pool bedrock_123456789012_nova-micro_us-east-1: 8 slots" in out
    assert out.splitlines()[-1].startswith("Checked 1 use case: 0 missing")


def test_the_command_ends_with_1_if_a_run_would_fail(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_pools(monkeypatch, change=-1)
    assert check_account.main(["aws_docs_qa"]) == 1
    assert "airflow pools set bedrock_123456789012_nova-micro_us-east-1 8 " in capsys.readouterr().out


def test_the_command_ends_with_2_if_aws_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    with_pools(monkeypatch)
    connector = FakeConnector(FakeAccount())
    connector.identities["aws_default"] = TransientError("get_caller_identity: Could not connect.")
    monkeypatch.setattr(account_connections, "AccountConnections", lambda: connector)
    assert check_account.main(["aws_docs_qa"]) == 2


def test_without_airflows_database_the_other_checks_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> Any:
        raise OperationalError("SELECT", {}, Exception("no such table: slot_pool"))

    monkeypatch.setattr(Pool, "get_pools", fail)
    assert check_account.main(["aws_docs_qa"]) == 0
    printed = capsys.readouterr()
    assert "| pools | not checked |" in printed.out
    assert printed.err == (
        "The pools are not checked, because Airflow's database cannot be read: no such table: slot_pool\n"
    )


@pytest.mark.parametrize(
    ("arguments", "environment", "text"),
    [
        (["payroll"], "test", "The valid use cases are "),
        ([], "", "No use case is valid"),
    ],
)
def test_the_command_ends_with_2_if_nothing_can_be_checked(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    environment: str,
    text: str,
) -> None:
    monkeypatch.setenv("DISTILL_ENVIRONMENT", environment)
    assert check_account.main(arguments) == 2
    assert text in capsys.readouterr().err
