from __future__ import annotations

import re
from typing import Any

import pytest

from include.distill.config.arms import Arm
from include.distill.config.catalog import load_catalog
from include.distill.config.distillation_pairs import another_teacher, distillation_problem, prompt_count_problem

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
    assert distillation_problem("managed", teacher, student, region) is None


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
    problem = distillation_problem("first", teacher, student, region)
    assert problem is not None
    assert f"arm first is of kind distilled, but Bedrock cannot distil {teacher} into {student} in {region}" in problem
    assert "teacher nova-pro with student nova-micro, teacher nova-pro with student nova-lite (in us-east-1)" in problem
    assert "teacher llama-3-1-70b with student llama-3-1-8b" in problem
    assert ("Bedrock accepts no teacher from Anthropic" in problem) == teacher.startswith("claude")


def managed(**changes: Any) -> Arm:
    return Arm(name="managed", kind="distilled", **changes)


@pytest.mark.parametrize(
    ("sizes", "key", "text"),
    [
        (
            {"originals": 15_001},
            "originals",
            "15,001 originals and 0 synthetic pairs.*expected originals: 15000 or less",
        ),
        ({"originals": 15_000, "synthetic": 1}, "originals", "at most 15,000"),
        ({"originals": 14_000, "synthetic": 1_001}, "synthetic", "expected synthetic: 1000 or less"),
        ({"originals": 0, "synthetic": 15_001}, "synthetic", "expected synthetic: 15000 or less"),
        ({"synthetic": 15_001}, "synthetic", "at most 15,000"),
        ({"originals": 16_000, "synthetic": "all"}, "originals", "at most 15,000"),
        ({"originals": 50, "synthetic": 49}, "originals", "50 originals and 49 synthetic pairs.*at least 100"),
        ({"originals": 99}, "originals", "at least 100; expected larger numbers, or originals: all"),
    ],
)
def test_numbers_that_no_distillation_job_accepts_are_refused(sizes: dict[str, Any], key: str, text: str) -> None:
    problem = prompt_count_problem(managed(**sizes), load_catalog().distillation)
    assert problem is not None
    assert problem.path == (key,)
    assert re.search(text, problem.text)


@pytest.mark.parametrize(
    "arm",
    [
        managed(),
        managed(originals=15_000),
        managed(originals=100),
        managed(originals=10_000, synthetic=5_000),
        managed(originals=1, synthetic="all"),
        Arm(name="tuned", originals=20_000, synthetic=0),
        Arm(name="base", kind="base"),
    ],
)
def test_other_numbers_are_checked_later_or_never(arm: Arm) -> None:
    assert prompt_count_problem(arm, load_catalog().distillation) is None


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
