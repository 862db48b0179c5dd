"""Compare each interval with published values or with a second implementation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binomtest, t

from include.distill.stats.intervals import clustered_interval, clustered_share, design_effect, wilson_interval


@pytest.mark.parametrize(
    ("wins", "decided", "low", "high"),
    [
        # The article reports 84.8, 72.3 and 76.4 % of 343 questions. Its ties are unknown; these values assume none.
        pytest.param(291, 343, 0.807, 0.882, id="article 84.8 %"),
        pytest.param(248, 343, 0.673, 0.768, id="article 72.3 %"),
        pytest.param(262, 343, 0.716, 0.806, id="article 76.4 %"),
        # Newcombe 1998, Statistics in Medicine 17, table I, method 3.
        pytest.param(81, 263, 0.2553, 0.3662, id="Newcombe 81/263"),
        pytest.param(15, 148, 0.0624, 0.1605, id="Newcombe 15/148"),
        pytest.param(0, 20, 0.0, 0.1611, id="Newcombe 0/20"),
        pytest.param(1, 29, 0.0061, 0.1718, id="Newcombe 1/29"),
    ],
)
def test_wilson_intervals_equal_the_published_values(wins: int, decided: int, low: float, high: float) -> None:
    digits = 5e-4 if decided == 343 else 5e-5
    assert wilson_interval(wins, decided) == pytest.approx((low, high), abs=digits)


@pytest.mark.parametrize("wins", [291, 248, 262])
def test_the_intervals_of_the_articles_figures_equal_the_wilson_formula(wins: int) -> None:
    share, n, z = wins / 343, 343, 1.959963984540054
    root = z * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
    expected = [(share + z**2 / (2 * n) + sign * root) / (1 + z**2 / n) for sign in (-1, 1)]
    assert wilson_interval(wins, n) == pytest.approx(tuple(expected), abs=1e-12)


@given(wins=st.integers(0, 400), losses=st.integers(0, 400))
def test_the_wilson_interval_equals_the_interval_of_scipy(wins: int, losses: int) -> None:
    assume(wins + losses)
    reference = binomtest(wins, wins + losses, 0.5).proportion_ci(0.95, method="wilson")
    assert wilson_interval(wins, wins + losses) == pytest.approx(tuple(reference), abs=1e-12)


def test_there_is_no_wilson_interval_without_a_decided_question() -> None:
    assert wilson_interval(0, 0) is None


groups = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 6)), min_size=2, max_size=40).map(
    lambda pairs: (np.array([float(min(w, n)) for w, n in pairs]), np.array([float(n) for _, n in pairs]))
)


def test_the_variance_of_groups_of_equal_size_is_the_variance_of_their_mean() -> None:
    parts, sizes = np.array([4.0, 1, 3, 2, 0, 4, 3, 3]), np.full(8, 4.0)
    clustered = clustered_share(parts, sizes)
    means = parts / sizes
    assert clustered.share == pytest.approx(means.mean())
    assert clustered.variance == pytest.approx(means.var(ddof=1) / 8)
    assert clustered.degrees == pytest.approx(7)


def test_the_interval_of_equal_groups_is_the_wilson_interval_with_student_t_and_the_effective_size() -> None:
    parts, sizes = np.array([4.0, 1, 3, 2, 0, 4, 3, 3]), np.full(8, 4.0)
    share, variance = parts.sum() / 32, (parts / 4).var(ddof=1) / 8
    effective, q = share * (1 - share) / variance, t.ppf(0.975, 7)
    root = q * (share * (1 - share) / effective + q**2 / (4 * effective**2)) ** 0.5
    expected = [(share + q**2 / (2 * effective) + sign * root) / (1 + q**2 / effective) for sign in (-1, 1)]
    assert clustered_interval(parts, sizes) == pytest.approx(tuple(expected))


def test_the_variance_equals_the_variance_from_resampling_whole_groups() -> None:
    random = np.random.default_rng(4)
    sizes = random.integers(1, 9, 200).astype(float)
    parts = random.binomial(sizes.astype(int), random.beta(3, 2, 200)).astype(float)
    drawn = random.integers(0, 200, (4000, 200))
    resampled = parts[drawn].sum(1) / sizes[drawn].sum(1)
    assert clustered_share(parts, sizes).variance ** 0.5 == pytest.approx(resampled.std(), rel=0.05)


def test_many_groups_of_one_question_have_the_wilson_interval() -> None:
    parts = np.array([1.0] * 260 + [0.0] * 83)
    assert clustered_interval(parts, np.ones(343)) == pytest.approx(wilson_interval(260, 343), abs=6e-4)


@given(groups)
def test_the_interval_contains_the_share_and_stays_between_0_and_1(data: tuple) -> None:  # type: ignore[type-arg]
    parts, sizes = data
    low, high = clustered_interval(parts, sizes) or (0, 0)
    assert 0 <= low <= parts.sum() / sizes.sum() + 1e-12
    assert parts.sum() / sizes.sum() - 1e-12 <= high <= 1


@given(groups)
def test_swapping_wins_and_losses_mirrors_the_interval(data: tuple) -> None:  # type: ignore[type-arg]
    parts, sizes = data
    low, high = clustered_interval(parts, sizes) or (0, 0)
    assert clustered_interval(sizes - parts, sizes) == pytest.approx((1 - high, 1 - low))


def test_groups_of_several_questions_widen_the_interval() -> None:
    alone = clustered_interval(np.array([1.0] * 60 + [0.0] * 40), np.ones(100)) or (0, 0)
    shared = clustered_interval(np.array([4.0] * 15 + [0.0] * 10), np.full(25, 4.0)) or (0, 0)
    assert shared[1] - shared[0] > 1.5 * (alone[1] - alone[0])


def test_a_group_without_questions_does_not_change_the_interval() -> None:
    parts, sizes = np.array([3.0, 1, 2]), np.array([4.0, 2, 5])
    padded = clustered_interval(np.append(parts, 0.0), np.append(sizes, 0.0))
    assert padded == clustered_interval(parts, sizes)


@pytest.mark.parametrize("sizes", [[5.0], [5.0, 0.0]], ids=["one group", "one group with questions"])
def test_the_interval_of_a_single_group_is_0_to_1(sizes: list[float]) -> None:
    assert clustered_interval(np.zeros(len(sizes)), np.array(sizes)) == (0.0, 1.0)


def test_there_is_no_interval_without_a_scored_question() -> None:
    assert clustered_interval(np.zeros(1), np.zeros(1)) is None


def test_each_group_counts_as_one_question_when_the_scores_do_not_vary() -> None:
    low, high = clustered_interval(np.full(40, 3.0), np.full(40, 3.0)) or (0, 0)
    z = t.ppf(0.975, 39)
    assert (low, high) == pytest.approx((40 / (40 + z**2), 1.0))


def test_the_design_effect_of_copied_questions_is_the_number_of_copies() -> None:
    parts = np.array([1.0] * 60 + [0.0] * 40)
    effect = design_effect(4 * parts, np.full(100, 4.0), squares=240.0)
    assert effect == pytest.approx(4, rel=0.02)
    assert design_effect(parts, np.ones(100), squares=60.0) == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize(
    ("parts", "squares"), [([2.0], 2.0), ([1.0, 1.0], 2.0)], ids=["one group", "no variance at all"]
)
def test_the_design_effect_is_1_when_it_cannot_be_estimated(parts: list[float], squares: float) -> None:
    assert design_effect(np.array(parts), np.ones(len(parts)), squares) == 1.0
