"""
Test with simulated judges that the figures show a planted accuracy and bias, and that no bias causes a promotion.

A simulated judge sees two answers. The candidate's answer is truly better with a planted probability. With the
probability of its position bias, the judge chooses the answer that is shown first. Otherwise, with the probability of
its length bias, it chooses the longer answer. Otherwise it chooses the better answer as often as its accuracy states.
Each order is judged separately.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from include.distill.config.promotion_rule import Promotion
from include.distill.evaluation.comparisons import MINIMUM_CLUSTERS, compare, find_winner
from include.distill.evaluation.promotion import ALPHA, decide_promotion
from include.distill.evaluation.records import ComparisonResult
from include.distill.stats.intervals import clustered_share
from include.distill.stats.significance import clustered_sign_test, holm

RULE = Promotion()
RUNS = 2000
QUESTIONS = 100
FIGURES = 4000  # number of questions in a large run, whose figures are close to their expected values
# A count whose expected value is exactly the allowed number is below this limit in 95 of 100 cases.
LIMIT = RUNS * ALPHA + 1.645 * (RUNS * ALPHA * (1 - ALPHA)) ** 0.5


def chosen(shape: Any, random: Any, *, better: float, accuracy: float, first: float, longer: float) -> dict[str, Any]:
    """Return whether the candidate's answer is longer and, for each order, whether the judge chose that answer."""
    truly, is_longer = random.random(shape) < better, random.random(shape) < 0.5
    votes = {}
    for order, candidate_is_first in (("candidate_first", True), ("baseline_first", False)):
        sees = np.where(random.random(shape) < accuracy, truly, ~truly)
        sees = np.where(random.random(shape) < longer, is_longer, sees)
        votes[order] = np.where(random.random(shape) < first, candidate_is_first, sees)
    return {"longer": is_longer, **votes}


def verdicts(votes: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the verdicts of one run."""
    return [
        {
            "row_id": f"row{row}",
            "judge": "haiku",
            "candidate": "tuned",
            "baseline": "champion",
            "order": order,
            "verdict": "candidate" if votes[order][row] else "baseline",
            "candidate_characters": 20 if votes["longer"][row] else 10,
            "baseline_characters": 15,
        }
        for row in range(len(votes["longer"]))
        for order in ("candidate_first", "baseline_first")
    ]


def figures(**planted: float) -> dict[str, Any]:
    questions = FIGURES
    settings = {"better": 0.5, "accuracy": 1.0, "first": 0.0, "longer": 0.0, **planted}
    votes = chosen(questions, np.random.default_rng(11), **settings)
    return compare(verdicts(votes), {f"row{row}": f"document{row}" for row in range(questions)})


@pytest.mark.parametrize("accuracy", [0.7, 0.9, 1.0])
@pytest.mark.parametrize("better", [0.3, 0.6, 0.9])
def test_preference_and_half_win_rate_follow_from_the_accuracy_of_the_judge(accuracy: float, better: float) -> None:
    entry = figures(better=better, accuracy=accuracy)
    both_right, both_wrong = accuracy**2, (1 - accuracy) ** 2
    won = better * both_right + (1 - better) * both_wrong
    assert entry["preference"] == pytest.approx(won / (both_right + both_wrong), abs=0.03)
    assert entry["half_win_rate"] == pytest.approx(won + accuracy * (1 - accuracy), abs=0.03)
    assert entry["flip_rate"] == pytest.approx(2 * accuracy * (1 - accuracy), abs=0.03)
    assert entry["first_position_rate"] == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("bias", [0.0, 0.2, 0.5, 1.0])
def test_position_bias_changes_the_position_rates_but_not_the_preference(bias: float) -> None:
    entry = figures(better=0.7, first=bias)
    assert entry["first_position_rate"] == pytest.approx(bias + (1 - bias) / 2, abs=0.03)
    assert entry["flip_rate"] == pytest.approx(bias, abs=0.03)
    assert entry["wins"] == pytest.approx((1 - bias) * 0.7 * FIGURES, abs=0.03 * FIGURES)
    if bias < 1:
        assert entry["preference"] == pytest.approx(0.7, abs=0.03)


def test_full_position_bias_gives_only_ties_and_an_unclear_finding() -> None:
    entry = figures(better=1.0, first=1.0)
    assert (entry["wins"], entry["losses"], entry["ties"]) == (0, 0, FIGURES)
    assert (entry["preference"], entry["p_value"], entry["finding"]) == (None, 1.0, "unclear")
    assert entry["half_win_rate"] == 0.5


@pytest.mark.parametrize("bias", [0.0, 0.4, 1.0])
def test_length_bias_changes_the_longer_wins_rate_but_not_the_preference(bias: float) -> None:
    entry = figures(better=0.5, longer=bias)
    # A question is decided when the judge goes by length in both orders, or by quality in both.
    # When the judge goes by length in one order and by quality in the other, half of the questions are ties.
    decided = bias**2 + (1 - bias) ** 2 + bias * (1 - bias)
    won_by_longer = bias**2 + (1 - bias) ** 2 / 2 + bias * (1 - bias)
    assert entry["longer_wins_rate"] == pytest.approx(won_by_longer / decided, abs=0.03)
    assert entry["preference"] == pytest.approx(0.5, abs=0.03)


def entries(judge: str, wins: Any, losses: Any, questions_per_document: int = 1) -> list[dict[str, Any]]:
    """Return one comparison per run, as ``compare`` returns it, from outcomes by run and document."""
    sizes = np.full(wins.shape, float(questions_per_document))
    share = clustered_share((sizes + wins - losses) / 2, sizes)
    low, high = share.interval()
    return [
        {
            "judge": judge,
            "candidate": "tuned",
            "baseline": "champion",
            "n": int(sizes[run].sum()),
            "wins": int(wins[run].sum()),
            "losses": int(losses[run].sum()),
            "ties": int((sizes[run] - wins[run] - losses[run]).sum()),
            "unparsable": 0,
            "clusters": wins.shape[1],
            "decisive_clusters": int((wins[run] + losses[run] > 0).sum()),
            "clusters_won": int((wins[run] > losses[run]).sum()),
            "clusters_lost": int((wins[run] < losses[run]).sum()),
            "largest_cluster_share": float(sizes[run].max() / sizes[run].sum()),
            "half_win_rate": float(share.share[run]),
            "half_win_ci95": [float(low[run]), float(high[run])],
            "p_value": clustered_sign_test(wins[run] - losses[run]),
            "max_unparsable_share": 0.05,
        }
        for run in range(wins.shape[0])
    ]


def simulated_runs(judge: str, random: Any, **planted: float) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    settings = {"better": 0.5, "accuracy": 0.8, "first": 0.0, "longer": 0.0, **planted}
    votes = chosen((RUNS, QUESTIONS), random, **settings)
    ahead, behind = votes["candidate_first"], votes["baseline_first"]
    return entries(judge, (ahead & behind).astype(float), (~ahead & ~behind).astype(float)), votes


def promotions(*judges: list[dict[str, Any]]) -> int:
    """Return the number of runs in which the rule promotes the candidate."""
    names = [judge[0]["judge"] for judge in judges]
    decisions = (
        decide_promotion(
            with_findings(run), candidate="tuned", champion="champion", judges=names, contaminated=0, rule=RULE
        )
        for run in zip(*judges, strict=True)
    )
    return sum(decision.promoted for decision in decisions)


def with_findings(run: Any) -> list[dict[str, Any]]:
    """Complete the comparisons of one run as ``compare_all`` does. The rule does not read the figures that are 0."""
    unread = set(ComparisonResult.__annotations__) - set(run[0]) - {"p_value_holm", "finding"}
    corrected = holm([entry["p_value"] for entry in run])
    entries = [
        {**dict.fromkeys(unread, 0), **entry, "p_value_holm": p} for entry, p in zip(run, corrected, strict=True)
    ]
    return [{**entry, "finding": find_winner(entry)} for entry in entries]


def at_the_margin(accuracy: float) -> float:
    """Return the share of better answers that gives a half-win rate of exactly one half plus the margin."""
    return 0.5 + RULE.margin / (2 * accuracy - 1)


def test_the_simulated_entries_equal_the_result_of_compare() -> None:
    simulated, votes = simulated_runs("haiku", np.random.default_rng(5), better=0.6)
    one = {name: part[0] for name, part in votes.items()}
    entry = compare(verdicts(one), {f"row{row}": f"document{row}" for row in range(QUESTIONS)})
    assert simulated[0].pop("half_win_ci95") == pytest.approx(entry["half_win_ci95"])
    assert simulated[0] == pytest.approx({key: entry[key] for key in simulated[0]})


NO_BETTER = {
    "truly equal": {"better": 0.5},
    "exactly at the margin": {"better": at_the_margin(0.8)},
    "worse": {"better": 0.45},
    "equal, half position bias": {"better": 0.5, "first": 0.5},
    "equal, all position bias": {"better": 0.5, "first": 1.0},
    "better, all position bias": {"better": 1.0, "first": 1.0},
    "equal, half length bias": {"better": 0.5, "longer": 0.5},
}


@pytest.mark.parametrize("planted", NO_BETTER.values(), ids=NO_BETTER)
def test_two_judges_promote_a_candidate_that_is_not_better_at_most_at_the_stated_rate(
    planted: dict[str, float],
) -> None:
    random = np.random.default_rng(20250212)
    promoted = promotions(simulated_runs("haiku", random, **planted)[0], simulated_runs("llama", random, **planted)[0])
    assert promoted <= RUNS * ALPHA


def test_a_single_judge_promotes_a_candidate_at_the_margin_at_most_at_the_stated_rate() -> None:
    alone = simulated_runs("haiku", np.random.default_rng(9), better=at_the_margin(0.8))[0]
    assert promotions(alone) <= LIMIT


@pytest.mark.parametrize("correlation", [0.1, 0.3])
def test_the_smallest_run_that_may_promote_a_candidate_keeps_the_stated_rate(correlation: float) -> None:
    """One judge decides all of 120 questions about forty documents, and the true rate is exactly at the margin."""
    random = np.random.default_rng(20250212)
    spread = (1 - correlation) / correlation
    truth = 0.5 + RULE.margin
    chances = random.beta(truth * spread, (1 - truth) * spread, size=(RUNS, MINIMUM_CLUSTERS))
    wins = random.binomial(3, chances).astype(float)
    assert promotions(entries("haiku", wins, 3 - wins, questions_per_document=3)) <= LIMIT


def test_a_candidate_that_is_much_better_is_promoted_in_most_runs() -> None:
    """Guard the tests above, which a rule that never promotes would pass."""
    random = np.random.default_rng(2)
    better = [simulated_runs(judge, random, better=0.85, accuracy=0.9)[0] for judge in ("haiku", "llama")]
    assert promotions(*better) > 0.9 * RUNS
