"""Wait for a job that Bedrock looks up by its ARN (the base class)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from bedrock_distill.hooks.named_jobs import NamedJob
from bedrock_distill.hooks.statuses import Progress
from bedrock_distill.lifecycle.job_task import JobTask
from bedrock_distill.lifecycle.progress import describe_named_job, whole_job_cost
from bedrock_distill.run.task_ids import SUBMIT, sibling_task
from bedrock_distill.run.what_to_clear import task_to_clear
from bedrock_distill.sensors.base import WaitingSensor
from bedrock_distill.triggers.named_job import NamedJobTrigger
from bedrock_distill.triggers.polling import PollingTrigger
from include.distill.core.durations import format_duration
from include.distill.core.ended_jobs import DELETED, WITH_RESULTS
from include.distill.core.errors import JobFailedError, NotFoundError, WaitTimeoutError
from include.distill.core.job_failures import FailureCause, job_failure, stated_reason
from include.distill.inference.quoted_requests import escaped

ManifestT = TypeVar("ManifestT", bound=Mapping[str, object])
JobT = TypeVar("JobT", bound=NamedJob)


class NamedJobSensor(JobTask[JobT], WaitingSensor[ManifestT], Generic[ManifestT, JobT]):
    """
    Base class of the sensors that wait for a job.

    The task buys nothing. Retrying or clearing the task finds the job by its ARN and waits again. The task records how
    the job ended, so that the job is not bought again after it was deleted in Bedrock.

    :param submitted: manifest of the task ``submit`` in the same group. (templated)
    :param stop_when_marked_failed: stop the job when a person marks this task as failed.
    :cvar trigger_class: the trigger that waits for such a job.
    :cvar kept: what is still stored after a failure, as a sentence.
    :cvar same_input: what all attempts have in common, such as "these answers".
    """

    template_fields: Sequence[str] = (*WaitingSensor.template_fields, "submitted")
    trigger_class: type[NamedJobTrigger]
    kept: str
    same_input: str
    submitted: Any

    def __init__(self, *, submitted: Any, stop_when_marked_failed: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.submitted = submitted
        self.stop_when_marked_failed = stop_when_marked_failed

    @abstractmethod
    def manifest(self, status: str, output_uri: str) -> ManifestT:
        """Return the manifest of a job that has results."""

    @property
    def resource(self) -> str:
        """The name of the job."""
        return f"{self.noun} {self.submitted['job_name']}"

    def poll(self) -> ManifestT | None:
        """Look up the job by its ARN; return the manifest if the job has completed."""
        job = self.jobs.get(self.submitted["job_arn"])
        if job is None:
            return self._result_of_deleted_job()
        if job.progress is Progress.RUNNING:
            self.checks.status = describe_named_job(job)
            self.log.info("%s", self.checks.status)
            return None
        self._record(job.status, job.message, job.output_uri)
        if job.progress is Progress.FAILED:
            raise self._failure(job)
        return self.manifest(job.status, job.output_uri)

    def trigger(self, **common: Any) -> PollingTrigger:
        """Return the trigger that waits for the job to end."""
        return self.trigger_class(
            name=self.submitted["job_arn"],
            at_most_usd=self.submitted.get("at_most_usd"),
            give_up_when_failed=self.stop_when_marked_failed,
            **common,
        )

    def billed_now(self, error: Exception) -> str:
        """Return a sentence that says whether the job is billed now."""
        return f"The {self.results} of job {self.submitted['job_name']}, if the job is running{self.cost}."

    def cost_so_far(self) -> str:
        """Return how the job is billed."""
        return f"the {self.results} so far{self.cost}"

    def timeout_error(self, why: str) -> WaitTimeoutError:
        """Return an error that says that the job was not stopped."""
        name = self.submitted["job_name"]
        return WaitTimeoutError(
            f"This task has waited {format_duration(self.timeout_seconds)}, but job {name} has not ended. {why}",
            left=f"Job {name} was not stopped.",
            billed=f"The {self.results} of job {name} until it ends{self.cost}.",
            to_do=(
                f"To wait longer without buying anything, clear {self.task_to_clear}. To end the job, stop it in the"
                " Bedrock console."
            ),
        )

    def _result_of_deleted_job(self) -> ManifestT:
        """
        Return the manifest of a job that does not exist any more, if its results are stored.

        :raises NotFoundError: nobody saw how the job ended, or its results were deleted.
        """
        name, arn = self.submitted["job_name"], self.submitted["job_arn"]
        ended = self.ended_jobs.find(name)
        if ended is None:
            self._record(DELETED, None, "")
        elif ended["status"] in WITH_RESULTS and self.ended_jobs.has_results(
            output_uri=ended["output_uri"], name=name, arn=arn
        ):
            self.log.info("Job %s was deleted in Bedrock after it had completed. Its results are stored.", name)
            return self.manifest(ended["status"], ended["output_uri"])
        raise NotFoundError(
            f"{self.noun.capitalize()} {name} does not exist any more, and has no results. Someone deleted it in"
            " Bedrock.",
            left="Nothing is running.",
            billed=f"The {self.results} until the job was deleted; nothing more is billed for this job.",
            then_clear=self.submit_to_clear,
            effect=f"buys another job{self.cost}",
        )

    def _record(self, status: str, message: str | None, output_uri: str) -> None:
        self.ended_jobs.add(
            {
                "job_name": self.submitted["job_name"],
                "job_arn": self.submitted["job_arn"],
                "status": status,
                "message": message,
                "output_uri": output_uri,
            }
        )

    def _failure(self, job: JobT) -> JobFailedError:
        noun, reason = self.noun.capitalize(), escaped(stated_reason(job.message))
        ended = f"{noun} {job.name} ended with status {job.status}: {reason}."
        attempt, max_attempts = self.submitted["attempt"], self.settings.max_attempts
        to_do, clear = "", self.submit_to_clear
        if attempt >= max_attempts:
            ended += f" It was attempt {attempt} of at most {max_attempts} on {self.same_input}."
            to_do = f"Remove the cause that Bedrock names, and raise {self.settings_key}.max_attempts."
            clear = self.restart
        failure = job_failure(job.message)
        if job.status == "Failed" and failure.is_final:
            ended += " The same data would fail again."
            to_do, clear = failure.advice, self.restart
        elif job.status == "Failed":
            cause = "an internal Bedrock error" if failure.cause is FailureCause.BEDROCK else "not the data"
            ended += f" The cause is {cause}, so another job may succeed."
            to_do = f"{failure.advice} {to_do}".strip()
        return JobFailedError(
            ended,
            left=f"Nothing is running. {self.kept}",
            billed=f"The {self.results} up to that point may be billed; nothing more is billed for this job.",
            to_do=to_do,
            then_clear=clear,
            effect=f"buys another job{self.cost}",
        )

    @property
    def submit_to_clear(self) -> str:
        """The task to clear so that another job is bought."""
        return task_to_clear(sibling_task(self.task_id, SUBMIT))

    @property
    def cost(self) -> str:
        """What the whole job costs, as the end of a sentence."""
        return whole_job_cost(self.submitted.get("at_most_usd"))
