"""
Test with simulated runs that intervals of mean scores, and of mean differences, cover the true value as stated.

The designs are those of ``test_interval_coverage.py``. A score is one of five ratings, and a difference one of nine.
The ratings of a document are drawn from shares of the document, which follow a Dirichlet distribution around the true
shares. The correlation within a document then equals the planted correlation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.distill.stats.test_interval_coverage import DESIGNS, coverage, document_sizes

# The true shares of the ratings, from the lowest to the highest.
SCORES = {
    "spread": (0.2, 0.2, 0.2, 0.2, 0.2),
    "high": (0.02, 0.03, 0.1, 0.25, 0.6),
    "two peaks": (0.4, 0.05, 0.1, 0.05, 0.4),
    "only 0 and 1": (0.3, 0.0, 0.0, 0.0, 0.7),
}
NEAR_THE_END = (0.01, 0.01, 0.03, 0.1, 0.85)
DIFFERENCES = {
    "equal arms": (0.02, 0.05, 0.08, 0.1, 0.5, 0.1, 0.08, 0.05, 0.02),
    "better candidate": (0.01, 0.02, 0.04, 0.08, 0.45, 0.15, 0.12, 0.08, 0.05),
    "few differences": (0.0, 0.01, 0.02, 0.03, 0.88, 0.03, 0.02, 0.01, 0.0),
    "much better candidate": (0.0, 0.0, 0.0, 0.02, 0.18, 0.2, 0.2, 0.2, 0.2),
}


def covered(design: str, shares: tuple[float, ...], correlation: float, random: Any) -> float:
    """Return the share of the simulated runs whose interval covers the true mean."""
    sizes = document_sizes(*DESIGNS[design], random)
    places = np.linspace(0, 1, len(shares))
    return coverage(ratings(sizes, shares, correlation, random) @ places, sizes, float(np.dot(shares, places)))


def ratings(sizes: Any, shares: tuple[float, ...], correlation: float, random: Any) -> Any:
    """Return the number of each rating, by run and document."""
    drawn = np.broadcast_to(np.array(shares), (*sizes.shape, len(shares)))
    if correlation:
        gammas = random.gamma(np.maximum(drawn * (1 - correlation) / correlation, 1e-9))
        total = gammas.sum(-1, keepdims=True)
        drawn = np.where(total > 0, gammas / np.where(total > 0, total, 1), drawn)
    counts = np.zeros(drawn.shape)
    left, rest = sizes.astype(int), np.ones(sizes.shape)
    for rating in range(len(shares) - 1):
        counts[..., rating] = random.binomial(left, np.clip(drawn[..., rating] / np.maximum(rest, 1e-12), 0, 1))
        left, rest = left - counts[..., rating].astype(int), rest - drawn[..., rating]
    counts[..., -1] = left
    return counts


def correlations(design: str) -> tuple[float, ...]:
    questions, documents, _ = DESIGNS[design]
    return (0.0,) if questions == documents else (0.0, 0.1, 0.3)  # one question has no correlation within


@pytest.mark.parametrize("design", DESIGNS)
def test_nominal_95_percent_intervals_cover_93_to_97_percent(design: str) -> None:
    random = np.random.default_rng(20261127)
    found = {
        f"{name}, correlation {correlation}": covered(design, shares, correlation, random)
        for name, shares in {**SCORES, **DIFFERENCES}.items()
        for correlation in correlations(design)
    }
    assert len(found) >= 8
    assert {where: share for where, share in found.items() if not 0.93 <= share <= 0.97} == {}


@pytest.mark.parametrize("design", DESIGNS)
def test_a_mean_near_the_end_of_its_scale_is_covered_a_little_less_often(design: str) -> None:
    random = np.random.default_rng(20261127)
    found = [covered(design, NEAR_THE_END, correlation, random) for correlation in correlations(design)]
    assert 0.91 <= min(found) <= max(found) <= 0.97
