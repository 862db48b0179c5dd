"""Test what a run is billed for, and the comparison of the bill with the estimate."""

from __future__ import annotations

import json
from typing import Any

import pytest

from include.distill.core.errors import UseCaseError
from include.distill.cost.prices import BillLine, Prices, total_usd
from include.distill.report.bill import bill, compare_with_estimate
from include.distill.report.run_summary import ArmSummary
from tests.distill.conftest import make_use_case

USE_CASE = make_use_case(judges=["claude-haiku-4-5", "llama-3-3-70b"])
ROUND = {
    "input_per_million": 1,
    "output_per_million": 2,
    "training_per_thousand": 0.01,
    "throughput_per_hour": 10,
    "custom_input_per_million": 5,
    "custom_output_per_million": 7,
}
PRICES = Prices(
    dict.fromkeys(("claude-sonnet-4-6", "nova-micro", "claude-haiku-4-5"), ROUND)
    | {"llama-3-3-70b": {"input_per_million": 3, "output_per_million": 3}},
    batch_share=0.5,
)
MILLION = 1_000_000

TRAINING = [PRICES.training_line("tuned", "nova-micro", 5000)]
DISTILLATION = [
    *PRICES.token_lines("teacher managed", "claude-sonnet-4-6", 3 * MILLION, MILLION // 2),
    PRICES.training_line("managed", "nova-micro", 5000),
]


def used(input_tokens: int = 0, output_tokens: int = 0, **more: Any) -> dict[str, Any]:
    in_batches = {"batch_input_tokens": 0, "batch_output_tokens": 0}
    return {"input_tokens": input_tokens, "output_tokens": output_tokens, **in_batches, **more}


def billed(**parts: Any) -> dict[str, float]:
    given = {"synthesis": [], "arms": [], "judgments": [], **parts}
    return {line.what: line.usd for line in bill(USE_CASE, prices=PRICES, **given)}


def test_a_run_that_finds_everything_stored_pays_nothing() -> None:
    tuned = ArmSummary("tuned", "fine_tuned", [used()], paid_training=False, job_lines=TRAINING, unit_hours=0)
    assert billed(
        synthesis=[used(), used()],
        arms=[ArmSummary("base", "base", [used()]), tuned],
        judgments=[used(judge=judge) for judge in USE_CASE.judges],
    ) == {}  # fmt: skip


def test_calls_whose_answer_did_not_arrive_are_billed_at_most_at_the_price_of_a_full_answer() -> None:
    lost: list[Any] = [
        {"key": "k", "model": "claude-sonnet-4-6", "round": "r", "input_tokens": MILLION, "output_tokens": MILLION},
        {"key": "k", "model": "claude-sonnet-4-6", "round": "r", "input_tokens": MILLION, "output_tokens": 0},
        {"key": "l", "model": "llama-3-3-70b", "round": "r", "input_tokens": 0, "output_tokens": MILLION},
    ]
    assert billed(lost_calls=lost) == {
        "calls without an answer (at most): claude-sonnet-4-6 input": 2,
        "calls without an answer (at most): claude-sonnet-4-6 output": 2,
        "calls without an answer (at most): llama-3-3-70b output": 3,
    }
    in_batch = [{**lost[0], "batch": True}]
    assert billed(lost_calls=in_batch) == {
        "calls without an answer (at most): claude-sonnet-4-6 batch input": 0.5,
        "calls without an answer (at most): claude-sonnet-4-6 batch output": 1,
    }


def test_lines_of_jobs_without_results_are_added_and_joined_by_name() -> None:
    line = PRICES.training_line("tuned without results (at most)", "nova-micro", MILLION)
    tuned = ArmSummary("tuned", "fine_tuned", [], paid_training=True, job_lines=TRAINING)
    assert billed(arms=[tuned], other_jobs=[line, line, *TRAINING]) == {
        "training tuned without results (at most): nova-micro": 20,
        "training tuned: nova-micro": 0.1,
    }


def test_the_critic_has_its_own_lines_without_a_batch_price() -> None:
    use_case = make_use_case(curation={"critic": {"model": "claude-haiku-4-5", "max_spend_usd": 5}})
    critic = {"input_tokens": MILLION, "output_tokens": MILLION}
    synthesis = [used(MILLION, critic=critic), used(critic=critic), used()]
    lines = bill(use_case, synthesis=synthesis, arms=[], judgments=[], prices=PRICES)
    assert {line.what: line.usd for line in lines} == {
        "synthesis: claude-sonnet-4-6 input": 1,
        "critic: claude-haiku-4-5 input": 2,
        "critic: claude-haiku-4-5 output": 4,
    }


def test_only_evaluation_jobs_that_the_run_bought_are_billed() -> None:
    job = {"arm": "tuned", "evaluator": "claude-haiku-4-5", "input_tokens": MILLION, "output_tokens": MILLION}
    assert billed(scores=[{**job, "bought": True}, {**job, "arm": "base", "bought": False}, {"arm": "x"}]) == {
        "scores tuned (estimated): claude-haiku-4-5 input": 1,
        "scores tuned (estimated): claude-haiku-4-5 output": 2,
    }


@pytest.mark.parametrize("bought", [True, False])
def test_a_prompt_optimization_job_is_billed_with_its_judge_if_the_run_bought_it(*, bought: bool) -> None:
    tokens = {"student_input": 4 * MILLION, "student_output": 0, "judge_input": MILLION, "judge_output": 3 * MILLION}
    optimized: Any = {"arm": "prompted", "bought": bought, "at_most_usd": 99.0, "tokens": tokens}
    arm = ArmSummary("prompted", "base", [used(MILLION)], optimized=optimized)
    job = {
        "prompt optimization prompted (estimated): nova-micro input": 4,
        "prompt optimization prompted (estimated), judge: claude-sonnet-4-6 input": 1,
        "prompt optimization prompted (estimated), judge: claude-sonnet-4-6 output": 6,
    }
    assert billed(arms=[arm]) == {"answers prompted: nova-micro input": 1, **(job if bought else {})}


def test_every_paid_part_of_a_run_has_a_line() -> None:
    lines = billed(
        synthesis=[used(MILLION, MILLION), used(MILLION)],
        arms=[
            ArmSummary("base", "base", [used(MILLION, MILLION)]),
            ArmSummary("tuned", "fine_tuned", [], paid_training=True, job_lines=TRAINING, unit_hours=0.5),
            ArmSummary("managed", "distilled", [], paid_training=True, job_lines=DISTILLATION, teacher="nova-pro"),
        ],
        judgments=[used(MILLION, judge="claude-haiku-4-5"), used(MILLION, judge="llama-3-3-70b")],
    )
    assert lines == {
        "synthesis: claude-sonnet-4-6 input": 2,
        "synthesis: claude-sonnet-4-6 output": 2,
        "answers base: nova-micro input": 1,
        "answers base: nova-micro output": 2,
        "training tuned: nova-micro": 0.05,
        "throughput tuned: nova-micro": 5,
        "teacher managed: claude-sonnet-4-6 input": 3,
        "teacher managed: claude-sonnet-4-6 output": 1,
        "training managed: nova-micro": 0.05,
        "judging: claude-haiku-4-5 input": 1,
        "judging: llama-3-3-70b input": 3,
    }


def test_a_served_arm_is_billed_by_the_hour_and_not_by_the_token() -> None:
    arm = ArmSummary("tuned", "fine_tuned", [used(MILLION, MILLION)], unit_hours=1)
    assert billed(arms=[arm]) == {"throughput tuned: nova-micro": 10}


def test_the_answers_of_a_deployment_are_billed_by_the_token_at_the_price_of_the_custom_model() -> None:
    deployed = {"deployed_input_tokens": MILLION, "deployed_output_tokens": MILLION}
    arm = ArmSummary("tuned", "fine_tuned", [used(MILLION, MILLION) | deployed, used()], model_arn="arn:model")
    assert billed(arms=[arm]) == {
        "answers tuned: nova-micro custom model input": 5,
        "answers tuned: nova-micro custom model output": 7,
    }


def test_an_arm_that_was_served_in_both_ways_is_billed_for_both() -> None:
    """A person changed `serving.mode` and cleared the run when half of the answers were stored."""
    half = used(MILLION, MILLION) | {"deployed_input_tokens": MILLION // 2, "deployed_output_tokens": 0}
    arm = ArmSummary("tuned", "fine_tuned", [half], model_arn="arn:model", unit_hours=1)
    assert billed(arms=[arm]) == {
        "answers tuned: nova-micro custom model input": 2.5,
        "throughput tuned: nova-micro": 10,
    }


def test_a_champion_on_a_deployment_is_billed_at_the_price_of_its_own_student() -> None:
    prices = Prices({**PRICES.models, "nova-pro": {"custom_input_per_million": 8, "custom_output_per_million": 9}}, 0.5)
    answers: Any = [used(MILLION) | {"deployed_input_tokens": MILLION, "deployed_output_tokens": 0}]
    arm = ArmSummary("best", "champion", answers, student="nova-pro", model_arn="arn:model")
    lines = bill(USE_CASE, synthesis=[], arms=[arm], judgments=[], prices=prices)
    assert {line.what: line.usd for line in lines} == {"answers best: nova-pro custom model input": 8}


def test_a_lost_call_to_a_deployment_has_the_price_of_the_custom_model() -> None:
    call = {"key": "k", "model": "nova-micro", "round": "r", "input_tokens": MILLION, "output_tokens": MILLION}
    assert billed(lost_calls=[{**call, "deployed": True}, call]) == {
        "calls without an answer (at most): nova-micro custom model input": 5,
        "calls without an answer (at most): nova-micro custom model output": 7,
        "calls without an answer (at most): nova-micro input": 1,
        "calls without an answer (at most): nova-micro output": 2,
    }


def test_the_total_is_the_sum_of_the_lines() -> None:
    lines = bill(USE_CASE, synthesis=[used(1500, 700)], arms=[], judgments=[], prices=PRICES)
    assert total_usd(lines) == sum(line.usd for line in lines) == 0.0029


def test_a_paid_part_without_a_known_price_raises_an_error() -> None:
    with pytest.raises(UseCaseError, match="no throughput_per_hour for nova-micro"):
        bill(
            USE_CASE,
            synthesis=[],
            arms=[ArmSummary("tuned", "fine_tuned", [], unit_hours=1)],
            judgments=[],
            prices=Prices({"claude-sonnet-4-6": ROUND}, batch_share=0.5),
        )


def test_each_paid_line_has_its_estimate_and_lines_that_cost_nothing_follow() -> None:
    paid = [BillLine("synthesis", 10, "token", 0.5), BillLine("a retry", 2, "token", 0.5)]
    expected = [BillLine("synthesis", 20, "token", 0.5), BillLine("training", 4, "token", 0.5)]
    records = compare_with_estimate(paid, [line.as_record() for line in expected])
    assert [(r["what"], r["quantity"], r["usd"], r["estimated_usd"]) for r in records] == [
        ("synthesis", 10, 5.0, 10.0),
        ("a retry", 2, 1.0, 0.0),
        ("training", 0, 0.0, 2.0),
    ]
    assert sum(record["usd"] for record in records) == total_usd(paid)


def test_the_records_of_the_bill_are_plain_json_with_keys_in_the_order_of_the_report() -> None:
    (record,) = compare_with_estimate([BillLine("synthesis", 10, "token", 0.5)], [])
    assert list(json.loads(json.dumps(record)).items()) == [
        ("what", "synthesis"),
        ("quantity", 10),
        ("unit", "token"),
        ("unit_price_usd", 0.5),
        ("usd", 5.0),
        ("estimated_usd", 0.0),
    ]
    assert compare_with_estimate([], []) == []


def test_answers_of_batch_jobs_have_separate_lines_at_the_batch_price() -> None:
    synthesis = [used(3 * MILLION, 2 * MILLION) | {"batch_input_tokens": MILLION, "batch_output_tokens": MILLION}]
    assert billed(synthesis=synthesis) == {
        "synthesis: claude-sonnet-4-6 input": 2,
        "synthesis: claude-sonnet-4-6 output": 2,
        "synthesis: claude-sonnet-4-6 batch input": 0.5,
        "synthesis: claude-sonnet-4-6 batch output": 1,
    }


def test_a_champion_arm_is_billed_by_the_token_only_when_the_base_student_answers_instead() -> None:
    first = ArmSummary("champion", "champion", [used(MILLION)])
    served = ArmSummary("champion", "champion", [used(MILLION)], model_arn="arn:model", unit_hours=1)
    assert billed(arms=[first]) == {"answers champion: nova-micro input": 1}
    assert billed(arms=[served]) == {"throughput champion: nova-micro": 10}
