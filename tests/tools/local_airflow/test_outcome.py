"""The printed outcome of a run agrees with its report and the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from include.distill.report.batch_notes import BATCH_NOTE
from tools.local_airflow.outcome import (
    NoReportError,
    describe_account,
    describe_arms,
    describe_bill,
    describe_comparisons,
    describe_data,
    describe_outcome,
    describe_promotion,
    fetch_report,
    table,
)
from tools.local_airflow.runs import FollowedRun

COMPARISON = {
    "judge": "haiku",
    "candidate": "tuned",
    "baseline": "base",
    "preference": 11 / 18,
    "preference_ci95": [0.39, 0.8],
    "wins": 11,
    "losses": 7,
    "ties": 2,
    "unparsable": 1,
}


def ledger(
    *,
    calls: int = 0,
    jobs: tuple[str, ...] = (),
    throughputs: tuple[tuple[str, bool], ...] = (),
    deployments: tuple[tuple[str, bool], ...] = (),
    batches: tuple[int, ...] = (),
    evaluations: int = 0,
    optimizations: int = 0,
) -> dict[str, Any]:
    return {
        "billed_calls": calls,
        "jobs": [{"arn": name, "name": name, "status": "Completed"} for name in jobs],
        "batch_jobs": [{"billed_records": records} for records in batches],
        "evaluation_jobs": [{"name": f"evaluation-{number}"} for number in range(evaluations)],
        "optimization_jobs": [{"name": f"optimization-{number}"} for number in range(optimizations)],
        "throughputs": [{"arn": name, "name": name, "alive": alive} for name, alive in throughputs],
        "deployments": [{"arn": name, "name": name, "alive": alive} for name, alive in deployments],
        "throughput_seconds": 10.0 * len(throughputs),
    }


def cells(text: str, first: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.split()[:1] == [first]]
    return line.split()


def test_each_judge_has_a_line_with_its_interval() -> None:
    row = cells(describe_comparisons([COMPARISON]), "haiku")
    assert row == ["haiku", "tuned", "base", "61", "%", "39", "%", "to", "80", "%", "11/7/2/1"]


def test_a_judge_that_decided_nothing_has_no_preference() -> None:
    undecided = {**COMPARISON, "preference": None, "preference_ci95": None, "wins": 0, "losses": 0}
    assert cells(describe_comparisons([undecided]), "haiku") == ["haiku", "tuned", "base", "-", "-", "0/0/2/1"]


def decided(*, promoted: bool) -> dict[str, Any]:
    decision = {
        "candidate": "tuned",
        "champion": "base",
        "promoted": promoted,
        "reasons": ["the report gives no verdict"],
        "lower_bound": 0.6,
    }
    return {"promotion": {"decisions": [decision]}, "warnings": ["w"], "missing_parts": ["m"]}


@pytest.mark.parametrize(
    ("report", "manifest", "words"),
    [
        (decided(promoted=False), None, "Promotion: No arm is promoted: tuned: the report gives no verdict."),
        (
            decided(promoted=True),
            None,
            "Promotion: nothing was promoted. The rule accepts tuned, but the task 'promote'",
        ),
        (
            decided(promoted=True),
            {"arm": "tuned", "model_arn": "arn:new", "previous_model_arn": None},
            "Promotion: tuned was promoted: its model arn:new is the first champion.",
        ),
        (
            decided(promoted=True),
            {"arm": "tuned", "model_arn": "arn:new", "previous_model_arn": "arn:old"},
            "Promotion: tuned was promoted: its model arn:new replaces the champion arn:old.",
        ),
        (
            decided(promoted=True),
            {"arm": "tuned", "model_arn": "arn:new", "previous_model_arn": None, "endpoint_arn": "arn:e"},
            "Promotion: tuned was promoted: its model arn:new is the first champion. Applications call it at arn:e.",
        ),
        ({}, None, "Promotion: No arm is promoted: no arm was compared with the champion"),
    ],
)
def test_the_outcome_says_what_was_promoted_or_why_nothing_was(
    report: dict[str, Any], manifest: Any, words: str
) -> None:
    text = describe_promotion(report, manifest)
    assert text.startswith(words)
    assert text.splitlines()[1:] == (["  warning: w", "  missing: m"] if report else [])


def test_each_arm_has_a_line_with_its_training_and_the_state_of_its_endpoint() -> None:
    arms = [
        {"name": "base", "kind": "base", "records": None, "training_loss": None, "serving": None, "released": True},
        {"name": "few", "kind": "fine_tuned", "records": 125, "training_loss": 0.5, "serving": "t", "released": True},
        {"name": "left", "kind": "champion", "records": None, "training_loss": None, "serving": "t", "released": False},
    ]
    mixed = {**arms[1], "name": "mixed", "records": 372, "designed": 500}
    whole = {**arms[1], "name": "whole", "records": 125, "designed": 125}
    managed = {**arms[1], "name": "managed", "kind": "distilled", "records": 199}
    few = [{"step": step, "epoch": 0, "loss": 1.5 if step < 10 else 0.5} for step in range(20)]
    prompted = {**arms[0], "name": "prompted", "prompt": "optimized"}
    text = describe_arms([*arms, mixed, whole, managed, prompted], {"few": few})
    assert cells(text, "base") == ["base", "base", "-", "-", "none", "needed"]
    assert cells(text, "few") == ["few", "fine-tuned", "125", "pairs", "1.50", "to", "0.50", "released"]
    assert cells(text, "mixed")[2:6] == ["372", "of", "500", "pairs"]
    assert cells(text, "whole")[2:4] == ["125", "pairs"]
    assert cells(text, "managed")[1:4] == ["distilled", "199", "prompts"]
    assert cells(text, "prompted")[1:5] == ["base", "student,", "optimized", "prompt"]
    assert cells(text, "left") == ["left", "champion", "-", "-", "STILL", "THERE"]


def test_the_bill_shows_the_estimate_and_leaves_out_free_items() -> None:
    lines = [
        {"what": "teacher input", "quantity": 12345.0, "unit": "tokens", "usd": 0.037},
        {"what": "training", "quantity": 0.0, "unit": "tokens", "usd": 0.0},
    ]
    text = describe_bill({"estimated_usd": 2.5, "actual_usd": 0.037, "lines": lines})
    assert text.startswith("Bill: $0.04 (estimated $2.50)\n")
    assert "12,345 tokens" in text
    assert "training" not in text


def test_the_bill_says_that_its_estimate_includes_hours_if_throughput_was_expected() -> None:
    lines = [{"what": "throughput tuned: m", "quantity": 0.01, "unit": "unit-hour", "usd": 0.6}]
    text = describe_bill({"estimated_usd": 60.5, "actual_usd": 0.6, "lines": lines})
    assert text.startswith("Bill: $0.60 (estimated $60.50, including the expected hours of provisioned throughput,")


def test_the_bill_says_how_each_arm_is_served_and_why() -> None:
    option = {"mode": "on_demand", "possible": True, "why_not": None, "usd": 0.5, "minutes": 9.0, "usd_per_hour": None}
    serving = {"tuned": {"mode": "on_demand", "reason": "it is cheaper", "options": [option]}}
    text = describe_bill({"estimated_usd": 1.0, "actual_usd": 1.0, "lines": [], "serving": serving})
    assert "By the estimate, tuned is served by a deployment, on demand, because it is cheaper. Options: " in text


def test_answers_from_batch_jobs_are_shown_when_the_use_case_uses_batch_jobs() -> None:
    source = {"train": 3, "evaluation": 2, "rejected": 0}
    report = {"source": source, "synthesis": {"accepted": 1, "requested": 2}}
    assert "batch" not in describe_data(report)
    assert f"{BATCH_NOTE}: synthesize 0 of 3" in describe_data(
        {**report, "settings": {BATCH_NOTE: "synthesize 0 of 3"}}
    )


def test_the_account_shows_what_this_run_added() -> None:
    before = ledger(calls=100, jobs=("old",), throughputs=(("t-old", False),))
    after = ledger(
        calls=130, jobs=("old", "new"), throughputs=(("t-old", False), ("t-new", False)), deployments=(("d", False),)
    )
    text = describe_account(before, after)
    assert "billed   30 (130 in all)" in text
    assert "jobs        1 (2 in all)" in text
    assert "deployments          1 (1 in all)" in text
    assert "throughput time      10 s" in text
    assert "existing       nothing" in text


def test_the_critics_verdicts_and_the_number_of_unchecked_pairs_are_shown() -> None:
    source = {"train": 1, "evaluation": 1, "rejected": 0}
    synthesis = {"accepted": 3, "requested": 3}
    critic = {"grounded": 2, "ungrounded": 0, "unparsable": 0, "not_looked_at": 1}
    assert "critic" not in describe_data({"source": source, "synthesis": {**synthesis, "critic": None}})
    text = describe_data({"source": source, "synthesis": {**synthesis, "critic": critic}})
    assert text.endswith("verdicts of the critic: 2 grounded, 0 ungrounded, 0 unparsable, 1 not looked at")


def test_the_account_shows_which_calls_batch_jobs_answered() -> None:
    text = describe_account(ledger(calls=200, batches=(120,)), ledger(calls=712, batches=(120, 200, 192)))
    assert "jobs           2 (3 in all); 392 of the calls" in text


def test_a_run_without_batch_jobs_shows_only_their_number() -> None:
    text = describe_account(ledger(batches=(120,)), ledger(batches=(120,)))
    assert "jobs           0 (1 in all)\n" in text


def test_an_account_without_batch_jobs_does_not_mention_them() -> None:
    assert "batch" not in describe_account(ledger(), ledger(calls=5))


def test_evaluation_jobs_are_counted_in_an_account_that_has_some() -> None:
    assert "evaluation jobs      3 (4 in all)" in describe_account(ledger(evaluations=1), ledger(evaluations=4))
    assert "evaluation" not in describe_account(ledger(), ledger(calls=5))


def test_prompt_optimization_jobs_are_counted_in_an_account_that_has_some() -> None:
    assert "optimization jobs    1 (2 in all)" in describe_account(ledger(optimizations=1), ledger(optimizations=2))
    assert "optimization" not in describe_account(ledger(), ledger(calls=5))


def test_a_throughput_left_alive_is_named() -> None:
    after = ledger(throughputs=(("gone", False), ("qa-tuned-1f-s1", True)))
    assert "qa-tuned-1f-s1" in describe_account(ledger(), after)


def test_a_deployment_left_alive_is_named() -> None:
    after = ledger(deployments=(("gone", False), ("qa-tuned-2a-s1", True)))
    assert "existing       qa-tuned-2a-s1" in describe_account(ledger(), after)
    assert "gone" not in describe_account(ledger(), after)


def test_a_standing_endpoint_has_a_line_of_its_own() -> None:
    after = ledger(deployments=(("qa-champion", True),), throughputs=(("qa-tuned-1f-s1", True),))
    text = describe_account(ledger(), after, ["qa-champion"])
    assert "standing endpoints   qa-champion\n" in text
    assert text.endswith("still existing       qa-tuned-1f-s1")
    assert "standing" not in describe_account(ledger(), ledger())


def test_the_verdict_comes_first_and_says_that_it_is_simulated() -> None:
    cost = {"estimated_usd": 1, "actual_usd": 1, "lines": []}
    report = {
        "simulated": True,
        "verdict": "tuned is better",
        "comparisons": [COMPARISON],
        "cost": cost,
        "source": {"train": 4, "evaluation": 3, "rejected": 1},
        "synthesis": {"accepted": 11, "requested": 16, "dropped": {"too_short": 1}, "missing": 4},
        "arms": [],
        "rejected_rows": [{"source": "rows.csv", "row": 5, "message": "rows.csv row 5 (line 6): answer is empty"}],
    }
    text = describe_outcome(report, ledger(), ledger(), Path("/state/report"))
    assert text.splitlines()[0] == "Verdict (SIMULATED): tuned is better"
    assert "4 training rows, 3 evaluation rows, 1 rejected; 11 of 16 synthetic pairs accepted" in text
    assert "  dropped as too_short: 1\n  requested, but not written by the teacher: 4\n" in text
    assert "  rejected: rows.csv row 5 (line 6): answer is empty\n" in text
    assert text.rstrip().endswith("/state/report/report.json")


def test_a_warning_is_printed_once_and_the_pairs_add_up() -> None:
    report = {
        "simulated": True,
        "verdict": "tuned is better",
        "comparisons": [COMPARISON],
        "cost": {"estimated_usd": 1, "actual_usd": 1, "lines": []},
        "source": {"train": 4, "evaluation": 3, "rejected": 0},
        "synthesis": {"accepted": 106, "requested": 120, "dropped": {"leak": 3, "same_topic": 7}, "missing": 4},
        "arms": [],
        "warnings": ["The documents form one group."],
    }
    text = describe_outcome(report, ledger(), ledger(), Path("/state/report"))
    assert text.count("The documents form one group.") == 1
    lines = [line.rpartition(": ")[2] for line in text.splitlines() if line.startswith(("  dropped", "  requested"))]
    assert sum(map(int, lines)) == 120 - 106


def test_columns_are_aligned() -> None:
    assert table([("a", "long", "x"), ("long", "b", "")]) == "  a     long  x\n  long  b"


class ApiWithoutReport:
    def returned(self, dag_id: str, run_id: str, task_id: str) -> object:
        return {"rows": 3}


class StackWithoutReport:
    api = ApiWithoutReport()


def test_a_run_without_a_report_is_an_error_that_shows_what_its_task_returned() -> None:
    with pytest.raises(NoReportError, match="'rows': 3"):
        fetch_report(StackWithoutReport(), FollowedRun("d", "r", "success", 1.0))  # type: ignore[arg-type]
