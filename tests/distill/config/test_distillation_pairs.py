from __future__ import annotations

import pytest

from include.distill.config.catalog import load_catalog
from include.distill.config.distillation_pairs import another_teacher, distillation_problem

COSTS = {"llama-3-1-70b": 0.72, "nova-lite": 0.24, "claude-haiku-4-5": 5.0}


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


@pytest.mark.parametrize(
    ("teacher", "student", "region", "arms", "advice"),
    [
        (
            "llama-3-3-70b",
            "llama-3-1-8b",
            "us-west-2",
            ["managed"],
            "name another teacher of llama-3-1-8b for arm managed in the use-case file: llama-3-1-70b",
        ),
        (
            "nova-pro",
            "nova-micro",
            "us-east-1",
            ["few", "all"],
            "remove arms few and all from the use-case file, because nova-micro has no other active teacher in Bedrock",
        ),
        (
            "llama-3-1-70b",  # the other teacher is legacy
            "llama-3-1-8b",
            "us-west-2",
            ["managed"],
            "remove arm managed from the use-case file, because llama-3-1-8b has no other active teacher in Bedrock",
        ),
    ],
)
def test_the_advice_names_only_active_teachers_of_the_student(
    teacher: str, student: str, region: str, arms: list[str], advice: str
) -> None:
    models = load_catalog().models
    assert another_teacher(models[teacher], models[student], region, arms, COSTS) == advice
