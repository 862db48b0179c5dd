"""Compare the detectable difference with a published sample size and with simulated runs."""

from __future__ import annotations

import numpy as np
import pytest

from include.distill.stats.intervals import clustered_share
from include.distill.stats.power import minimum_detectable_difference


def test_a_published_sample_size_detects_its_published_difference() -> None:
    """
    Test a proportion of 0.6 against 0.5, two-sided at 5 %, with a power of 80 %.

    The published sample size is 194 (Fleiss). With the variance of 0.5 it is 196.
    """
    difference = minimum_detectable_difference(196, decided_share=1.0, degrees=10**9)
    assert difference == pytest.approx(0.1, abs=5e-4)


@pytest.mark.parametrize(("ties", "copies"), [(0.0, 1), (0.3, 1), (0.0, 4)], ids=["no ties", "ties", "four copies"])
def test_a_true_difference_of_the_detectable_size_is_found_in_80_percent_of_simulated_runs(
    ties: float, copies: int
) -> None:
    documents, random = 150, np.random.default_rng(3)
    difference = minimum_detectable_difference(
        documents * copies, decided_share=1 - ties, design_effect=copies, degrees=documents - 1
    )
    assert difference is not None
    wins = (1 - ties) / 2 + difference
    scores = random.choice([1.0, 0.5, 0.0], size=(4000, documents), p=[wins, ties, 1 - ties - wins])
    low, _ = clustered_share(copies * scores, np.full((4000, documents), float(copies))).interval()
    assert (low > 0.5).mean() == pytest.approx(0.8, abs=0.04)


def test_four_times_as_many_questions_detect_half_the_difference() -> None:
    few = minimum_detectable_difference(100, decided_share=1.0, degrees=99) or 0
    many = minimum_detectable_difference(400, decided_share=1.0, degrees=399) or 0
    assert many == pytest.approx(few / 2, rel=0.02)


@pytest.mark.parametrize(("questions", "decided"), [(0, 1.0), (50, 0.0)])
def test_no_difference_is_detectable_without_a_decided_question(questions: int, decided: float) -> None:
    assert minimum_detectable_difference(questions, decided_share=decided, degrees=10) is None


def test_the_detectable_difference_is_at_most_one_half() -> None:
    assert minimum_detectable_difference(2, decided_share=1.0, degrees=1) == 0.5
