"""Test the figures of a comparison and the finding about which arm is better."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from include.distill.core.errors import ReconciliationError
from include.distill.evaluation.comparisons import compare, compare_all
from include.distill.stats.intervals import wilson_interval
from include.distill.stats.significance import sign_test

OUTCOMES = ("candidate", "baseline", "tie", "unparsable")
MIRROR = {"candidate": "baseline", "baseline": "candidate", "tie": "tie", "unparsable": "unparsable"}


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


def test_a_comparison_has_every_figure_of_the_report() -> None:
    outcomes = counted(12, 4, ties=3, unparsable=1)
    entry = compare(verdicts(outcomes), groups(outcomes))
    assert {key: entry[key] for key in ("judge", "candidate", "baseline", "n", "wins", "losses")} == {
        "judge": "haiku",
        "candidate": "tuned",
        "baseline": "base",
        "n": 20,
        "wins": 12,
        "losses": 4,
    }
    assert (entry["ties"], entry["unparsable"]) == (3, 1)
    assert (entry["clusters"], entry["decisive_clusters"]) == (19, 16)
    assert entry["largest_cluster_share"] == pytest.approx(1 / 19)
    assert entry["preference"] == 0.75
    assert entry["half_win_rate"] == pytest.approx(13.5 / 19)  # the mean leaves out the unparsable question
    assert entry["p_value"] == entry["p_value_holm"] == pytest.approx(binomtest(12, 16).pvalue)
    assert (entry["flip_rate"], entry["first_position_rate"]) == (0.0, 0.5)
    assert entry["design_effect"] == pytest.approx(1, rel=0.1)
    assert 0.2 < entry["minimum_detectable_difference"] < 0.4


def test_the_interval_is_close_to_the_wilson_interval_with_one_question_per_document() -> None:
    outcomes = counted(200, 143)
    assert compare(verdicts(outcomes), groups(outcomes))["preference_ci95"] == pytest.approx(
        list(wilson_interval(200, 343) or ()), abs=1e-3
    )


def test_the_sign_test_counts_documents_and_not_questions() -> None:
    outcomes = counted(56, 24)  # ten documents of eight questions: seven won completely, three lost completely
    entry = compare(verdicts(outcomes), groups(outcomes, per_group=8))
    assert entry["p_value"] == sign_test(7, 3)


def test_a_comparison_without_a_decided_question_has_no_preference() -> None:
    outcomes = counted(0, 0, ties=2, unparsable=1)
    entry = compare(verdicts(outcomes), groups(outcomes))
    assert (entry["preference"], entry["preference_ci95"], entry["p_value"]) == (None, None, 1.0)
    assert entry["half_win_rate"] == 0.5
    assert entry["minimum_detectable_difference"] is None


def test_a_comparison_without_a_parsed_verdict_has_no_half_win_rate() -> None:
    outcomes = counted(0, 0, unparsable=3)
    entry = compare(verdicts(outcomes), groups(outcomes))
    assert (entry["half_win_rate"], entry["half_win_ci95"], entry["clusters"]) == (None, None, 0)
    assert entry["finding"] == "too_few"


def test_the_intervals_of_a_single_document_are_0_to_1() -> None:
    outcomes = counted(9, 3)
    entry = compare(verdicts(outcomes), groups(outcomes, per_group=12))
    assert (entry["preference_ci95"], entry["half_win_ci95"], entry["design_effect"]) == ([0, 1], [0, 1], None)


@settings(max_examples=60, deadline=None)
@given(outcomes=st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=30), per_group=st.integers(1, 3))
def test_swapping_the_arms_mirrors_the_figures(outcomes: list[str], per_group: int) -> None:
    clusters = groups(outcomes, per_group=per_group)
    entry = compare(verdicts(outcomes), clusters)
    mirrored = compare(verdicts(outcomes, swap=True), clusters)
    assert mirrored["p_value"] == entry["p_value"]
    for rate, interval in (("preference", "preference_ci95"), ("half_win_rate", "half_win_ci95")):
        if entry[rate] is not None:
            assert mirrored[rate] == pytest.approx(1 - entry[rate])
        if entry[interval] is not None:
            low, high = entry[interval]
            assert mirrored[interval] == pytest.approx([1 - high, 1 - low])
            assert low - 1e-9 <= entry[rate] <= high + 1e-9


@settings(max_examples=20, deadline=None)
@given(outcomes=st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=30), seed=st.randoms(use_true_random=False))
def test_the_order_of_verdicts_does_not_change_a_comparison(outcomes: list[str], seed: Any) -> None:
    records = verdicts(outcomes)
    shuffled = list(records)
    seed.shuffle(shuffled)
    clusters = groups(outcomes, per_group=2)
    assert compare(shuffled, clusters) == compare(records, clusters)


def test_the_holm_correction_covers_all_comparisons_of_a_report() -> None:
    outcomes = {"haiku": counted(15, 3), "llama": counted(11, 7)}
    records = [verdicts(result, judge=judge) for judge, result in outcomes.items()]
    strong, weak = compare_all(records, groups(outcomes["haiku"]))
    assert strong["p_value_holm"] == pytest.approx(2 * strong["p_value"])
    assert weak["p_value_holm"] == weak["p_value"]


def test_a_comparison_that_finds_a_winner_alone_may_find_none_among_several_comparisons() -> None:
    outcomes = counted(61, 39)
    (alone,) = compare_all([verdicts(outcomes)], groups(outcomes))
    among = compare_all([verdicts(outcomes, judge=f"judge{number}") for number in range(3)], groups(outcomes))
    assert alone["finding"] == "candidate"
    assert {entry["finding"] for entry in among} == {"unclear"}


@pytest.mark.parametrize(
    ("records", "words"),
    [
        pytest.param([], r"0 combinations of judge and pair were found \(none\)", id="none"),
        pytest.param(
            verdicts(["tie"]) + verdicts(["tie"], judge="llama"),
            "2 combinations of judge and pair were found",
            id="two judges",
        ),
        pytest.param(verdicts(["tie", "tie"]), "judged row row1", id="a row without a group"),
    ],
)
def test_verdicts_that_do_not_belong_to_exactly_one_comparison_are_refused(
    records: list[dict[str, Any]], words: str
) -> None:
    with pytest.raises(ReconciliationError, match=words):
        compare(records, {"row0": "document0"})


@pytest.mark.parametrize(
    ("outcomes", "per_group", "expected"),
    [
        pytest.param(counted(80, 20), 1, "candidate", id="clearly better"),
        pytest.param(counted(20, 80), 1, "baseline", id="clearly worse"),
        pytest.param(counted(52, 48), 1, "unclear", id="close to even"),
        pytest.param(counted(0, 0, ties=100), 1, "unclear", id="all ties"),
        pytest.param(counted(99, 0), 1, "too_few", id="too few questions"),
        pytest.param(counted(80, 20), 3, "too_few", id="too few documents"),
        pytest.param(counted(77, 18, unparsable=5), 1, "candidate", id="a few unparsable"),
        pytest.param(counted(76, 18, unparsable=6), 1, "unreadable", id="too many unparsable"),
    ],
)
def test_the_finding_depends_on_size_readable_verdicts_and_a_significant_difference(
    outcomes: list[str], per_group: int, expected: str
) -> None:
    assert compare(verdicts(outcomes), groups(outcomes, per_group=per_group))["finding"] == expected


def test_a_sample_is_too_small_when_one_document_has_more_than_a_tenth_of_the_questions() -> None:
    outcomes = counted(80, 20)
    clusters = {row: "large" if index < 11 else row for index, row in enumerate(groups(outcomes))}
    assert compare(verdicts(outcomes), clusters)["finding"] == "too_few"


def test_the_use_case_sets_the_allowed_share_of_unparsable_verdicts() -> None:
    outcomes = counted(70, 20, unparsable=10)
    clusters = groups(outcomes)
    assert compare(verdicts(outcomes), clusters, max_unparsable_share=0.1)["finding"] == "candidate"
    assert compare(verdicts(outcomes), clusters, max_unparsable_share=0.09)["finding"] == "unreadable"


def test_the_finding_is_unclear_when_the_sign_test_and_the_interval_favor_different_arms() -> None:
    """Of fifty documents, 36 with one question each are won, and 14 with six questions each are lost."""
    sizes = [1] * 36 + [6] * 14
    clusters = {f"row{row}": f"document{d}" for row, d in enumerate(d for d, n in enumerate(sizes) for _ in range(n))}
    entry = compare(verdicts(counted(36, 84)), clusters)
    assert entry["p_value_holm"] < 0.05
    assert entry["half_win_ci95"][1] < 0.5
    assert (entry["clusters_won"], entry["clusters_lost"]) == (36, 14)
    assert entry["finding"] == "unclear"


def test_the_finding_is_unclear_when_only_the_interval_excludes_chance() -> None:
    """Of forty documents, 26 with four questions each are won, and 14 with two questions each are lost."""
    sizes = [4] * 26 + [2] * 14
    clusters = {f"row{row}": f"document{d}" for row, d in enumerate(d for d, n in enumerate(sizes) for _ in range(n))}
    entry = compare(verdicts(counted(104, 28)), clusters)
    assert 0.05 < entry["p_value_holm"] < 0.1
    assert entry["half_win_ci95"][0] > 0.5
    assert entry["finding"] == "unclear"
