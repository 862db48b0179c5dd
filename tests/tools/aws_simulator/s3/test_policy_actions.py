from __future__ import annotations

import pytest

from tools.aws_simulator.s3.policy_actions import resources_of


@pytest.mark.parametrize(
    ("pattern", "kinds"),
    [
        ("s3:GetObject", {"object"}),
        ("S3:listbucket", {"bucket"}),
        ("s3:*", {"bucket", "object"}),
        ("s3:PutBucket*", {"bucket"}),
        ("s3:ListObjects", set()),
        ("iam:*", set()),
    ],
)
def test_the_resources_of_an_action(pattern: str, kinds: set[str]) -> None:
    assert resources_of(pattern) == kinds
