"""Check what an unknown status means. The contract tests compare the tables with the service model."""

from __future__ import annotations

import pytest

from bedrock_distill.hooks.statuses import BATCH_STATUS, Progress, job_progress
from include.distill.core.errors import ContractError


def test_a_status_has_the_meaning_in_the_table() -> None:
    assert job_progress("Batch job name", "Expired", BATCH_STATUS) is Progress.SUCCEEDED


def test_an_unknown_status_is_an_error_that_says_the_job_may_be_billed() -> None:
    with pytest.raises(ContractError, match=r"Batch job name has the unknown status 'Paused'.*billed"):
        job_progress("Batch job name", "Paused", BATCH_STATUS)
