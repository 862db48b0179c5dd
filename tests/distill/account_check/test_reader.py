from __future__ import annotations

import json

import pytest

from include.distill.account_check.findings import Finding, Result
from include.distill.account_check.reader import Identity, NotPermittedError, attempt
from include.distill.core.errors import NotFoundError, TransientError


def raising(error: Exception) -> object:
    raise error


def test_an_answer_is_returned() -> None:
    assert attempt("c", "iam:GetRole", lambda: 3) == 3


def test_a_refusal_names_the_permission_that_the_check_lacks() -> None:
    found = attempt("role r", "iam:GetRole", lambda: raising(NotPermittedError("get_role r: AccessDenied.")))
    assert isinstance(found, Finding)
    assert (found.check, found.result) == ("role r", Result.NOT_PERMITTED)
    assert found.detail.startswith(
        "get_role r: AccessDenied. Attach the managed policy bedrock-distill-<environment>-check"
    )
    assert json.loads(found.line) == {"Effect": "Allow", "Action": ["iam:GetRole"], "Resource": "*"}


def test_an_unanswered_question_is_not_checked() -> None:
    found = attempt("key k", "kms:DescribeKey", lambda: raising(TransientError("describe_key: timed out.")))
    assert isinstance(found, Finding)
    assert (found.result, found.detail) == (Result.NOT_CHECKED, "AWS did not answer: describe_key: timed out.")


def test_what_does_not_exist_is_left_to_the_caller() -> None:
    with pytest.raises(NotFoundError):
        attempt("key k", "kms:DescribeKey", lambda: raising(NotFoundError("gone")))


@pytest.mark.parametrize(
    ("arn", "role", "is_root"),
    [
        ("arn:aws:sts::123456789012:assumed-role/airflow/i-0", "airflow", False),
        ("arn:aws:iam::123456789012:user/people/ann", None, False),
        ("arn:aws:iam::123456789012:root", None, True),
    ],
)
def test_the_role_of_a_session_is_known(arn: str, role: str | None, is_root: bool) -> None:
    identity = Identity(arn, "123456789012")
    assert (identity.role_name, identity.is_root) == (role, is_root)
