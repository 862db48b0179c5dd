"""Test that the verdict sentence and the promotion rule cannot contradict each other, whatever the comparisons are."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from include.distill.config.promotion_rule import Promotion
from include.distill.evaluation.comparisons import compare_all
from include.distill.evaluation.promotion import decide_promotion
from include.distill.evaluation.withheld_verdicts import reason_to_withhold
from include.distill.report.verdict_sentence import verdict_parts

JUDGES = ("haiku", "llama", "mistral")


def verdicts(judge: str, outcomes: list[str]) -> list[dict[str, Any]]:
    return [
        {"row_id": f"r{n}", "judge": judge, "candidate": "tuned", "baseline": "best", "order": order, "verdict": won}
        for n, won in enumerate(outcomes)
        for order in ("candidate_first", "baseline_first")
    ]


@st.composite
def runs(draw: Any) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Draw the comparisons of one to three judges, often near the limits of the rule, and the use case's judges."""
    judges = JUDGES[: draw(st.integers(1, 3))]
    groups = draw(st.sampled_from([2, 20, 39, 40, 60, 200]))
    records = []
    for judge in judges:
        sizes = [draw(st.integers(0, maximum)) for maximum in (160, 60, 60, 8)]
        words = ("candidate", "baseline", "tie", "unparsable")
        outcomes = [word for word, size in zip(words, sizes, strict=True) for _ in range(size)] or ["tie"]
        records.append(verdicts(judge, outcomes))
    clusters = {f"r{n}": f"g{n % groups}" for n in range(400)}
    comparisons = [{**entry} for entry in compare_all(records, clusters)]
    for entry in comparisons:
        if draw(st.integers(0, 9)) == 0:
            entry["finding"] = draw(st.sampled_from(["candidate", "baseline", "unclear", "too_few", "unreadable"]))
    expected = draw(st.sampled_from([judges, JUDGES]))
    return comparisons, expected


RULES = st.builds(
    Promotion,
    margin=st.sampled_from([0.0, 0.02]),
    min_decisive=st.sampled_from([1, 50, 100]),
    min_clusters=st.sampled_from([2, 20, 40]),
    max_unparsable_share=st.sampled_from([0.02, 1.0]),
)


def decide(comparisons: Any, judges: Any, rule: Promotion) -> Any:
    return decide_promotion(comparisons, candidate="tuned", champion="best", judges=judges, contaminated=0, rule=rule)


@settings(max_examples=300, deadline=None)
@given(run=runs(), rule=RULES)
@example(
    run=([{**compare_all([verdicts("haiku", ["candidate"] * 55)], {f"r{n}": f"g{n % 20}" for n in range(55)})[0]}],
         ("haiku",)),
    rule=Promotion(min_decisive=50, min_clusters=20),
)  # fmt: skip
def test_a_promotion_implies_a_verdict_in_favor_of_the_candidate_from_every_judge(run: Any, rule: Promotion) -> None:
    comparisons, judges = run
    promoted = decide(comparisons, judges, rule).promoted
    claim, _ = verdict_parts(comparisons, judges)
    if promoted:
        words = {1: "the only judge", 2: "both judges", 3: "all 3 judges"}[len(judges)]
        assert claim == f"tuned is better than best for {words}"
        assert {entry["finding"] for entry in comparisons} == {"candidate"}
        assert min(entry["n"] - entry["unparsable"] for entry in comparisons) >= 100
        assert min(entry["decisive_clusters"] for entry in comparisons) >= 40
    if reason := reason_to_withhold(comparisons, judges):
        assert (claim, promoted) == (reason, False)
    assert not decide(comparisons, (*judges, "absent"), rule).promoted


def test_the_property_above_is_tested_on_promotions_too() -> None:
    clusters = {f"r{n}": f"g{n % 60}" for n in range(400)}
    records = [verdicts(judge, ["candidate"] * 90 + ["baseline"] * 20) for judge in JUDGES]
    assert decide(compare_all(records, clusters), JUDGES, Promotion()).promoted
