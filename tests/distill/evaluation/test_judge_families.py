from __future__ import annotations

import pytest

from include.distill.evaluation.judge_families import describe_judge, family_warnings, shared_provider
from tests.distill.conftest import make_use_case

CLAUDE, NOVA, LLAMA = "claude-haiku-4-5", "nova-pro", "llama-3-3-70b"


@pytest.mark.parametrize(
    ("judge", "related"), [(CLAUDE, "teacher"), (NOVA, "student"), (LLAMA, None)], ids=["teacher", "student", "none"]
)
def test_a_judge_from_the_family_of_the_teacher_or_the_student_is_marked(judge: str, related: str | None) -> None:
    use_case = make_use_case(judges=[judge])
    assert shared_provider(judge, use_case) == related
    assert describe_judge(judge, use_case) == (f"{judge} (from the {related}'s family)" if related else judge)


def test_a_judge_from_the_family_of_both_teacher_and_student_is_marked_once() -> None:
    use_case = make_use_case(teacher="nova-pro", judges=["nova-lite"])
    assert describe_judge("nova-lite", use_case) == "nova-lite (from the teacher and student's family)"


@pytest.mark.parametrize(
    ("judges", "words"),
    [
        pytest.param([CLAUDE, LLAMA], [], id="two families, one unrelated"),
        pytest.param([LLAMA], ["one family (meta)"], id="one judge"),
        pytest.param(
            [CLAUDE, "claude-sonnet-4-6"], ["one family (anthropic)", "Every judge is related"], id="one related family"
        ),
        pytest.param([CLAUDE, NOVA], ["Every judge is related"], id="two families, both related"),
    ],
)
def test_judges_of_one_family_or_only_related_judges_give_a_warning(judges: list[str], words: list[str]) -> None:
    warnings = family_warnings(make_use_case(judges=judges))
    assert len(warnings) == len(words)
    assert all(part in warning for part, warning in zip(words, warnings, strict=True))
