"""Test the parts of a report that come from verdicts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from include.distill.evaluation.answer_counts import count_endings
from include.distill.report.build import build_report
from include.distill.report.judged_run import JudgedRun, champion_slot, noise_control_note, promotion_record
from tests.distill.conftest import make_use_case
from tests.distill.report.example_report import inputs, verdicts

JUDGES = ["claude-haiku-4-5", "llama-3-3-70b"]
ENDED = count_endings([{"answer": "A.", "stop_reason": "end_turn"}] * 100)
BETTER = ["candidate"] * 80 + ["baseline"] * 10 + ["tie"] * 10
ROWS = [{"row_id": f"row{n}", "document": f"d{n}", "question": f"q{n}"} for n in range(100)]


def judged(*, labels: Any = (), **changes: Any) -> JudgedRun:
    records = [verdicts(BETTER, judge=judge) for judge in JUDGES]
    control = [verdicts(["tie"] * 100, judge=judge, candidate="base", baseline="base-again") for judge in JUDGES]
    use_case = make_use_case(judges=JUDGES, **changes)
    return JudgedRun(use_case, ROWS, [*records, *control], labels, answer_endings={"base": ENDED, "tuned": ENDED})


def report(run: JudgedRun, *, contaminated: int = 0) -> dict[str, Any]:
    arguments = {k: v for k, v in inputs().items() if k not in ("promotion", "agreement", "verdicts", "clusters")}
    return build_report(**arguments, **run.report_parts(count_contaminated=lambda: contaminated))


def test_the_noise_control_does_not_affect_the_verdict_or_the_holm_correction() -> None:
    built = report(judged(answering={"temperature": 0.5}))
    assert [(c["candidate"], c["baseline"]) for c in built["comparisons"]] == [("tuned", "base")] * 2
    assert [(c["judge"], c["baseline"]) for c in built["noise_control"]] == [(judge, "base-again") for judge in JUDGES]
    assert built["comparisons"][0]["p_value_holm"] == pytest.approx(2 * built["comparisons"][0]["p_value"])
    assert "again" not in built["verdict"]


def test_the_promotion_rule_decides_on_every_candidate_that_may_replace_the_champion() -> None:
    (decision,) = report(judged())["promotion"]["decisions"]
    assert (decision["candidate"], decision["champion"], decision["promoted"]) == ("tuned", "base", True)
    assert report(judged())["promotion"]["false_promotions_a_year"] == pytest.approx(9.125)


def test_a_champion_that_was_not_compared_in_the_run_is_not_replaced() -> None:
    (decision,) = report(replace(judged(), champion_before="arn:m"))["promotion"]["decisions"]
    assert not decision["promoted"]
    assert "not compared with the champion arn:m" in decision["reasons"][0]


def test_contaminated_training_data_prevents_the_promotion() -> None:
    (decision,) = report(judged(), contaminated=2)["promotion"]["decisions"]
    assert not decision["promoted"]
    assert "2 evaluation questions" in decision["reasons"][0]


def test_contamination_is_not_counted_when_there_is_no_candidate() -> None:
    def count() -> int:
        raise AssertionError

    record = promotion_record(make_use_case(judges=JUDGES), [], count_contaminated=count)
    assert record["decisions"] == []


def test_there_is_no_promotion_decision_without_a_champion_arm_or_base_arm() -> None:
    arms = [{"name": "one"}, {"name": "two"}]
    use_case = make_use_case(arms=arms, comparisons=[{"candidate": "one", "baseline": "two"}])
    assert champion_slot(use_case) is None
    assert (
        promotion_record(use_case, [{"candidate": "one", "baseline": "two"}], count_contaminated=lambda: 0)["decisions"]
        == []
    )


def test_agreement_of_judges_and_people_is_computed_on_questions_that_both_rated() -> None:
    label = {"candidate": "tuned", "baseline": "base", "labeller": "ann"}
    labels = [
        {**label, "row_id": "row0", "verdict": "candidate"},
        {**label, "row_id": "row1", "verdict": "baseline"},
        {**label, "row_id": "row2", "verdict": "no_answer"},
    ]
    lines = report(judged(labels=labels))["agreement"]
    assert [(line["first"], line["second"], line["n"]) for line in lines] == [
        (JUDGES[0], JUDGES[1], 100),
        (JUDGES[0], "ann (person)", 2),
        (JUDGES[1], "ann (person)", 2),
    ]
    assert lines[0]["kappa"] == 1.0
    assert lines[1]["observed"] == 0.5


def test_ties_of_equal_answers_are_not_counted_in_the_agreement() -> None:
    records = [
        {**verdict, "same": verdict["row_id"] == "row0"}
        for judge in JUDGES
        for verdict in verdicts(BETTER, judge=judge)
    ]
    run = JudgedRun(make_use_case(judges=JUDGES), ROWS, [records[:200], records[200:]])
    assert report(run)["agreement"][0]["n"] == 99


def test_judges_of_a_single_family_give_a_warning_in_the_report() -> None:
    run = JudgedRun(make_use_case(judges=JUDGES[:1]), ROWS, [verdicts(BETTER, judge=JUDGES[0])])
    assert any("one family" in warning for warning in report(run)["warnings"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"answering": {"temperature": 0.5}}, "base answered every question twice", id="measured"),
        pytest.param({"answering": {"temperature": None}}, "base answered every question", id="the model's default"),
        pytest.param({}, "at temperature 0, a second answer equals the first", id="temperature 0"),
        pytest.param({"judging": {"noise_control": False}}, "judging.noise_control is off", id="off"),
        pytest.param(
            {
                "answering": {"temperature": 0.5},
                "arms": [{"name": "one"}, {"name": "two"}],
                "comparisons": [{"candidate": "one", "baseline": "two"}],
            },
            "no base arm",
            id="no base arm",
        ),
    ],
)
def test_the_note_states_what_the_noise_control_is_or_why_there_is_no_noise_control(
    changes: dict[str, Any], words: str
) -> None:
    use_case = make_use_case(**changes)
    assert words in noise_control_note(use_case)
    control = [pair for pair in use_case.judged_pairs if pair.baseline.endswith("-again")]
    assert len(control) == (1 if "answered" in words else 0)


def test_candidates_replace_the_champion_arm_and_not_the_base_arm() -> None:
    arms = [{"name": "base", "kind": "base"}, {"name": "tuned"}, {"name": "best", "kind": "champion"}]
    assert champion_slot(make_use_case(arms=arms)) == "best"


def test_every_candidate_adds_to_the_false_promotions_per_year() -> None:
    arms = [{"name": "base", "kind": "base"}, {"name": "tuned"}, {"name": "small"}]
    records = [verdicts(BETTER, judge=JUDGES[0], candidate=arm) for arm in ("tuned", "small")]
    run = JudgedRun(make_use_case(judges=JUDGES, arms=arms), ROWS, records)
    promotion = report(run)["promotion"]
    assert [decision["candidate"] for decision in promotion["decisions"]] == ["tuned", "small"]
    assert promotion["false_promotions_a_year"] == pytest.approx(2 * 9.125)


def cut(share: int) -> Any:
    """Return the endings of a hundred answers, of which ``share`` are truncated."""
    reasons = ["max_tokens"] * share + ["end_turn"] * (100 - share)
    return count_endings([{"answer": "A.", "stop_reason": reason} for reason in reasons])


@pytest.mark.parametrize("arm", ["base", "tuned"])
@pytest.mark.parametrize(("share", "promoted"), [(2, True), (3, False), (100, False)])
def test_no_promotion_rests_on_truncated_answers_of_the_candidate_or_of_the_champion(
    arm: str, share: int, promoted: bool
) -> None:
    run = judged()
    built = report(replace(run, answer_endings={**run.answer_endings, arm: cut(share)}))
    (decision,) = built["promotion"]["decisions"]
    assert decision["promoted"] is promoted
    warned = [warning for warning in built["warnings"] if "incomplete" in warning]
    assert bool(warned) is not promoted
    if warned:
        assert warned[0].startswith(f"{arm}: {share} of 100 answers are incomplete ({share} truncated)")
        assert "Raise answering.max_tokens" in warned[0]


def test_a_use_case_sets_the_allowed_share_of_incomplete_answers() -> None:
    run = replace(judged(promotion={"max_incomplete_share": 0.1}), answer_endings={"base": ENDED, "tuned": cut(10)})
    assert report(run)["promotion"]["decisions"][0]["promoted"]


def test_answers_that_were_not_counted_prevent_the_promotion() -> None:
    (decision,) = report(replace(judged(), answer_endings={"tuned": ENDED}))["promotion"]["decisions"]
    assert decision["reasons"] == ["the stop reasons of the answers of base were not counted"]


def test_training_data_that_could_not_be_searched_prevents_the_promotion() -> None:
    arguments = {k: v for k, v in inputs().items() if k not in ("promotion", "agreement", "verdicts", "clusters")}
    built = build_report(**arguments, **judged().report_parts(count_contaminated=lambda: None))
    assert "was not searched" in built["promotion"]["decisions"][0]["reasons"][0]


def test_a_judge_that_compared_nothing_withholds_the_verdict_and_the_promotion() -> None:
    run = judged()
    built = report(replace(run, verdicts=run.verdicts[:1]))
    assert built["verdict"].startswith("No verdict on tuned and base: llama-3-3-70b did not compare them")
    assert not built["promotion"]["decisions"][0]["promoted"]


PROMPTED = {"name": "prompted", "kind": "base", "prompt": "optimized"}


@pytest.mark.parametrize(
    ("arms", "slot"),
    [
        ([PROMPTED, {"name": "base", "kind": "base"}], "base"),
        ([PROMPTED, {"name": "base", "kind": "base"}, {"name": "best", "kind": "champion"}], "best"),
        ([PROMPTED], "prompted"),
    ],
)
def test_candidates_replace_a_base_arm_with_an_optimized_prompt_only_if_there_is_no_other(
    arms: list[dict[str, str]], slot: str
) -> None:
    assert champion_slot(make_use_case(arms=[*arms, {"name": "tuned"}])) == slot


@pytest.mark.parametrize("rival", [{"name": "base", "kind": "base"}, {"name": "best", "kind": "champion"}])
def test_an_arm_with_an_optimized_prompt_is_never_promoted(rival: dict[str, str]) -> None:
    arms = [rival, PROMPTED, {"name": "tuned"}]
    records = [
        verdicts(BETTER, judge=judge, candidate=arm, baseline=rival["name"])
        for arm in ("prompted", "tuned")
        for judge in JUDGES
    ]
    endings = {str(arm["name"]): ENDED for arm in arms}
    comparisons = [{"candidate": arm, "baseline": rival["name"]} for arm in ("prompted", "tuned")]
    use_case = make_use_case(judges=JUDGES, arms=arms, comparisons=comparisons)
    promotion = report(JudgedRun(use_case, ROWS, records, answer_endings=endings))["promotion"]
    decided = [(decision["candidate"], decision["promoted"]) for decision in promotion["decisions"]]
    assert decided == [("tuned", True)]
    assert promotion["false_promotions_a_year"] == pytest.approx(9.125)
