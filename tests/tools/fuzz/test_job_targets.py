"""The targets notice a reader of a job's output that loses a record."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.batch.pending_jobs import BatchOutcome
from tools.fuzz import job_targets
from tools.fuzz.contract import BrokenContractError

SEEDS = {target.name: target.seeds[0] for target in job_targets.TARGETS}


def test_a_request_without_a_fate_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = job_targets.collect

    def lossy(*arguments: Any, **options: Any) -> BatchOutcome:
        outcome = real(*arguments, **options)
        return BatchOutcome(outcome.records - 1, outcome.answered, outcome.errors)

    monkeypatch.setattr(job_targets, "collect", lossy)
    with pytest.raises(BrokenContractError, match="no fate"):
        job_targets.collect_batch(SEEDS["batch"])


def test_a_lost_score_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = job_targets.read_scores
    monkeypatch.setattr(job_targets, "read_scores", lambda *given, **options: real(*given, **options)[1:])
    with pytest.raises(BrokenContractError, match="no record"):
        job_targets.read_evaluation(SEEDS["evaluation"])


def test_a_file_of_losses_without_steps_and_notes_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_targets, "loss_curve", lambda body, note: [])
    with pytest.raises(BrokenContractError, match="has no note"):
        job_targets.read_losses(SEEDS["losses"])
