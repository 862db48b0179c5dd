"""Read the prompt that a job optimized for an arm, and store it in the run's folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bedrock_distill.lifecycle.bought_by_run import has_bought_job
from bedrock_distill.lifecycle.optimization_task import OptimizationTask
from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.run.task_ids import SUBMIT, WAIT, sibling_task
from bedrock_distill.run.task_results import ResultOf
from bedrock_distill.run.what_to_clear import task_to_clear
from include.distill.core.errors import ContractError, NotFoundError
from include.distill.core.storage import write_json
from include.distill.prompt_optimization.records import (
    OptimizationJobManifest,
    OptimizationResultManifest,
    OptimizedPromptManifest,
)

if TYPE_CHECKING:
    from airflow.sdk import Context


class BedrockCollectPromptOperator(OptimizationTask, DistillOperator):
    """
    Read the optimized prompt in the results of a prompt optimization job, check it, and store it.

    A model wrote the prompt, so it is not trusted: it must contain ``{{document}}`` and ``{{question}}`` and no other
    variable. It is stored in S3 and is not part of the task's result.

    This task costs nothing. Retrying or clearing the task reads the same results again.

    :param submitted: manifest of the task ``submit`` in the same group. (templated)
    :param result: manifest of the task ``wait`` in the same group. (templated)
    :return: ``{"arm", "prompt_uri", "prompt_version", "samples", "job_name", "bought": bool, "at_most_usd",
        "tokens"}``
    :raises ContractError: the job has no results, or they cannot be read.
    :raises JobFailedError: the job did not optimize the prompt, or the optimized prompt cannot be used.
    """

    template_fields: Sequence[str] = (*DistillOperator.template_fields, "submitted", "result")
    submitted = ResultOf[OptimizationJobManifest](SUBMIT)
    result = ResultOf[OptimizationResultManifest](WAIT)
    ui_color = "#f3e8fd"
    waits_for = "the results of prompt optimization job {task.result[job_name]} to be read"

    def __init__(self, *, submitted: Any, result: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.submitted = submitted
        self.result = result

    def execute(self, context: Context) -> OptimizedPromptManifest:
        """Read, check and store the prompt; return where it is stored."""
        from include.distill.prompt_optimization.results import prompt_version, read_result, results_uri

        arm, uri = self.result["arm"], results_uri(self.result)
        optimized = read_result(
            self._body(uri), uri=uri, result=self.result, plan=self.plan_of(arm), judge=self.settings.judge_model
        )
        prompt_uri = self.folder.optimized_prompt(arm)
        write_json(self.store, prompt_uri, optimized)
        version = prompt_version(optimized["optimized"])
        self.log.info("Stored version %s of the prompt of arm %s.", version, arm)
        return {
            "arm": arm,
            "prompt_uri": prompt_uri,
            "prompt_version": version,
            "samples": optimized["samples"],
            "job_name": self.result["job_name"],
            "bought": has_bought_job(self, self.submitted),
            "at_most_usd": self.submitted["at_most_usd"],
            "tokens": self.submitted["tokens"],
        }

    def _body(self, uri: str) -> bytes:
        """Return the content of the job's file of results.

        :raises ContractError: there is no such file.
        """
        try:
            return self.store.read(uri)
        except NotFoundError as error:
            raise ContractError(
                f"Prompt optimization job {self.result['job_name']} for arm {self.result['arm']} is"
                f" {self.result['status']}, but the file {uri} with its results does not exist.",
                left="The job was not changed, and no prompt was stored.",
                billed="The job is paid for. Reading its results costs nothing.",
                to_do="If someone deleted the file, restore it, so that nothing is bought again.",
                then_clear=task_to_clear(sibling_task(self.task_id, SUBMIT)),
                effect="buys another job only if all results of this job are gone",
            ) from error
