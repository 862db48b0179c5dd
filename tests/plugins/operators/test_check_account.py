"""Run the task that checks the account, on an account in memory and on the AWS simulator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from bedrock_distill.operators.check_account import CheckAccountOperator
from bedrock_distill.run import account_connections
from include.distill.account_check.reader import RoleFacts
from include.distill.config.use_case import UseCase
from include.distill.core.errors import InputError, TransientError
from tests.fakes.aws_simulator import connected_simulator
from tests.fakes.fake_account import RUN_ROLE, FakeAccount, FakeConnector, trust


def with_form(context: Any, **params: Any) -> Any:
    return {**context, "params": params}


@pytest.fixture
def use_cases(tmp_path: Path, use_case: UseCase, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DISTILL_ENVIRONMENT", "test")
    folder = tmp_path / "use_cases"
    folder.mkdir()
    text = yaml.safe_dump(use_case.model_dump(mode="json", exclude={"environment"}))
    (folder / "aws_docs_qa.yaml").write_text(text)
    return folder


@pytest.fixture
def account(use_case: UseCase, monkeypatch: pytest.MonkeyPatch) -> FakeAccount:
    account = FakeAccount()
    arn = use_case.aws.role_arn
    account.roles[arn.rpartition("/")[2]] = RoleFacts(arn, trust())
    monkeypatch.setattr(account_connections, "AccountConnections", lambda: FakeConnector(account))
    return account


@pytest.fixture
def task(use_cases: Path) -> CheckAccountOperator:
    return CheckAccountOperator(task_id="check_account", use_cases=use_cases)


def test_the_result_has_only_small_counts_and_the_table_is_in_the_log(
    task: CheckAccountOperator, account: FakeAccount, context: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = task.execute(with_form(context))
    log = capsys.readouterr().out
    assert (manifest["missing"], manifest["use_cases"]) == (0, 1)
    assert len(json.dumps(manifest)) < 200
    assert "| check | result | what was found | exact line to add | use cases |" in log
    assert "ok: model nova-micro" in log
    assert account.writes == []


def test_the_task_fails_if_a_run_would_fail_and_names_what_is_missing(
    task: CheckAccountOperator, account: FakeAccount, context: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    account.not_allowed = {(RUN_ROLE, "iam:PassRole")}
    with pytest.raises(InputError) as caught:
        task.execute(with_form(context, use_case="aws_docs_qa"))
    text = str(caught.value)
    assert "A run would fail, because 1 thing is missing: permissions of runs" in text
    assert "Nothing was changed in AWS or in Airflow." in text
    assert "Add the lines of the table above to the account or to Airflow. Then clear check_account" in text
    assert '"Action": "iam:PassRole"' in capsys.readouterr().out


def test_the_task_fails_if_aws_cannot_be_reached_and_may_be_retried(
    task: CheckAccountOperator, account: FakeAccount, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = FakeConnector(account)
    connector.identities["aws_default"] = TransientError("get_caller_identity: Could not connect.")
    monkeypatch.setattr(account_connections, "AccountConnections", lambda: connector)
    with pytest.raises(TransientError, match="could not be asked with connection aws_default") as caught:
        task.execute(with_form(context))
    assert "Then clear check_account" in str(caught.value)


def test_a_use_case_that_does_not_exist_is_refused(
    task: CheckAccountOperator, account: FakeAccount, context: Any
) -> None:
    with pytest.raises(InputError, match="the valid ones are aws_docs_qa"):
        task.execute(with_form(context, use_case="payroll"))


def test_without_the_name_of_the_environment_nothing_is_checked(
    task: CheckAccountOperator, account: FakeAccount, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISTILL_ENVIRONMENT")
    with pytest.raises(InputError, match="DISTILL_ENVIRONMENT"):
        task.execute(with_form(context))
    assert account.simulated == []


def test_on_the_simulated_account_the_check_reads_everything_and_writes_nothing(
    use_cases: Path, context: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with connected_simulator(tmp_path / "aws", monkeypatch) as aws:
        before = aws.ledger
        task = CheckAccountOperator(task_id="check_account", use_cases=use_cases)
        manifest = task.execute(with_form(context))
        assert aws.ledger == before
        assert aws.boto("s3").list_buckets()["Buckets"] == []
    log = capsys.readouterr().out
    assert (manifest["missing"], manifest["not_permitted"]) == (0, 0)
    for part in ("ok: model claude-sonnet-5-5", "ok: inference profile us.anthropic", "ok: training of nova-micro"):
        assert part in log
    assert "role/bedrock-distill-customization for customization jobs" in log
    assert "| bucket bedrock-distill-training | warning |" in log
