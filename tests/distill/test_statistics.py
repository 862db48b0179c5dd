"""Each figure against a published value or a second implementation."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from include.distill import statistics
from include.distill.errors import ReconciliationError
from include.distill.statistics import compare, compare_all, finding, holm, sign_test, wilson_interval

OUTCOMES = ("candidate", "baseline", "tie", "unparsable")
MIRROR = {"candidate": "baseline", "baseline": "candidate", "tie": "tie", "unparsable": "unparsable"}
FEW = 200  # resamples: enough for properties, too few for a report


def verdicts(outcomes: list[str], *, judge: str = "haiku", swap: bool = False) -> list[dict[str, Any]]:
    names = ("base", "tuned") if swap else ("tuned", "base")
    return [
        {
            "row_id": f"row{index}",
            "judge": judge,
            "candidate": names[0],
            "baseline": names[1],
            "order": order,
            "verdict": MIRROR[outcome] if swap else outcome,
            "raw": "",
        }
        for index, outcome in enumerate(outcomes)
        for order in ("candidate_first", "baseline_first")
    ]


def groups(outcomes: list[str], *, per_group: int = 1) -> dict[str, str]:
    return {f"row{index}": f"document{index // per_group}" for index in range(len(outcomes))}


def counted(wins: int, losses: int, ties: int = 0, unparsable: int = 0) -> list[str]:
    return ["candidate"] * wins + ["baseline"] * losses + ["tie"] * ties + ["unparsable"] * unparsable


@pytest.mark.parametrize(
    ("wins", "decided", "low", "high"),
    [
        # The article's 84.8, 72.3 and 76.4 % of 343, had there been no ties.
        pytest.param(291, 343, 0.807, 0.882, id="article 84.8 %"),
        pytest.param(248, 343, 0.673, 0.768, id="article 72.3 %"),
        pytest.param(262, 343, 0.716, 0.806, id="article 76.4 %"),
    ],
)
def test_wilson_intervals_of_the_articles_percentages(wins: int, decided: int, low: float, high: float) -> None:
    assert wilson_interval(wins, decided) == pytest.approx((low, high), abs=5e-4)


@pytest.mark.parametrize(
    ("wins", "decided", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_intervals_published_by_newcombe_1998(wins: int, decided: int, low: float, high: float) -> None:
    assert wilson_interval(wins, decided) == pytest.approx((low, high), abs=5e-5)


@given(wins=st.integers(0, 400), losses=st.integers(0, 400))
def test_wilson_and_sign_test_equal_scipys(wins: int, losses: int) -> None:
    assume(wins + losses)
    reference = binomtest(wins, wins + losses, 0.5)
    scipy_interval = reference.proportion_ci(0.95, method="wilson")
    assert wilson_interval(wins, wins + losses) == pytest.approx(tuple(scipy_interval), abs=1e-12)
    assert sign_test(wins, losses) == pytest.approx(reference.pvalue, rel=1e-9)


def test_nothing_decided_is_no_share_and_no_evidence() -> None:
    assert wilson_interval(0, 0) is None
    assert sign_test(0, 0) == 1.0


@pytest.mark.parametrize(
    ("p_values", "adjusted"),
    [
        pytest.param([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02], id="the textbook's four hypotheses"),
        pytest.param([0.9, 0.8], [1.0, 1.0], id="never above one"),
        pytest.param([0.02], [0.02], id="one comparison is not corrected"),
        pytest.param([], [], id="none"),
    ],
)
def test_holm_steps_down(p_values: list[float], adjusted: list[float]) -> None:
    assert holm(p_values) == pytest.approx(adjusted)


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_keeps_the_order_and_lies_between_raw_and_bonferroni(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    for raw, corrected in zip(p_values, adjusted, strict=True):
        assert raw <= corrected <= min(1.0, len(p_values) * raw) + 1e-12
    by_raw = [corrected for _, corrected in sorted(zip(p_values, adjusted, strict=True))]
    assert by_raw == sorted(by_raw)


def test_one_comparison_has_every_figure_of_the_contract() -> None:
    outcomes = counted(12, 4, ties=3, unparsable=1)
    entry = compare(verdicts(outcomes), groups(outcomes), seed=7)
    assert {key: entry[key] for key in ("judge", "candidate", "baseline", "n", "wins", "losses")} == {
        "judge": "haiku",
        "candidate": "tuned",
        "baseline": "base",
        "n": 20,
        "wins": 12,
        "losses": 4,
    }
    assert (entry["ties"], entry["unparsable"], entry["clusters"]) == (3, 1, 19)
    assert entry["preference"] == 0.75
    assert entry["preference_ci95"] == pytest.approx(list(binomtest(12, 16).proportion_ci(0.95, method="wilson")))
    assert entry["half_win_rate"] == pytest.approx(13.5 / 19)  # the unparsable question is in no mean
    assert entry["p_value"] == entry["p_value_holm"] == pytest.approx(binomtest(12, 16).pvalue)
    assert (entry["flip_rate"], entry["first_position_rate"]) == (0.0, 0.5)


def test_nothing_decided_gives_null_and_not_a_division_error() -> None:
    outcomes = counted(0, 0, ties=2, unparsable=1)
    entry = compare(verdicts(outcomes), groups(outcomes), seed=7)
    assert (entry["preference"], entry["preference_ci95"], entry["p_value"]) == (None, None, 1.0)
    assert (entry["half_win_rate"], entry["half_win_ci95"]) == (0.5, [0.5, 0.5])


def test_nothing_parsed_has_no_half_win_rate() -> None:
    outcomes = counted(0, 0, unparsable=3)
    entry = compare(verdicts(outcomes), groups(outcomes), seed=7)
    assert (entry["half_win_rate"], entry["half_win_ci95"], entry["clusters"]) == (None, None, 0)


@settings(max_examples=40, deadline=None)
@given(outcomes=st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=30), per_group=st.integers(1, 3))
def test_swapping_the_arms_mirrors_the_figures(outcomes: list[str], per_group: int) -> None:
    clusters = groups(outcomes, per_group=per_group)
    entry = compare(verdicts(outcomes), clusters, seed=3, resamples=FEW)
    mirrored = compare(verdicts(outcomes, swap=True), clusters, seed=3, resamples=FEW)
    assert mirrored["p_value"] == entry["p_value"]
    for rate, interval in (("preference", "preference_ci95"), ("half_win_rate", "half_win_ci95")):
        if entry[rate] is not None:
            assert mirrored[rate] == pytest.approx(1 - entry[rate])
        if entry[interval] is not None:
            low, high = entry[interval]
            assert mirrored[interval] == pytest.approx([1 - high, 1 - low])


@settings(max_examples=40, deadline=None)
@given(outcomes=st.lists(st.sampled_from(OUTCOMES), min_size=4, max_size=40), per_group=st.integers(1, 2))
def test_every_interval_contains_its_estimate(outcomes: list[str], per_group: int) -> None:
    entry = compare(verdicts(outcomes), groups(outcomes, per_group=per_group), seed=3, resamples=FEW)
    for rate, interval in (("preference", "preference_ci95"), ("half_win_rate", "half_win_ci95")):
        if entry[interval] is not None:
            assert entry[interval][0] - 1e-9 <= entry[rate] <= entry[interval][1] + 1e-9


def test_the_same_seed_gives_the_same_interval_whatever_the_order_of_verdicts() -> None:
    outcomes = counted(14, 9, ties=6)
    clusters = groups(outcomes, per_group=2)
    records = verdicts(outcomes)
    first = compare(records, clusters, seed=11)
    assert compare(records[::-1], clusters, seed=11) == first
    assert compare(records, clusters, seed=12)["half_win_ci95"] != first["half_win_ci95"]


def test_questions_that_share_a_document_widen_the_interval() -> None:
    outcomes = [outcome for outcome in counted(15, 5) for _ in range(4)]
    alone = compare(verdicts(outcomes), groups(outcomes), seed=5)["half_win_ci95"]
    shared = compare(verdicts(outcomes), groups(outcomes, per_group=4), seed=5)["half_win_ci95"]
    assert shared[1] - shared[0] > 1.5 * (alone[1] - alone[0])


def test_the_resampled_interval_of_independent_questions_is_near_the_normal_one() -> None:
    outcomes = counted(200, 100)
    low, high = compare(verdicts(outcomes), groups(outcomes), seed=5)["half_win_ci95"]
    margin = 1.96 * (2 / 3 * 1 / 3 / 300) ** 0.5
    assert (low, high) == pytest.approx((2 / 3 - margin, 2 / 3 + margin), abs=0.01)


def test_holm_runs_over_all_comparisons_of_a_report() -> None:
    outcomes = {"haiku": counted(15, 3), "llama": counted(11, 7)}
    records = [verdicts(result, judge=judge) for judge, result in outcomes.items()]
    strong, weak = compare_all(records, groups(outcomes["haiku"]), seed=7, resamples=FEW)
    assert strong["p_value_holm"] == pytest.approx(2 * strong["p_value"])
    assert weak["p_value_holm"] == weak["p_value"]


@pytest.mark.parametrize(
    ("records", "words"),
    [
        pytest.param([], "found 0: none", id="none"),
        pytest.param(verdicts(["tie"]) + verdicts(["tie"], judge="llama"), "found 2", id="two judges"),
        pytest.param(verdicts(["tie", "tie"]), "Judged row row1", id="a row without a group"),
    ],
)
def test_a_comparison_that_is_not_one_is_refused(records: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(ReconciliationError, match=words):
        compare(records, {"row0": "document0"}, seed=7)


@pytest.mark.parametrize(
    ("outcomes", "per_group", "expected"),
    [
        pytest.param(counted(40, 10), 1, "candidate", id="clearly better"),
        pytest.param(counted(10, 40), 1, "baseline", id="clearly worse"),
        pytest.param(counted(26, 24), 1, "unclear", id="a coin"),
        pytest.param(counted(0, 0, ties=50), 1, "unclear", id="all ties"),
        pytest.param(counted(19, 0), 1, "too_few", id="too few questions"),
        pytest.param(counted(19, 0, unparsable=30), 1, "too_few", id="unparsable questions do not help"),
        pytest.param(counted(40, 10), 10, "too_few", id="too few documents"),
    ],
)
def test_a_finding_needs_enough_questions_and_a_difference_chance_does_not_make(
    outcomes: list[str], per_group: int, expected: str
) -> None:
    assert finding(compare(verdicts(outcomes), groups(outcomes, per_group=per_group), seed=7)) == expected


def test_the_sign_test_alone_does_not_decide_when_few_documents_made_the_difference() -> None:
    # Ten documents of eight questions: seven documents all won, three all lost.
    outcomes = counted(56, 24)
    entry = compare(verdicts(outcomes), groups(outcomes, per_group=8), seed=7)
    assert entry["p_value_holm"] < statistics.SIGNIFICANCE
    assert finding(entry) == "unclear"
