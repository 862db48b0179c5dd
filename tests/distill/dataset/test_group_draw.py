from __future__ import annotations

import pytest

from include.distill.dataset.group_draw import draw_evaluation_groups, oversized_groups


@pytest.mark.parametrize("seed", range(20))
def test_a_group_with_most_rows_is_trained_on(seed: int) -> None:
    rows = {"large": 300, **{f"group {n}": 1 for n in range(30)}}
    drawn = draw_evaluation_groups(rows, share=0.1, seed=seed, occupied=set())
    assert "large" not in drawn.held_out
    assert 15 <= len(drawn.held_out) <= 30
    assert drawn.is_near_share


@pytest.mark.parametrize("seed", range(20))
def test_a_few_groups_are_split_near_the_share(seed: int) -> None:
    rows = {f"group {n}": 1 for n in range(15)}
    assert 1 <= len(draw_evaluation_groups(rows, share=0.1, seed=seed, occupied=set()).held_out) <= 3


def test_groups_that_cannot_be_split_near_the_share_are_reported() -> None:
    drawn = draw_evaluation_groups({"one": 50, "two": 50}, share=0.1, seed=7, occupied=set())
    assert len(drawn.held_out) == 1
    assert not drawn.is_near_share


def test_equal_groups_are_never_oversized() -> None:
    assert oversized_groups({"one": 3, "two": 3}, 0.1) == set()
    assert oversized_groups({"one": 3, "two": 30}, 0.5) == {"two"}
