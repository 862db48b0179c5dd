"""Test what a report contains, and that figures that do not add up are refused."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from include.distill.core.errors import ReconciliationError
from include.distill.report.build import build_report
from include.distill.report.html import render_html
from include.distill.report.verdict_sentence import verdict_sentence
from tests.distill.report.example_report import base_arm, inputs, line, tuned_arm


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


def test_the_critic_counts_are_kept_in_the_report_and_shown_on_the_page() -> None:
    report = build_report(**changed("synthesis", critic=critic(), dropped={"critic": 7}))
    assert report["synthesis"]["critic"] == critic()
    html = render_html(report)
    assert "The critic rated 33 pairs as grounded in their document. It rated 5 pairs as not grounded" in html
    assert "4 pairs were kept without a check, because the critic's budget was used up." in html
    assert "The critic" not in render_html({**report, "synthesis": inputs()["synthesis"]})


def changed(part: str, **changes: Any) -> dict[str, Any]:
    return inputs(**{part: {**inputs()[part], **changes}})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(
            changed("source", rejected=3), "rows 120 is not accepted 118 \\+ rejected 3", id="a row counted twice"
        ),
        pytest.param(changed("source", rows=-1), "source.rows", id="a negative count"),
        pytest.param(changed("synthesis", missing=0), "requested 354 is not accepted 341", id="a pair lost"),
        pytest.param(
            changed("synthesis", critic=critic(calls=39)),
            "judged 40 pairs, but gave only 39 answers",
            id="a verdict without an answer",
        ),
        pytest.param(
            changed("synthesis", critic=critic(), dropped={"critic": 8}),
            "dropped.critic is 8, .* rejected only 7 pairs",
            id="more drops than verdicts",
        ),
        pytest.param(changed("cost", actual_usd=9.0), "not the sum of the bill's lines", id="a wrong total"),
        pytest.param(inputs(simulated="yes"), "simulated", id="simulated is a bool"),
        pytest.param(inputs(arms=[base_arm(records=5)]), "arms.0: arm base has no job", id="records without a job"),
        pytest.param(inputs(arms=[base_arm(released=False)]), "released must be true", id="not served, not released"),
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


def test_a_total_may_differ_from_the_bill_lines_by_the_rounding_of_a_cent() -> None:
    cost = {"estimated_usd": 0.0, "actual_usd": 0.01, "lines": [line("tokens", 1, "token", 0.004, 0.004)]}
    assert build_report(**inputs(cost=cost))["cost"]["actual_usd"] == 0.01


def test_a_loss_in_a_report_that_is_not_finite_becomes_null() -> None:
    curve = [{"step": 1, "epoch": 0.5, "loss": math.nan}, {"step": 2, "epoch": 1.0, "loss": 1.5}]
    report = build_report(**inputs(loss_curves={"tuned": curve}, arms=[tuned_arm(training_loss=math.inf)]))
    assert [point["loss"] for point in report["loss_curves"]["tuned"]] == [None, 1.5]
    assert report["arms"][0]["training_loss"] is None
