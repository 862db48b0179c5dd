"""Test how letters become verdicts, how verdicts become outcomes, and how outcomes are counted."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.distill.core.errors import InputError, ReconciliationError
from include.distill.evaluation.records import Outcome
from include.distill.evaluation.verdicts import (
    answers_in_order,
    find_disagreements,
    orders,
    randomized_orders,
    resolve,
    tally,
    winner_of,
)

OUTCOMES = get_args(Outcome)
MIRROR = {"candidate": "baseline", "baseline": "candidate", "tie": "tie", "unparsable": "unparsable"}


def verdict(row_id: str, order: str, outcome: str, *, judge: str = "haiku") -> dict[str, Any]:
    return {
        "row_id": row_id,
        "judge": judge,
        "candidate": "tuned",
        "baseline": "base",
        "order": order,
        "verdict": outcome,
        "raw": "",
    }


def both(row_id: str, candidate_first: str, baseline_first: str, *, judge: str = "haiku") -> list[dict[str, Any]]:
    return [
        verdict(row_id, "candidate_first", candidate_first, judge=judge),
        verdict(row_id, "baseline_first", baseline_first, judge=judge),
    ]


pairs_of_outcomes = st.lists(st.tuples(st.sampled_from(OUTCOMES), st.sampled_from(OUTCOMES)), max_size=30)


def verdicts_of(pairs: list[tuple[str, str]]) -> list[dict[str, Any]]:
    return [record for index, pair in enumerate(pairs) for record in both(f"row{index}", *pair)]


@pytest.mark.parametrize(
    ("letter", "order", "expected"),
    [
        ("A", "candidate_first", "candidate"),
        ("B", "candidate_first", "baseline"),
        ("A", "baseline_first", "baseline"),
        ("B", "baseline_first", "candidate"),
        ("TIE", "candidate_first", "tie"),
        ("TIE", "baseline_first", "tie"),
        (None, "candidate_first", "unparsable"),
        (None, "baseline_first", "unparsable"),
    ],
)
def test_a_letter_names_the_arm_whose_answer_was_shown_under_that_letter(
    letter: Any, order: Any, expected: str
) -> None:
    assert winner_of(letter, order) == expected


@pytest.mark.parametrize("letter", ["a", "C", "", "tie"])
def test_a_letter_that_the_prompt_does_not_offer_is_refused(letter: Any) -> None:
    with pytest.raises(InputError, match="expected 'A', 'B', 'TIE'"):
        winner_of(letter, "candidate_first")


@pytest.mark.parametrize("order", orders())
def test_each_answer_is_shown_under_the_letter_that_names_its_arm(order: Any) -> None:
    shown = dict(zip("AB", answers_in_order(order, "candidate", "baseline"), strict=True))
    assert {letter: winner_of(letter, order) for letter in "AB"} == shown


def test_the_seed_decides_which_order_comes_first_and_both_orders_are_equally_frequent() -> None:
    first = [randomized_orders(f"row{number}", 7)[0] for number in range(2000)]
    assert first == [randomized_orders(f"row{number}", 7)[0] for number in range(2000)]
    assert first.count("candidate_first") == pytest.approx(1000, abs=100)
    assert first != [randomized_orders(f"row{number}", 8)[0] for number in range(2000)]
    assert all(set(randomized_orders(f"row{number}", 7)) == set(orders()) for number in range(20))


@pytest.mark.parametrize(
    ("candidate_first", "baseline_first", "outcome", "flipped"),
    [
        pytest.param("candidate", "candidate", "candidate", False, id="agree on the candidate"),
        pytest.param("baseline", "baseline", "baseline", False, id="agree on the baseline"),
        pytest.param("tie", "tie", "tie", False, id="agree on a tie"),
        pytest.param("candidate", "baseline", "tie", True, id="the first answer both times"),
        pytest.param("baseline", "candidate", "tie", True, id="the second answer both times"),
        pytest.param("candidate", "tie", "tie", False, id="winner then tie"),
        pytest.param("tie", "baseline", "tie", False, id="tie then winner"),
        pytest.param("unparsable", "candidate", "unparsable", False, id="first unparsable"),
        pytest.param("baseline", "unparsable", "unparsable", False, id="second unparsable"),
        pytest.param("unparsable", "unparsable", "unparsable", False, id="both unparsable"),
    ],
)
def test_an_arm_wins_only_when_the_verdicts_of_both_orders_name_the_arm(
    candidate_first: str, baseline_first: str, outcome: str, flipped: bool
) -> None:
    (resolved,) = resolve(both("row0", candidate_first, baseline_first))
    assert (resolved.outcome, resolved.flipped) == (outcome, flipped)


@given(pairs=pairs_of_outcomes, seed=st.randoms(use_true_random=False))
def test_the_order_of_verdicts_does_not_change_the_outcomes(pairs: list[tuple[str, str]], seed: Any) -> None:
    verdicts = verdicts_of(pairs)
    shuffled = list(verdicts)
    seed.shuffle(shuffled)
    assert resolve(shuffled) == resolve(verdicts)


@given(pairs=pairs_of_outcomes)
def test_no_question_is_lost_or_counted_twice(pairs: list[tuple[str, str]]) -> None:
    counts = tally(resolve(verdicts_of(pairs)))
    assert counts["n"] == len(pairs)
    assert counts["n"] == counts["wins"] + counts["losses"] + counts["ties"] + counts["unparsable"]


@given(pairs=pairs_of_outcomes)
def test_swapping_the_arms_mirrors_the_counts_and_keeps_the_rates(pairs: list[tuple[str, str]]) -> None:
    swapped = [(MIRROR[baseline_first], MIRROR[candidate_first]) for candidate_first, baseline_first in pairs]
    counts, mirrored = tally(resolve(verdicts_of(pairs))), tally(resolve(verdicts_of(swapped)))
    assert mirrored == {**counts, "wins": counts["losses"], "losses": counts["wins"]}


def test_each_rate_counts_only_the_verdicts_that_it_applies_to() -> None:
    resolved = resolve(
        [
            *both("always-first", "candidate", "baseline"),
            *both("agreed", "candidate", "candidate"),
            *both("half-tie", "tie", "candidate"),
            *both("half-read", "unparsable", "baseline"),
        ]
    )
    counts = tally(resolved)
    assert counts["flip_rate"] == pytest.approx(1 / 3)  # one of the three questions with two readable verdicts flips
    assert counts["first_position_rate"] == pytest.approx(
        4 / 6
    )  # of six verdicts with a winner, four name the first answer


def test_a_judge_that_always_chooses_the_first_answer_decides_no_question_and_flips_every_time() -> None:
    counts = tally(resolve(verdicts_of([("candidate", "baseline")] * 10)))
    assert (counts["wins"], counts["losses"], counts["ties"]) == (0, 0, 10)
    assert (counts["flip_rate"], counts["first_position_rate"]) == (1.0, 1.0)


def test_equal_answers_are_not_counted_in_the_flip_rate() -> None:
    same = [{**record, "same": True} for record in both("same", "tie", "tie")]
    counts = tally(resolve([*both("asked", "candidate", "baseline"), *same]))
    assert (counts["ties"], counts["same"], counts["flip_rate"]) == (2, 1, 1.0)


@pytest.mark.parametrize(
    ("candidate", "baseline", "rate"),
    [
        pytest.param(90, 10, 1.0, id="the longer won"),
        pytest.param(10, 90, 0.0, id="the shorter won"),
        pytest.param(50, 50, None, id="equal length"),
        pytest.param(None, None, None, id="lengths not stored"),
    ],
)
def test_the_longer_wins_rate_counts_decided_questions_with_answers_of_different_length(
    candidate: int | None, baseline: int | None, rate: float | None
) -> None:
    lengths = {"candidate_characters": candidate, "baseline_characters": baseline}
    verdicts = [
        {**record, **lengths} for record in [*both("won", "candidate", "candidate"), *both("tie", "tie", "tie")]
    ]
    assert tally(resolve(verdicts))["longer_wins_rate"] == rate


def test_a_rate_without_verdicts_is_none() -> None:
    counts = tally(resolve(both("row0", "unparsable", "tie")))
    assert (counts["flip_rate"], counts["first_position_rate"]) == (None, None)


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        pytest.param(
            [verdict("r", "candidate_first", "tie")], "with the answers in the order 'baseline_first'", id="missing"
        ),
        pytest.param([verdict("r", "candidate_first", "tie")] * 2, "Two verdicts in order", id="twice"),
        pytest.param([verdict("r", "candidate_first", "A")], "Unknown verdict 'A'", id="letter not resolved"),
        pytest.param([verdict("r", "both", "tie")], "unknown order of the two answers 'both'", id="unknown order"),
    ],
)
def test_a_missing_repeated_or_unknown_verdict_raises_an_error_that_names_the_judge_and_the_row(
    verdicts: list[dict[str, Any]], words: str
) -> None:
    with pytest.raises(ReconciliationError, match=words) as caught:
        resolve(verdicts)
    assert "row r" in str(caught.value)
    assert "haiku" in str(caught.value)


def test_opposite_winners_come_first_and_an_unparsable_verdict_is_not_a_disagreement() -> None:
    opinions = {
        "agreed": ("candidate", "candidate"),
        "mild": ("candidate", "tie"),
        "opposite": ("candidate", "baseline"),
        "unread": ("unparsable", "baseline"),
    }
    verdicts = [
        record
        for row_id, by_judge in opinions.items()
        for judge, outcome in zip(("haiku", "llama"), by_judge, strict=True)
        for record in both(row_id, outcome, outcome, judge=judge)
    ]
    disagreements = find_disagreements(resolve(verdicts))
    assert [record["row_id"] for record in disagreements] == ["opposite", "mild"]
    assert disagreements[0] == {
        "row_id": "opposite",
        "candidate": "tuned",
        "baseline": "base",
        "by_judge": {"haiku": "candidate", "llama": "baseline"},
        "by_person": {},
    }


def test_questions_that_a_person_labeled_come_first_and_then_questions_of_the_headline_pair() -> None:
    verdicts = [
        {**record, "candidate": candidate}
        for candidate in ("tuned", "few")
        for row_id in ("r2", "r1")
        for judge, outcome in (("haiku", "candidate"), ("llama", "baseline"))
        for record in both(row_id, outcome, outcome, judge=judge)
    ]
    people, pairs = {("few", "base", "r2"): {"ann": "tie"}}, [("tuned", "base"), ("few", "base")]
    disagreements = find_disagreements(resolve(verdicts), people, pairs=pairs)
    assert [(record["candidate"], record["row_id"]) for record in disagreements] == [
        ("few", "r2"), ("tuned", "r1"), ("tuned", "r2"), ("few", "r1")
    ]  # fmt: skip


def test_a_person_who_disagrees_with_the_judges_causes_a_disagreement() -> None:
    verdicts = [v for judge in ("haiku", "llama") for v in both("r", "candidate", "candidate", judge=judge)]
    pair = ("tuned", "base", "r")
    assert find_disagreements(resolve(verdicts), {pair: {"ann": "candidate"}}) == []
    (disagreement,) = find_disagreements(resolve(verdicts), {pair: {"ann": "candidate", "bob": "baseline"}})
    assert disagreement["by_person"] == {"ann": "candidate", "bob": "baseline"}
