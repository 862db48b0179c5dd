from __future__ import annotations

import pytest

from tools.aws_simulator.access.patterns import literal, matches, matches_arn, matches_resource, plain


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("s3:Get*", "s3:GetObject", True),
        ("s3:get*", "s3:GetObject", True),
        ("s3:Get?bject", "s3:GetObject", True),
        ("s3:Get", "s3:GetObject", False),
        ("s3.GetObject", "s3:GetObject", False),
        ("*", "", True),
    ],
)
def test_actions_ignore_case(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text, ignore_case=True) is expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", True),
        ("arn:aws:s3:::data/*", True),
        ("arn:aws:s3:::d*", True),
        ("arn:aws:s3:::*/b.txt", True),
        ("arn:aws:s3*", True),
        ("arn:aws:*:::data/a/b.txt", True),
        ("arn:*/b.txt", False),
        ("arn:aws:s3", False),
        ("arn:aws:s3:::data", False),
        ("arn:aws:s3:::DATA/*", False),
        ("arn:aws:s3::123456789012:data/*", False),
    ],
)
def test_a_wildcard_stays_in_its_segment_unless_it_ends_the_pattern(pattern: str, expected: bool) -> None:
    assert matches_resource(pattern, "arn:aws:s3:::data/a/b.txt") is expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("arn:aws:bedrock:us-east-1:123456789012:model-customization-job/*", True),
        ("arn:aws:bedrock:*:123456789012:*", True),
        ("arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/*", False),
        ("arn:aws:bedrock:*", False),
    ],
)
def test_an_arn_operator_compares_six_segments(pattern: str, expected: bool) -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-micro-v1:0:128k/abc"
    assert matches_arn(pattern, arn) is expected


def test_a_literal_has_no_wildcards() -> None:
    assert matches(f"{literal('a*')}/*", "a*/b")
    assert not matches(f"{literal('a*')}/*", "ab/b")
    assert plain(literal("a*?")) == "a*?"
