"""The ledger counts and bills what the simulated account uses."""

from __future__ import annotations

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders

pytestmark = pytest.mark.usefixtures("no_batch_left_running")


def test_calls_and_tokens_are_counted_by_model_and_document(simulator: RunningSimulator) -> None:
    usages = [builders.converse(simulator)["usage"] for _ in range(2)]
    other = builders.prompt(document="Amazon SQS holds messages for four days. A message can be 256 KB large.")
    usages.append(builders.converse(simulator, text=other)["usage"])
    ledger = simulator.ledger
    assert (ledger["simulated"], ledger["calls"], ledger["billed_calls"]) == (True, 3, 3)
    assert ledger["by_model"][builders.STUDENT] == {
        "calls": 3,
        "rejected": 0,
        "input_tokens": sum(usage["inputTokens"] for usage in usages),
        "output_tokens": sum(usage["outputTokens"] for usage in usages),
    }
    assert sorted(ledger["by_document"].values()) == [1, 2]
    assert all(len(name) == 16 for name in ledger["by_document"])
    assert simulator.admin("POST", "ledger/reset")["calls"] == 0


def test_the_ledger_lists_batch_calls_which_cost_half_again(simulator: RunningSimulator) -> None:
    builders.converse(simulator)
    arn = builders.create_batch(simulator)
    builders.finished_batch(simulator, arn)
    ledger = simulator.ledger
    assert ledger["by_model"][builders.STUDENT]["calls"] == 101
    assert ledger["batch_by_model"][builders.STUDENT]["calls"] == 100
    assert sum(ledger["by_document"].values()) == 101
    (job,) = (job for job in ledger["batch_jobs"] if job["arn"] == arn)
    assert (job["status"], job["records"], job["billed_records"]) == ("Completed", 100, 100)


def test_the_ledger_has_the_tokens_of_prompt_optimization_jobs_apart_from_the_calls(
    simulator: RunningSimulator,
) -> None:
    arn = builders.create_optimization(simulator)
    builders.finished_optimization(simulator, arn)
    ledger = simulator.ledger
    (job,) = (job for job in ledger["optimization_jobs"] if job["arn"] == arn)
    assert (job["status"], job["templates"], job["samples"], job["deleted"]) == ("Completed", 1, 1, None)
    assert {(use["purpose"], use["model"]) for use in job["billed_use"]} == {
        ("target", builders.OPTIMIZED),
        ("judge", "anthropic.claude-sonnet-4-6"),
        ("rewriter", "anthropic.claude-sonnet-4-6"),
    }
    assert (ledger["calls"], ledger["by_model"]) == (0, {})
