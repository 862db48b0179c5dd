"""Check what is particular to the purchase of an evaluation job. The rest is in ``test_named_job.py``."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.core.errors import JobFailedError, RefusedError
from tests.fakes.fake_evaluation_jobs import FakeEvaluationJobs


@pytest.mark.parametrize("field", ["role_arn", "dataset_uri", "output_uri"])
def test_a_job_with_other_locations_is_not_used(
    submit_evaluation: Any, evaluations: FakeEvaluationJobs, field: str
) -> None:
    evaluations.put(submit_evaluation()["job_arn"], **{field: "other"})
    with pytest.raises(RefusedError, match=r"its .* is other, expected"):
        submit_evaluation()


def test_the_last_error_names_the_evaluator_and_the_setting(
    submit_evaluation: Any, evaluations: FakeEvaluationJobs
) -> None:
    submit_evaluation.set_max_attempts(1)
    evaluations.end(submit_evaluation()["job_arn"], "Stopped")
    message = r"(?s)All 1 evaluation jobs of tuned for nova-pro have ended.*raise evaluations\.pointwise\.max_attempts"
    with pytest.raises(JobFailedError, match=message):
        submit_evaluation()
