from __future__ import annotations

from typing import Any

import pytest

from include.distill.training.job_identity import is_transient_failure, job_fingerprint

JOB: dict[str, Any] = {
    "base_model_id": "amazon.nova-micro-v1:0:128k",
    "hyperparameters": {"epochCount": "2", "learningRate": "0.00001"},
    "data_sha256": "0" * 64,
}


@pytest.mark.parametrize(
    "change",
    [
        {"base_model_id": "amazon.nova-lite-v1:0:300k"},
        {"hyperparameters": {"epochCount": "3", "learningRate": "0.00001"}},
        {"hyperparameters": {"epochCount": "2"}},
        {"hyperparameters": {}},
        {"data_sha256": "1" * 64},
        {"customization_type": "DISTILLATION"},
    ],
    ids=str,
)
def test_whatever_changes_the_model_changes_the_fingerprint(change: dict[str, Any]) -> None:
    assert job_fingerprint(**{**JOB, **change}) != job_fingerprint(**JOB)


def test_the_order_of_hyperparameters_does_not() -> None:
    turned = dict(reversed(JOB["hyperparameters"].items()))
    assert job_fingerprint(**{**JOB, "hyperparameters": turned}) == job_fingerprint(**JOB)


@pytest.mark.parametrize(
    ("message", "passing"),
    [
        ("An internal error occurred. Please try again.", True),
        ("INTERNAL ERROR", True),
        ("Encountered an unexpected error when processing the request", True),
        ("Invalid input error: the training file has fewer than 8 records", False),
        ("", False),
        (None, False),
    ],
)
def test_only_failures_of_bedrocks_own_making_pass(message: str | None, passing: bool) -> None:
    assert is_transient_failure(message) is passing
