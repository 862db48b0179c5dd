"""
Test with simulated runs that nominal 95 % intervals cover the true value in 93 to 97 % of runs in a stated regime.

In this regime there are at least 100 questions about at least 40 documents, and no document has more than 10 % of the
questions. The true preference is 0.3 to 0.9, the correlation of outcomes within a document is 0 to 0.3, and up to half
of the questions are ties. For the preference, only decided questions count as questions. Wins, losses and ties
of a document are drawn from shares of the document, which follow a Dirichlet distribution around the true shares. The
correlation within a document then equals the planted correlation exactly.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from include.distill.evaluation.comparisons import LARGEST_CLUSTER_SHARE, MINIMUM_CLUSTERS, MINIMUM_QUESTIONS
from include.distill.stats.intervals import clustered_share

RUNS = 4000  # the standard error of a coverage of 95 % is then 0.35 percentage points
DESIGNS = {
    "100 questions, 100 documents": (100, 100, "even"),
    "100 questions, 40 documents": (100, 40, "even"),
    "200 questions, 40 documents": (200, 40, "random"),
    "343 questions, 60 documents": (343, 60, "random"),
    "343 questions, 100 uneven documents": (343, 100, "uneven"),
    "600 questions, 80 uneven documents": (600, 80, "uneven"),
}


def document_sizes(questions: int, documents: int, kind: str, random: Any) -> Any:
    """Return the number of questions of each document, by run. Every document has at least one question."""
    if kind == "even":
        sizes = np.full(documents, questions // documents)
        sizes[: questions % documents] += 1
        return np.tile(sizes, (RUNS, 1))
    weights = np.ones(documents) if kind == "random" else (np.arange(documents) + 10.0) ** -0.8
    return 1 + random.multinomial(questions - documents, weights / weights.sum(), size=RUNS)


def simulated_runs(sizes: Any, *, preference: float, ties: float, correlation: float, random: Any) -> tuple[Any, Any]:
    """Return wins and losses, by run and document."""
    shares = np.array([preference * (1 - ties), (1 - preference) * (1 - ties), ties])
    drawn = np.broadcast_to(shares, (*sizes.shape, 3))
    if correlation:
        gammas = random.gamma(np.maximum(shares * (1 - correlation) / correlation, 1e-9), size=(*sizes.shape, 3))
        total = gammas.sum(-1, keepdims=True)
        drawn = np.where(total > 0, gammas / np.where(total > 0, total, 1), shares)
    wins = random.binomial(sizes, drawn[..., 0])
    rest = np.maximum(1 - drawn[..., 0], 1e-12)
    losses = random.binomial(sizes - wins, np.clip(drawn[..., 1] / rest, 0, 1))
    return wins.astype(float), losses.astype(float)


def coverage(parts: Any, sizes: Any, truth: float) -> float:
    low, high = clustered_share(parts, sizes).interval()
    return float(((low <= truth) & (truth <= high)).mean())


@pytest.mark.parametrize("design", DESIGNS)
def test_nominal_95_percent_intervals_cover_93_to_97_percent(design: str) -> None:
    questions, documents, kind = DESIGNS[design]
    random = np.random.default_rng(20250212)
    covered = {}
    for preference, ties, correlation in itertools.product((0.3, 0.5, 0.7, 0.9), (0.0, 1 / 3, 1 / 2), (0.0, 0.1, 0.3)):
        if questions == documents and correlation:
            continue  # a document with one question has no correlation within
        sizes = document_sizes(questions, documents, kind, random)
        wins, losses = simulated_runs(sizes, preference=preference, ties=ties, correlation=correlation, random=random)
        where = f"preference {preference}, ties {ties:.2f}, correlation {correlation}"
        half = preference * (1 - ties) + ties / 2
        covered[f"half-win rate, {where}"] = coverage((sizes + wins - losses) / 2, sizes, half)
        if questions * (1 - ties) >= MINIMUM_QUESTIONS and (wins + losses > 0).sum(1).mean() >= MINIMUM_CLUSTERS:
            covered[f"preference, {where}"] = coverage(wins, wins + losses, preference)
        assert sizes.max() <= LARGEST_CLUSTER_SHARE * questions
    assert len(covered) > 8
    assert {where: share for where, share in covered.items() if not 0.93 <= share <= 0.97} == {}


def test_an_interval_that_ignores_documents_covers_the_true_value_in_too_few_runs() -> None:
    """Guard the test above: the simulation distinguishes a good interval from a bad interval."""
    random = np.random.default_rng(7)
    sizes = document_sizes(200, 40, "random", random)
    wins, losses = simulated_runs(sizes, preference=0.6, ties=0.0, correlation=0.3, random=random)
    every_question_a_document = np.ones(200)
    covered = []
    for run in range(400):
        parts = np.zeros(200)
        parts[: int(wins[run].sum())] = 1
        covered.append(coverage(parts, every_question_a_document, 0.6))
    assert np.mean(covered) < 0.85
    assert (losses + wins == sizes).all()
