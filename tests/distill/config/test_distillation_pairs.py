from __future__ import annotations

import pytest

from include.distill.config.distillation_pairs import distillation_problem


@pytest.mark.parametrize(
    ("teacher", "student", "region"),
    [
        ("nova-pro", "nova-micro", "us-east-1"),
        ("nova-pro", "nova-lite", "us-east-1"),
        ("llama-3-3-70b", "llama-3-1-8b", "us-west-2"),
    ],
)
def test_a_supported_pair_is_no_problem(teacher: str, student: str, region: str) -> None:
    assert distillation_problem({"managed": teacher}, student, region) is None


@pytest.mark.parametrize(
    ("teacher", "student", "region"),
    [
        ("nova-pro", "nova-micro", "us-west-2"),
        ("nova-pro", "llama-3-1-8b", "us-west-2"),
        ("nova-lite", "nova-micro", "us-east-1"),
        ("nova-pro", "claude-haiku-4-5", "us-east-1"),
        ("claude-sonnet-5-5", "nova-micro", "us-east-1"),
    ],
)
def test_the_message_about_an_unsupported_pair_lists_the_supported_pairs(
    teacher: str, student: str, region: str
) -> None:
    problem = distillation_problem({"first": teacher, "second": "nova-pro"}, student, region)
    assert problem is not None
    assert f"arm first is of kind distilled, but Bedrock cannot distil {teacher} into {student} in {region}" in problem
    assert "teacher nova-pro with student nova-micro, teacher nova-pro with student nova-lite (in us-east-1)" in problem
    assert "teacher llama-3-1-70b with student llama-3-1-8b" in problem
    assert ("Bedrock accepts no teacher from Anthropic" in problem) == teacher.startswith("claude")


def test_every_distilled_arm_is_checked() -> None:
    problem = distillation_problem({"first": "nova-pro", "second": "nova-lite"}, "nova-micro", "us-east-1")
    assert problem is not None
    assert "arm second" in problem
