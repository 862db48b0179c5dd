"""A step waits only for the running batch jobs that contain its questions, and for none that is being stopped."""

from __future__ import annotations

import pytest

from bedrock_distill.hooks.batch_jobs import BatchJob
from bedrock_distill.lifecycle.running_questions import RunningQuestions
from include.distill.core.errors import JobStoppingError


def running(**statuses: str) -> RunningQuestions:
    """Return the questions of jobs. Each job has the question of its name."""
    found = RunningQuestions()
    for name, status in statuses.items():
        found.add(BatchJob(name, f"arn:{name}", status), [name])
    return found


def test_claiming_a_question_makes_the_step_wait_only_for_the_job_that_contains_the_question() -> None:
    questions = running(a="InProgress", b="Submitted")
    assert (questions.claim("a"), questions.claim("c")) == (True, False)
    assert questions.claimed_arns == {"arn:a"}
    questions.require_not_stopped()


def test_the_step_does_not_wait_for_a_job_that_is_being_stopped() -> None:
    questions = running(a="Stopping", b="Submitted")
    questions.claim("a")
    with pytest.raises(JobStoppingError, match="are being stopped: a"):
        questions.require_not_stopped()


def test_a_job_with_other_questions_may_be_stopped() -> None:
    questions = running(a="Stopping", b="Submitted")
    questions.claim("b")
    questions.require_not_stopped()
