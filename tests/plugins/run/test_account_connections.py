from __future__ import annotations

import pytest

from bedrock_distill.hooks.account import AccountHook
from bedrock_distill.run.account_connections import CHECK_CONNECTION_VARIABLE, AccountConnections
from include.distill.account_check.reader import Identity
from include.distill.config.use_case import UseCase

ME = Identity("arn:aws:iam::123456789012:root", "123456789012")


def test_use_cases_with_one_connection_share_a_reader_and_its_answers(use_case: UseCase) -> None:
    made = AccountConnections()
    assert made.reader(use_case) is made.reader(use_case)
    assert (made.reader(use_case).aws_conn_id, made.reader(use_case).region_name) == ("aws_default", "us-east-1")


def test_the_check_reads_with_its_own_connection_if_there_is_one(
    use_case: UseCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CHECK_CONNECTION_VARIABLE, "aws_check")
    made = AccountConnections()
    assert made.reader(use_case).aws_conn_id == "aws_check"
    assert made.store(use_case)._clients.aws_conn_id == "aws_check"


def test_the_buckets_of_a_use_case_are_read_with_their_owners(use_case: UseCase) -> None:
    assert AccountConnections().store(use_case)._clients.bucket_owners == use_case.bucket_owners


def test_each_connection_says_once_who_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str | None] = []

    def identity(hook: AccountHook) -> Identity:
        asked.append(hook.aws_conn_id)
        return ME

    monkeypatch.setattr(AccountHook, "identity", identity)
    made = AccountConnections()
    assert [made.identity(name, "us-east-1") for name in ("a", "b", "a")] == [ME, ME, ME]
    assert asked == ["a", "b"]
