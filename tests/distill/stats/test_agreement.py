"""Test kappa with published tables, and its interval with the large-sample formula and with planted agreement."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.distill.stats.agreement import MINIMUM_GROUPS, MINIMUM_RATED, agreement_table, cohen_kappa, kappa_interval

Table = list[list[int]]
# Fleiss, Cohen and Everitt 1969: two clinicians, 200 patients, three diagnoses.
DIAGNOSES: Table = [[106, 10, 4], [22, 28, 10], [2, 12, 6]]


def ratings_of(table: Table) -> list[tuple[str, str]]:
    cells = product(range(len(table)), repeat=2)
    return [(str(row), str(column)) for row, column in cells for _ in range(table[row][column])]


def large_sample_error(table: Table) -> float:
    """Return the standard error of Fleiss, Cohen and Everitt (1969), written from their formula."""
    n = sum(map(sum, table))
    p = [[count / n for count in row] for row in table]
    size = range(len(table))
    rows, columns = [sum(row) for row in p], [sum(row[j] for row in p) for j in size]
    observed, chance = sum(p[i][i] for i in size), sum(rows[i] * columns[i] for i in size)
    kappa = (observed - chance) / (1 - chance)
    a = sum(p[i][i] * (1 - (rows[i] + columns[i]) * (1 - kappa)) ** 2 for i in size)
    b = (1 - kappa) ** 2 * sum(p[i][j] * (columns[i] + rows[j]) ** 2 for i in size for j in size if i != j)
    c = (kappa - chance * (1 - kappa)) ** 2
    return float(((a + b - c) / n) ** 0.5 / (1 - chance))


@pytest.mark.parametrize(
    ("table", "kappa"),
    [
        pytest.param(DIAGNOSES, 0.429, id="Fleiss, Cohen and Everitt 1969"),
        pytest.param([[20, 5], [10, 15]], 0.40, id="the grant proposals"),
        pytest.param([[45, 15], [25, 15]], 0.1304, id="equal agreement, other chance (1)"),
        pytest.param([[25, 35], [5, 35]], 0.2593, id="equal agreement, other chance (2)"),
        pytest.param([[10, 0], [0, 10]], 1.0, id="full agreement"),
        pytest.param([[0, 10], [10, 0]], -1.0, id="full contradiction"),
        pytest.param([[25, 25], [25, 25]], 0.0, id="chance"),
    ],
)
def test_kappa_equals_the_published_values(table: Table, kappa: float) -> None:
    assert cohen_kappa(ratings_of(table)) == pytest.approx(kappa, abs=5e-4)


@pytest.mark.parametrize("table", [DIAGNOSES, [[45, 15], [25, 15]], [[200, 50], [100, 150]]])
def test_the_interval_of_independent_questions_equals_the_large_sample_interval(table: Table) -> None:
    ratings = ratings_of(table)
    low, high = kappa_interval(ratings, range(len(ratings))) or (0, 0)
    assert (high - low) / 2 == pytest.approx(1.96 * large_sample_error(table), rel=0.04)
    assert (low + high) / 2 == pytest.approx(cohen_kappa(ratings))


def test_copies_of_a_question_do_not_narrow_the_interval() -> None:
    ratings = ratings_of(DIAGNOSES)
    copied, documents = ratings * 3, [*range(len(ratings))] * 3
    assert kappa_interval(copied, documents) == pytest.approx(kappa_interval(ratings, range(len(ratings))))


@pytest.mark.parametrize("ratings", [[], [("tie", "tie")] * 9], ids=["none", "only one verdict"])
def test_kappa_is_undefined_when_chance_alone_gives_full_agreement(ratings: list[tuple[str, str]]) -> None:
    assert cohen_kappa(ratings) is None
    assert kappa_interval(ratings, range(len(ratings))) is None


@given(st.lists(st.tuples(st.sampled_from("abt"), st.sampled_from("abt")), min_size=3, max_size=40))
def test_kappa_does_not_depend_on_the_order_of_the_raters(ratings: list[tuple[str, str]]) -> None:
    swapped = [(b, a) for a, b in ratings]
    kappa, mirrored = cohen_kappa(ratings), cohen_kappa(swapped)
    assert (kappa is None) == (mirrored is None)
    if kappa is not None:
        assert kappa == pytest.approx(mirrored)
        assert -1 <= kappa <= 1


def test_two_raters_are_compared_on_the_questions_that_both_rated() -> None:
    raters = {
        "haiku": {"q1": "candidate", "q2": "tie", "q3": "baseline", "q4": "candidate"},
        "llama": {"q1": "candidate", "q2": "tie", "q3": "candidate"},
        "ann": {"q9": "tie"},
    }
    table = agreement_table(raters, lambda item: item)
    assert [(line["first"], line["second"], line["n"]) for line in table] == [
        ("haiku", "llama", 3),
        ("haiku", "ann", 0),
        ("llama", "ann", 0),
    ]
    assert table[0]["observed"] == pytest.approx(2 / 3)
    assert table[0]["kappa"] == pytest.approx((2 / 3 - 1 / 3) / (1 - 1 / 3))
    assert (table[0]["clusters"], table[1]["clusters"]) == (3, 0)
    assert (table[1]["observed"], table[1]["kappa"], table[1]["kappa_ci95"]) == (None, None, None)


SAMPLES = 400


def sample_intervals(
    rated: int, documents: int, *, kappa: float, shares: tuple[float, ...], correlation: float, random: Any
) -> list[list[float] | None]:
    """
    Draw many samples of two raters with a planted agreement, and return the interval of each sample.

    Both raters give the verdicts with the same ``shares``. With a probability of the square root of ``correlation``, a
    question has the pair of verdicts that was drawn for its document. Otherwise its pair is drawn separately.
    """
    alone = np.array(shares)
    cells = (kappa * np.diag(alone) + (1 - kappa) * np.outer(alone, alone)).ravel()
    intervals = []
    for _ in range(SAMPLES):
        groups = np.concatenate([np.arange(documents), random.integers(documents, size=rated - documents)])
        own, shared = random.choice(9, size=rated, p=cells), random.choice(9, size=documents, p=cells)
        drawn = np.where(random.random(rated) < correlation**0.5, shared[groups], own)
        intervals.append(kappa_interval([(str(cell // 3), str(cell % 3)) for cell in drawn], groups.tolist()))
    return intervals


EVEN, UNEVEN = (0.4, 0.3, 0.3), (0.6, 0.25, 0.15)


def power_to_detect_agreement(rated: int, documents: int, random: Any) -> float:
    """Return the share of samples whose interval excludes a kappa of 0 when the true kappa is 0.4."""
    intervals = sample_intervals(rated, documents, kappa=0.4, shares=EVEN, correlation=0.1, random=random)
    return sum(interval is not None and interval[0] > 0 for interval in intervals) / SAMPLES


def test_agreement_is_detected_in_80_percent_of_samples_of_the_minimum_size_and_less_often_below_it() -> None:
    random = np.random.default_rng(1960)
    assert power_to_detect_agreement(MINIMUM_RATED, MINIMUM_GROUPS, random) >= 0.8
    assert power_to_detect_agreement(30, 20, random) < 0.8
    assert power_to_detect_agreement(20, 20, random) < 0.7


def test_the_interval_has_the_stated_coverage_at_the_minimum_size() -> None:
    random = np.random.default_rng(1969)
    covered = {}
    for kappa, shares, correlation in product((0.0, 0.4, 0.8), (EVEN, UNEVEN), (0.0, 0.3)):
        plan = {"kappa": kappa, "shares": shares, "correlation": correlation}
        sampled = sample_intervals(MINIMUM_RATED, MINIMUM_GROUPS, **plan, random=random)  # type: ignore[arg-type]
        intervals = [interval for interval in sampled if interval is not None]
        assert len(intervals) == SAMPLES
        covered[str(plan)] = sum(low <= kappa <= high for low, high in intervals) / SAMPLES
    assert {plan: share for plan, share in covered.items() if not 0.85 <= share <= 0.98} == {}


def test_kappa_has_no_interval_for_fewer_than_three_documents() -> None:
    ratings = ratings_of(DIAGNOSES)
    assert kappa_interval(ratings, [number % 2 for number in range(len(ratings))]) is None
    assert kappa_interval(ratings, [number % 3 for number in range(len(ratings))]) is not None
