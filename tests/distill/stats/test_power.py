"""What a comparison of a size can find, against a published sample size and against simulated nights."""

from __future__ import annotations

import numpy as np
import pytest

from include.distill.stats.intervals import clustered_share
from include.distill.stats.power import minimum_detectable_difference


def test_a_textbook_sample_size_gives_its_difference_back() -> None:
    """One proportion, 0.5 against 0.6, two-sided 5 %, power 80 %: 194 (Fleiss), 196 with the variance of 0.5."""
    found = minimum_detectable_difference(196, decided_share=1.0, degrees=10**9)
    assert found == pytest.approx(0.1, abs=5e-4)


@pytest.mark.parametrize(("ties", "copies"), [(0.0, 1), (0.3, 1), (0.0, 4)], ids=["plain", "ties", "four alike"])
def test_a_true_difference_of_that_size_is_found_four_times_out_of_five(ties: float, copies: int) -> None:
    documents, random = 150, np.random.default_rng(3)
    difference = minimum_detectable_difference(
        documents * copies, decided_share=1 - ties, design_effect=copies, degrees=documents - 1
    )
    assert difference is not None
    wins = (1 - ties) / 2 + difference
    scores = random.choice([1.0, 0.5, 0.0], size=(4000, documents), p=[wins, ties, 1 - ties - wins])
    low, _ = clustered_share(copies * scores, np.full((4000, documents), float(copies))).interval()
    assert (low > 0.5).mean() == pytest.approx(0.8, abs=0.04)


def test_more_questions_find_smaller_differences_and_ties_hide_none() -> None:
    few = minimum_detectable_difference(100, decided_share=1.0, degrees=99) or 0
    many = minimum_detectable_difference(400, decided_share=1.0, degrees=399) or 0
    assert many == pytest.approx(few / 2, rel=0.02)


@pytest.mark.parametrize(("questions", "decided"), [(0, 1.0), (50, 0.0)])
def test_nothing_decided_finds_nothing(questions: int, decided: float) -> None:
    assert minimum_detectable_difference(questions, decided_share=decided, degrees=10) is None


def test_no_difference_is_larger_than_all() -> None:
    assert minimum_detectable_difference(2, decided_share=1.0, degrees=1) == 0.5
