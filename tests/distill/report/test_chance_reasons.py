"""Test the reasons why a difference could be chance."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.report.chance_reasons import chance_reason, chance_reasons, judges_disagree, leaning


def comparison(**changes: Any) -> Any:
    """Return figures of a comparison in which the candidate is ahead."""
    figures = {
        "judge": "haiku",
        "candidate": "tuned",
        "baseline": "base",
        "half_win_ci95": [0.52, 0.7],
        "p_value_holm": 0.01,
        "clusters_won": 40,
        "clusters_lost": 20,
    }
    return {**figures, **changes}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"half_win_ci95": [0.49, 0.7]}, "the interval of the half-win rate contains 50%"),
        ({"half_win_ci95": [0.5, 0.7], "p_value_holm": 0.9}, "the interval of the half-win rate contains 50%"),
        ({"p_value_holm": 0.05}, "the p-value, corrected for all comparisons, is 0.05 and not below 0.05"),
        ({"p_value_holm": 0.08325}, "the p-value, corrected for all comparisons, is 0.0833 and not below 0.05"),
        (
            {"clusters_won": 20, "clusters_lost": 40},
            "the interval favors tuned, but more document groups favor the other arm",
        ),
        ({"half_win_ci95": [0.3, 0.4]}, "the interval favors base, but more document groups favor the other arm"),
        ({}, "an earlier version with other rules found no difference"),
    ],
)
def test_the_reason_is_the_first_condition_that_is_not_met(changes: dict[str, Any], reason: str) -> None:
    assert chance_reason(comparison(**changes)) == reason


def test_each_judge_has_its_own_reason() -> None:
    entries = [comparison(p_value_holm=0.2), comparison(judge="llama", half_win_ci95=[0.4, 0.6])]
    assert chance_reasons(entries) == (
        "for haiku, the p-value, corrected for all comparisons, is 0.2 and not below 0.05; for llama, the interval of"
        " the half-win rate contains 50%"
    )


@pytest.mark.parametrize(
    ("interval", "favored"), [([0.51, 0.6], "tuned"), ([0.3, 0.49], "base"), ([0.4, 0.6], None), (None, None)]
)
def test_an_interval_favors_an_arm_only_if_it_excludes_one_half(interval: Any, favored: str | None) -> None:
    assert leaning(comparison(half_win_ci95=interval)) == favored


def test_judges_disagree_only_if_their_intervals_favor_different_arms() -> None:
    ahead, behind, open_ = (comparison(half_win_ci95=ci) for ci in ([0.52, 0.7], [0.3, 0.48], [0.4, 0.6]))
    assert judges_disagree([ahead, behind])
    assert not judges_disagree([ahead, open_])
    assert not judges_disagree([ahead, ahead])
    swapped = comparison(candidate="base", baseline="tuned", half_win_ci95=[0.3, 0.48])
    assert not judges_disagree([ahead, swapped])
