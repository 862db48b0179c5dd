"""Check when a job with another KMS key gets a warning."""

from __future__ import annotations

import pytest

from bedrock_distill.lifecycle.job_keys import other_key_warning

KEY, OTHER = (f"arn:aws:kms:us-east-1:123456789012:key/{digit * 36}" for digit in "12")
ALIAS = "arn:aws:kms:us-east-1:123456789012:alias/jobs"


@pytest.mark.parametrize(("found", "expected"), [(None, None), (KEY, KEY), (KEY, ALIAS), (ALIAS, OTHER), (None, ALIAS)])
def test_the_same_key_and_an_alias_get_no_warning(found: str | None, expected: str | None) -> None:
    assert other_key_warning("Batch job a", found, expected) is None


@pytest.mark.parametrize(
    ("found", "expected", "text"),
    [
        (KEY, OTHER, f"Batch job a was bought with the KMS key {KEY}, but the use case now names the key {OTHER}."),
        (None, KEY, f"Batch job a was bought without a KMS key, but the use case now names the key {KEY}."),
        (KEY, None, f"Batch job a was bought with the KMS key {KEY}, but the use case now names no key."),
    ],
)
def test_another_key_gets_a_warning_with_both_keys(found: str | None, expected: str | None, text: str) -> None:
    assert str(other_key_warning("Batch job a", found, expected)).startswith(text)
