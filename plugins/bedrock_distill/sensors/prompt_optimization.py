"""Wait for a prompt optimization job to end."""

from __future__ import annotations

from bedrock_distill.hooks.prompt_optimizations import OptimizationJob
from bedrock_distill.lifecycle.optimization_task import OptimizationTask
from bedrock_distill.run.task_ids import SUBMIT
from bedrock_distill.run.task_results import ResultOf
from bedrock_distill.sensors.named_job import NamedJobSensor
from bedrock_distill.triggers.prompt_optimization import PromptOptimizationTrigger
from bedrock_distill.ui.links import OPTIMIZATION_LINK
from include.distill.prompt_optimization.records import OptimizationJobManifest, OptimizationResultManifest


class BedrockPromptOptimizationSensor(OptimizationTask, NamedJobSensor[OptimizationResultManifest, OptimizationJob]):
    """
    Wait for the job that optimizes an arm's prompt.

    The task buys nothing. Retrying or clearing the task finds the job by its ARN and waits again. The task records how
    the job ended, so that the job is not bought again after it was deleted in Bedrock.

    A partially completed job ends the wait, too. The task ``collect`` reads whether the prompt was optimized.

    :param submitted: manifest of the task ``submit`` in the same group. (templated)
    :param stop_when_marked_failed: stop the job when a person marks this task as failed.
    :return: ``{"job_name", "job_arn", "arm", "status", "output_uri"}``
    :raises JobFailedError: the job failed, was stopped or is being deleted; the message quotes Bedrock's reason.
    :raises NotFoundError: the job was deleted before it had results.
    :raises WaitTimeoutError: the job has not ended and is billed. Clear this task to wait longer.
    """

    operator_extra_links = (OPTIMIZATION_LINK,)
    trigger_class = PromptOptimizationTrigger
    submitted = ResultOf[OptimizationJobManifest](SUBMIT)
    waits_for = "prompt optimization job {task.submitted[job_name]} to end"
    kept = "The samples and all other results of the run are stored."
    same_input = "this prompt and these samples"

    def manifest(self, status: str, output_uri: str) -> OptimizationResultManifest:
        """Return the manifest of a job that has results."""
        return {
            "job_name": self.submitted["job_name"],
            "job_arn": self.submitted["job_arn"],
            "arm": self.submitted["arm"],
            "status": status,
            "output_uri": output_uri,
        }
