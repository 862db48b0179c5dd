from __future__ import annotations

import pytest

from include.distill.account_check.findings import Result
from include.distill.account_check.keys import key_findings
from tests.fakes.fake_account import FakeAccount

KEY = "arn:aws:kms:us-east-1:123456789012:key/0123"


def test_an_enabled_key_is_checked_once_and_awss_own_key_not_at_all() -> None:
    account = FakeAccount()
    account.keys[KEY] = "Enabled"
    (found,) = key_findings(account, ["", None, KEY, KEY])
    assert (found.check, found.result) == (f"KMS key {KEY}", Result.OK)


@pytest.mark.parametrize(
    ("state", "command"),
    [("Disabled", "aws kms enable-key"), ("PendingDeletion", "aws kms cancel-key-deletion")],
)
def test_a_key_that_cannot_be_used_has_the_command_that_enables_it(state: str, command: str) -> None:
    account = FakeAccount()
    account.keys[KEY] = state
    (found,) = key_findings(account, [KEY])
    assert (found.result, found.line) == (Result.MISSING, f"{command} --key-id {KEY}")


def test_a_key_that_does_not_exist_is_missing() -> None:
    (found,) = key_findings(FakeAccount(), [KEY])
    assert found.result is Result.MISSING


def test_a_service_that_does_not_answer_leaves_the_key_unchecked() -> None:
    account = FakeAccount()
    account.broken.add("key_state")
    (found,) = key_findings(account, [KEY])
    assert found.result is Result.NOT_CHECKED
