from __future__ import annotations

from typing import Any

import pytest

from include.distill.cost.job_price import JobTokens, at_most_usd, describe_cost, estimated_usd, job_lines, tokens_of
from include.distill.cost.prices import Prices
from tests.distill.conftest import make_use_case

MILLION = 1_000_000
PRICES = Prices(
    {
        "nova-pro": {"input_per_million": 1, "output_per_million": 4},
        "nova-micro": {"training_per_thousand": 0.01},
    },
    batch_share=0.5,
)
USE_CASE = make_use_case(
    arms=[
        {"name": "base", "kind": "base"},
        {"name": "tuned"},
        {"name": "managed", "kind": "distilled", "teacher": "nova-pro"},
    ],
    training={"hyperparameters": {"epochCount": 3}},
    answering={"max_tokens": 100},
)
TUNED: Any = {"records": 100, "tokens": 5000}
MANAGED: Any = {"records": 100, "tokens": 6000, "teacher": {"input_tokens": 5000, "output_tokens": 1000}}


def test_a_fine_tuning_job_has_one_line_for_its_epochs() -> None:
    lines = job_lines(USE_CASE, "tuned", tokens_of(TUNED), PRICES)
    assert [(line.what, line.quantity) for line in lines] == [("training tuned: nova-micro", 3 * 5000)]


def test_a_distillation_job_also_has_lines_for_its_teacher_and_the_default_number_of_epochs() -> None:
    lines = job_lines(USE_CASE, "managed", tokens_of(MANAGED), PRICES)
    assert {line.what: (line.quantity, line.usd) for line in lines} == {
        "teacher managed: nova-pro input": (5000, 0.005),
        "teacher managed: nova-pro output": (1000, 0.004),
        "training managed: nova-micro": (2 * 6000, 0.12),
    }
    assert tokens_of(MANAGED) == JobTokens(6000, (5000, 1000))


def test_a_fine_tuning_job_costs_at_most_what_is_estimated() -> None:
    assert at_most_usd(USE_CASE, "tuned", TUNED, PRICES) == 0.15


@pytest.mark.parametrize(("answer_tokens", "longest"), [(1000, 100), (30_000, 300)])
def test_a_distillation_job_costs_at_most_as_much_as_with_all_prompts_that_bedrock_may_add(
    answer_tokens: int, longest: int
) -> None:
    """It has 15,000 prompts of 50 tokens. An answer of ours may be longer than an answer of the teacher."""
    dataset: Any = {**MANAGED, "teacher": {"input_tokens": 5000, "output_tokens": answer_tokens}}
    prompts, answers = 15_000 * 50, 15_000 * longest
    expected = prompts / MILLION + 4 * answers / MILLION + 2 * 0.01 * (prompts + answers) / 1000
    assert at_most_usd(USE_CASE, "managed", dataset, PRICES) == pytest.approx(expected)


def test_the_price_of_a_distillation_job_is_stated_as_estimated_and_at_most() -> None:
    estimated = estimated_usd(USE_CASE, "managed", MANAGED, PRICES)
    assert estimated == pytest.approx(0.129)
    assert describe_cost(127.5, estimated) == (
        ", about $0.13 in all as estimated, or at most $127.50 if Bedrock adds as many prompts of its own as it may"
    )


def test_the_price_of_another_job_is_stated_as_at_most() -> None:
    assert estimated_usd(USE_CASE, "tuned", TUNED, PRICES) is None
    assert (describe_cost(0.15, None), describe_cost(None, None)) == (", at most $0.15 in all", "")
