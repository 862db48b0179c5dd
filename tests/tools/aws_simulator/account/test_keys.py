from __future__ import annotations

import re

import pytest

from tools.aws_simulator.account.keys import key_arn

KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
OWN = f"arn:aws:kms:us-east-1:123456789012:key/{KEY}"


def test_a_key_is_named_by_its_arn_or_id() -> None:
    other = f"arn:aws:kms:us-east-1:999999999999:key/{KEY}"
    assert key_arn("us-east-1", KEY) == OWN
    assert [key_arn("us-east-1", arn) for arn in (OWN, other)] == [OWN, other]


@pytest.mark.parametrize("prefix", ["", "arn:aws:kms:us-east-1:123456789012:"])
def test_an_alias_always_means_the_same_key(prefix: str) -> None:
    arn = key_arn("us-east-1", f"{prefix}alias/models")
    assert re.fullmatch(r"arn:aws:kms:us-east-1:123456789012:key/[a-f0-9-]{36}", arn)
    assert arn == key_arn("us-east-1", "alias/models") != key_arn("us-east-1", "alias/other")
