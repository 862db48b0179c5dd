"""Shares belong together only if everything that decides their results is the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tools.simulate import plan as module
from tools.simulate.plan import Plan, digest_of_code

PLAN = Plan(quick=True, seed=1, of=2)


def test_the_same_plan_and_code_have_the_same_key() -> None:
    assert PLAN.key("code") == Plan(quick=True, seed=1, of=2).key("code")


@pytest.mark.parametrize(
    "change",
    [{"quick": False}, {"seed": 2}, {"of": 3}, {"drawn": 1}, {"depth": 2}, {"minutes": 1.0}, {"fuzz": 1}],
    ids=str,
)
def test_another_plan_has_another_key(change: dict[str, Any]) -> None:
    assert replace(PLAN, **change).key("code") != PLAN.key("code")


def test_other_code_has_another_key() -> None:
    assert PLAN.key("code").startswith("code-")
    assert PLAN.key("other code").startswith("other code-")


def test_a_changed_file_changes_the_digest(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(module, "PROJECT_ROOT", tmp_path)
    changed = tmp_path / "tools" / "simulate" / "world.py"
    changed.parent.mkdir(parents=True)
    digests = []
    for text in ("1", "2", "1"):
        changed.write_text(text, encoding="utf-8")
        (changed.parent / "world.pyc").write_text(str(len(digests)), encoding="utf-8")
        digests.append(digest_of_code())
    assert digests[0] == digests[2] != digests[1]


def test_the_shares_together_have_everything() -> None:
    plan = Plan(quick=False, seed=1, of=3)
    assert [plan.share(number, 10) for number in (1, 2, 3)] == [4, 3, 3]
