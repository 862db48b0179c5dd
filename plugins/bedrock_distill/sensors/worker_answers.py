"""Wait for the answers of human workers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bedrock_distill.run.workers_task import WorkersTask
from bedrock_distill.sensors.evaluation_job import BedrockEvaluationJobSensor
from bedrock_distill.triggers.worker_answers import WorkerAnswersTrigger
from include.distill.core.durations import format_duration
from include.distill.core.errors import WaitTimeoutError


class BedrockWorkersSensor(WorkersTask, BedrockEvaluationJobSensor):
    """
    Wait until human workers have answered all examples of a sample. This can take days, and occupies no worker slot.

    The task buys nothing. Retrying or clearing the task finds the job by its ARN and waits again. If a person marks the
    task as failed, the job is stopped.

    :param sample: manifest of the task ``draw_sample``. (templated)
    :param use_case_name: the use case of the DAG. A sample of another use case is refused.
    :param use_cases: the folder of use cases, whose current section ``evaluations.human`` is used.
    :param run_uri: not used, because the sample names the run. (templated)
    :return: ``{"job_name", "job_arn", "arm", "evaluator", "status", "output_uri"}``
    :raises JobFailedError: the job failed, was stopped or is being deleted; the message quotes Bedrock's reason.
    :raises NotFoundError: the job was deleted before all workers had answered.
    :raises WaitTimeoutError: workers have not answered yet. Clear this task to wait longer.
    """

    template_fields: Sequence[str] = (*BedrockEvaluationJobSensor.template_fields, "sample")
    trigger_class = WorkerAnswersTrigger
    waits_for = "human workers to answer the examples of job {task.submitted[job_name]}"
    results = "workers' answers"
    kept = "The labeled run and all stored labels are unchanged."

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(kind="human", **kwargs)

    def state_left(self, error: Exception) -> str:
        """Return what is left after an error: the job, the run and the stored labels are unchanged."""
        return f"The labeled run, all stored labels and {self.resource} are unchanged."

    def billed_now(self, error: Exception) -> str:
        """Return a sentence that says how the answers are billed."""
        return f"Each answer of a worker in job {self.submitted['job_name']}{self.cost}."

    def cost_so_far(self) -> str:
        """Return how the job is billed."""
        return f"each answer of a worker{self.cost}"

    def timeout_error(self, why: str) -> WaitTimeoutError:
        """Return an error that says that workers can still answer."""
        name = self.submitted["job_name"]
        return WaitTimeoutError(
            f"This task has waited {format_duration(self.timeout_seconds)}, but workers have not answered all examples"
            f" of job {name}. {why}",
            left=f"Job {name} was not stopped, so workers can still answer.",
            billed=f"Each answer of a worker{self.cost}.",
            to_do=(
                f"Remind the workers. To wait longer without buying anything, clear {self.task_to_clear}. To end the"
                " job, stop it in the Bedrock console. The answers in a stopped job are not used."
            ),
        )

    @property
    def restart(self) -> str:
        """The task to clear after settings or data have changed: ``submit``, because it reads the settings again."""
        return self.submit_to_clear
