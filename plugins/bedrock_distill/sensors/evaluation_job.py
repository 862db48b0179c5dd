"""Wait for an evaluation job to end."""

from __future__ import annotations

from typing import Any

from bedrock_distill.hooks.evaluations import EvaluationJob
from bedrock_distill.lifecycle.evaluation_task import EvaluationTask
from bedrock_distill.run.task_ids import SUBMIT
from bedrock_distill.run.task_results import ResultOf
from bedrock_distill.sensors.named_job import NamedJobSensor
from bedrock_distill.triggers.evaluation import EvaluationJobTrigger
from bedrock_distill.ui.links import EVALUATION_LINK
from include.distill.config.evaluation_settings import EvaluationKind
from include.distill.managed_evaluation.records import EvaluationJobManifest, EvaluationResultManifest


class BedrockEvaluationJobSensor(EvaluationTask, NamedJobSensor[EvaluationResultManifest, EvaluationJob]):
    """
    Wait for an evaluation job to complete.

    The task buys nothing. Retrying or clearing the task finds the job by its ARN and waits again. The task records how
    the job ended, so that the job is not bought again after it was deleted in Bedrock.

    :param submitted: manifest of the task ``submit`` in the same group. (templated)
    :param kind: the section of ``evaluations`` in the use case that asks for the job.
    :param stop_when_marked_failed: stop the job when a person marks this task as failed.
    :return: ``{"job_name", "job_arn", "arm", "evaluator", "status", "output_uri"}``
    :raises JobFailedError: the job failed, was stopped or is being deleted; the message quotes Bedrock's reason.
    :raises NotFoundError: the job was deleted before it had results.
    :raises WaitTimeoutError: the job has not ended and is billed. Clear this task to wait longer.
    """

    operator_extra_links = (EVALUATION_LINK,)
    trigger_class = EvaluationJobTrigger
    submitted = ResultOf[EvaluationJobManifest](SUBMIT)
    waits_for = "evaluation job {task.submitted[job_name]} to end"
    kept = "The arm's answers are stored."
    same_input = "these answers"

    def __init__(self, *, kind: EvaluationKind = "pointwise", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind = kind

    def manifest(self, status: str, output_uri: str) -> EvaluationResultManifest:
        """Return the manifest of a job that has results."""
        return {
            "job_name": self.submitted["job_name"],
            "job_arn": self.submitted["job_arn"],
            "arm": self.submitted["arm"],
            "evaluator": self.submitted["evaluator"],
            "status": status,
            "output_uri": output_uri,
        }
