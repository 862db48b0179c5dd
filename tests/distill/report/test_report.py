"""Check what a report contains, its verdict, and that figures that do not add up are refused."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from include.distill.core.errors import ReconciliationError
from include.distill.report.html import render_html
from include.distill.report.report import build_report, verdict_sentence
from tests.distill.report.example_report import base_arm, inputs, line, tuned_arm, verdicts


def counted(wins: int, losses: int, ties: int = 0) -> list[str]:
    return ["candidate"] * wins + ["baseline"] * losses + ["tie"] * ties


def judged(**by_judge: list[str]) -> list[list[dict[str, Any]]]:
    return [verdicts(outcomes, judge=judge) for judge, outcomes in by_judge.items()]


def test_a_report_is_plain_json_with_every_part() -> None:
    report = build_report(**inputs())
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert {
        "run_key",
        "use_case",
        "simulated",
        "source",
        "synthesis",
        "arms",
        "comparisons",
        "cost",
    } <= report.keys()
    assert set(report["comparisons"][0]) >= {
        "judge",
        "candidate",
        "baseline",
        "n",
        "wins",
        "losses",
        "ties",
        "unparsable",
        "preference",
        "preference_ci95",
        "half_win_rate",
        "half_win_ci95",
        "p_value",
        "p_value_holm",
        "flip_rate",
        "first_position_rate",
    }
    assert report["comparisons"][0]["preference"] == 58 / 80
    assert report["verdict"] == verdict_sentence(report["comparisons"])


def test_keys_that_the_schema_does_not_name_are_kept() -> None:
    arguments = inputs()
    arguments["synthesis"]["sampled"] = 7
    report = build_report(**arguments)
    assert report["synthesis"]["sampled"] == 7
    for key in ("loss_curves", "disagreements", "pair_sample", "settings", "agreement", "promotion"):
        assert report[key] == arguments[key]


def test_the_same_inputs_give_the_same_report() -> None:
    assert build_report(**inputs()) == build_report(**inputs())


def critic(**changes: int) -> dict[str, int]:
    verdicts = {"grounded": 33, "ungrounded": 5, "unparsable": 2, "not_looked_at": 4}
    return {**verdicts, "calls": 42, "cache_hits": 0, "input_tokens": 4200, "output_tokens": 420, **changes}


def test_the_counts_of_the_critic_are_kept_and_shown() -> None:
    report = build_report(**changed("synthesis", critic=critic(), dropped={"critic": 7}))
    assert report["synthesis"]["critic"] == critic()
    html = render_html(report)
    assert "The critic found 33 pairs grounded in their document. It found 5 not grounded" in html
    assert "It did not look at 4 pairs because its budget was spent; they were kept." in html
    assert "The critic" not in render_html({**report, "synthesis": inputs()["synthesis"]})


def changed(part: str, **changes: Any) -> dict[str, Any]:
    return inputs(**{part: {**inputs()[part], **changes}})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(changed("source", rejected=3), "rows 120 is not accepted 118 \\+ rejected 3", id="a row twice"),
        pytest.param(changed("source", rows=-1), "source.rows", id="a negative count"),
        pytest.param(changed("synthesis", missing=0), "requested 354 is not accepted 341", id="a pair lost"),
        pytest.param(
            changed("synthesis", critic=critic(calls=39)),
            "judged 40 pairs, but gave only 39 answers",
            id="a verdict without an answer",
        ),
        pytest.param(
            changed("synthesis", critic=critic(), dropped={"critic": 8}),
            "8 pairs are dropped .* found only 7",
            id="a drop",
        ),
        pytest.param(changed("cost", actual_usd=9.0), "not the sum of the bill's lines", id="a wrong total"),
        pytest.param(inputs(simulated="yes"), "simulated", id="simulated is a bool"),
        pytest.param(inputs(arms=[base_arm(records=5)]), "arms.0: arm base has no job", id="records without a job"),
        pytest.param(
            inputs(arms=[base_arm(released=False)]), "released must be true", id="nothing served, not released"
        ),
        pytest.param(inputs(arms=[tuned_arm(kind="base")]), "is a base model, so it has no job", id="a trained base"),
        pytest.param(inputs(arms=[{"name": "base"}]), "arms.0.kind: Field required", id="a field missing"),
        pytest.param(inputs(disagreements=[{"row_id": "a"}]), "disagreements.0.question", id="no question"),
    ],
)
def test_figures_that_do_not_add_up_are_refused_with_their_place(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ReconciliationError, match=words) as caught:
        build_report(**arguments)
    assert "aws-docs-qa-20260114-3fa9c1d2" in str(caught.value)


def test_an_arm_served_without_training_is_accepted() -> None:
    arms = [base_arm(serving="on_demand"), tuned_arm()]
    assert build_report(**inputs(arms=arms))["arms"][0]["serving"] == "on_demand"


def test_a_bill_may_be_off_by_the_rounding_of_a_cent() -> None:
    cost = {"estimated_usd": 0.0, "actual_usd": 0.01, "lines": [line("tokens", 1, "token", 0.004, 0.004)]}
    assert build_report(**inputs(cost=cost))["cost"]["actual_usd"] == 0.01


def test_a_loss_that_is_not_finite_becomes_null() -> None:
    curve = [{"step": 1, "epoch": 0.5, "loss": math.nan}, {"step": 2, "epoch": 1.0, "loss": 1.5}]
    report = build_report(**inputs(loss_curves={"tuned": curve}, arms=[tuned_arm(training_loss=math.inf)]))
    assert [point["loss"] for point in report["loss_curves"]["tuned"]] == [None, 1.5]
    assert report["arms"][0]["training_loss"] is None


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        pytest.param(
            judged(haiku=counted(71, 29), llama=counted(70, 20, 10)),
            "tuned is better than base for both judges: "
            "haiku preferred tuned in 71% of 100 decided questions (95% CI 61–79%); "
            "llama preferred tuned in 78% of 90 decided questions (95% CI 68–85%).",
            id="better for both",
        ),
        pytest.param(
            judged(haiku=counted(20, 60, 20)),
            "tuned is worse than base for the only judge: "
            "haiku preferred tuned in 25% of 80 decided questions (95% CI 17–36%).",
            id="worse",
        ),
        pytest.param(
            judged(haiku=counted(70, 10, 20), llama=counted(35, 30, 35)),
            "tuned is better than base for 1 of 2 judges: "
            "haiku preferred tuned in 88% of 80 decided questions (95% CI 78–93%); "
            "llama preferred tuned in 54% of 65 decided questions (95% CI 42–66%), which could be chance.",
            id="better for one",
        ),
        pytest.param(
            judged(haiku=counted(26, 24, 50), llama=counted(0, 0, 100)),
            "No difference between tuned and base beyond chance: "
            "haiku preferred tuned in 52% of 50 decided questions (95% CI 38–66%); "
            "llama decided none of 100 questions.",
            id="no difference",
        ),
        pytest.param(
            judged(haiku=counted(70, 10, 20), llama=counted(10, 70, 20)),
            "The judges contradict each other on tuned and base: "
            "haiku preferred tuned in 88% of 80 decided questions (95% CI 78–93%); "
            "llama preferred tuned in 12% of 80 decided questions (95% CI 7–22%).",
            id="contradiction",
        ),
        pytest.param(
            judged(haiku=counted(70, 10, 14)),
            "Too few questions for a verdict on tuned and base (94 questions about 94 documents; needed 100 and 40): "
            "haiku preferred tuned in 88% of 80 decided questions (95% CI 78–93%).",
            id="too few",
        ),
        pytest.param(
            judged(haiku=[*counted(70, 10, 10), *["unparsable"] * 10]),
            "No verdict on tuned and base: 10 of 100 verdicts of haiku could not be read: "
            "haiku preferred tuned in 88% of 80 decided questions (95% CI 78–93%).",
            id="unreadable",
        ),
        pytest.param([], "No verdict: no answers were compared.", id="nothing compared"),
    ],
)
def test_the_verdict_is_one_sentence_with_its_uncertainty(records: list[list[dict[str, Any]]], sentence: str) -> None:
    single = {f"row{index}": f"document{index}" for index in range(100)}
    assert build_report(**inputs(verdicts=records, clusters=single))["verdict"] == sentence


def test_there_is_no_verdict_when_one_document_has_much_of_the_data() -> None:
    clusters = {f"row{index}": f"document{max(0, index - 19)}" for index in range(100)}
    report = build_report(**inputs(verdicts=judged(haiku=counted(70, 10, 20)), clusters=clusters))
    assert "(20% of the questions are about one document)" in report["verdict"]


def test_the_verdict_is_about_the_first_pair_of_arms() -> None:
    other = verdicts(counted(10, 70, 20), judge="haiku", candidate="shuffled")
    report = build_report(**inputs(verdicts=[*judged(haiku=counted(70, 10, 20)), other]))
    assert report["verdict"].startswith("tuned is better than base for the only judge")
    assert "shuffled" not in report["verdict"]
