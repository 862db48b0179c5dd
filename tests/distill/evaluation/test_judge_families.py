from __future__ import annotations

import pytest

from include.distill.evaluation.judge_families import describe_judge, family_warnings, shared_provider
from tests.distill.conftest import make_use_case

CLAUDE, NOVA, LLAMA = "claude-haiku-4-5", "nova-pro", "llama-3-3-70b"


@pytest.mark.parametrize(
    ("judge", "related"), [(CLAUDE, "teacher"), (NOVA, "student"), (LLAMA, None)], ids=["teacher", "student", "none"]
)
def test_a_judge_is_marked_with_whose_family_it_is_of(judge: str, related: str | None) -> None:
    use_case = make_use_case(judges=[judge])
    assert shared_provider(judge, use_case) == related
    assert describe_judge(judge, use_case) == (f"{judge} (of the {related}'s family)" if related else judge)


def test_a_family_that_teaches_and_learns_is_named_once() -> None:
    use_case = make_use_case(teacher="nova-pro", judges=["nova-lite"])
    assert describe_judge("nova-lite", use_case) == "nova-lite (of the teacher and student's family)"


@pytest.mark.parametrize(
    ("judges", "said"),
    [
        pytest.param([CLAUDE, LLAMA], [], id="two families, one unrelated"),
        pytest.param([LLAMA], ["one family (meta)"], id="one judge"),
        pytest.param([CLAUDE, "claude-sonnet-4-6"], ["one family (anthropic)", "Every judge is related"], id="own"),
        pytest.param([CLAUDE, NOVA], ["Every judge is related"], id="two families, both related"),
    ],
)
def test_what_is_wrong_with_the_choice_of_judges_is_said(judges: list[str], said: list[str]) -> None:
    warnings = family_warnings(make_use_case(judges=judges))
    assert len(warnings) == len(said)
    assert all(part in warning for part, warning in zip(said, warnings, strict=True))
