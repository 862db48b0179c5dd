"""Find the running batch jobs that will answer questions of a step, so that no question is submitted again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from bedrock_distill.hooks.batch_jobs import BatchJob
from bedrock_distill.hooks.statuses import STOPPED
from include.distill.core.errors import FAILED_TASK, JobStoppingError


@dataclass
class RunningQuestions:
    """
    The questions that running jobs will answer.

    ``job_arns`` maps a question's key to the ARN of the job that will answer it. ``claimed_arns`` are the ARNs of the
    jobs that this step must wait for. ``stopping`` are the names of the jobs that are being stopped, by their ARNs.
    """

    job_arns: dict[str, str] = field(default_factory=dict)
    claimed_arns: set[str] = field(default_factory=set)
    stopping: dict[str, str] = field(default_factory=dict)

    def add(self, job: BatchJob, keys: Iterable[str]) -> None:
        """Add a running job with the keys of its questions."""
        self.job_arns.update(dict.fromkeys(keys, job.arn))
        if job.status in STOPPED:
            self.stopping[job.arn] = job.name

    def claim(self, key: str) -> bool:
        """
        Claim the running job that will answer a question, so that the step waits for the job.

        :return: whether there is such a job.
        """
        arn = self.job_arns.get(key)
        if arn is None:
            return False
        self.claimed_arns.add(arn)
        return True

    def require_not_stopped(self) -> None:
        """
        Check that the step does not wait for a job that is being stopped, because the run would fail at its end.

        :raises JobStoppingError: a job with questions of the step is being stopped.
        """
        if names := [name for arn, name in self.stopping.items() if arn in self.claimed_arns]:
            raise being_stopped(names)


def being_stopped(names: Iterable[str]) -> JobStoppingError:
    """Return the error for batch jobs that are stopped while a step looks for its questions in them."""
    return JobStoppingError(
        f"These batch jobs contain questions of this step, but are being stopped: {', '.join(sorted(names))}.",
        left="The answers that they already have are kept.",
        then_clear=FAILED_TASK,
        effect="stores these answers, and submits the other questions",
    )
