"""Read the prompt that a job optimized for an arm, and store it in the run's folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bedrock_distill.lifecycle.bought_by_run import has_bought_job
from bedrock_distill.lifecycle.optimization_task import OptimizationTask
from bedrock_distill.lifecycle.progress import whole_job_cost
from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.run.task_ids import SUBMIT, WAIT, sibling_task
from bedrock_distill.run.task_results import ResultOf
from bedrock_distill.run.what_to_clear import task_to_clear
from include.distill.core.errors import ContractError, NotFoundError, StoredRecordError
from include.distill.core.storage import read_json, write_json
from include.distill.prompt_optimization.records import (
    OptimizationJobManifest,
    OptimizationResultManifest,
    OptimizedPrompt,
    OptimizedPromptManifest,
)

if TYPE_CHECKING:
    from airflow.sdk import Context

    from bedrock_distill.lineage.artifacts import TaskLineage


class BedrockCollectPromptOperator(OptimizationTask, DistillOperator):
    """
    Read the optimized prompt in the results of a prompt optimization job, check it, and store it.

    A model wrote the prompt, so it is not trusted: it must contain ``{{document}}`` and ``{{question}}`` and no other
    variable. It is stored in S3 and is not part of the task's result.

    This task costs nothing. Retrying or clearing the task reads the same results again. If their file was deleted after
    the prompt had been stored, the task uses the stored prompt.

    :param submitted: manifest of the task ``submit`` in the same group. (templated)
    :param result: manifest of the task ``wait`` in the same group. (templated)
    :return: ``{"arm", "prompt_uri", "prompt_version", "samples", "job_name", "bought": bool, "at_most_usd",
        "tokens"}``
    :raises ContractError: the job has no results and the run has no stored prompt of it, or the results cannot be read.
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
        from include.distill.prompt_optimization.results import prompt_version, results_uri

        arm, uri = self.result["arm"], results_uri(self.result)
        try:
            body = self.store.read(uri)
        except NotFoundError as error:
            optimized = self._stored_earlier()
            if optimized is None:
                raise self._missing_file(uri) from error
            self.log.info("The file %s does not exist. Using the prompt that this run stored from it earlier.", uri)
        else:
            optimized = self._store(body, uri)
        version = prompt_version(optimized["optimized"])
        self.log.info("Version %s of the prompt of arm %s is stored.", version, arm)
        return {
            "arm": arm,
            "prompt_uri": self.folder.optimized_prompt(arm),
            "prompt_version": version,
            "samples": optimized["samples"],
            "job_name": self.result["job_name"],
            "bought": has_bought_job(self, self.submitted),
            "at_most_usd": self.submitted["at_most_usd"],
            "tokens": self.submitted["tokens"],
        }

    def lineage(self, result: OptimizedPromptManifest | None) -> TaskLineage:
        """Return what the task reads and writes."""
        from bedrock_distill.lineage.model_steps import prompt_lineage

        return prompt_lineage(self.use_case, result)

    def _store(self, body: bytes, uri: str) -> OptimizedPrompt:
        """Check the prompt in the content of the job's file of results, and store it in the run's folder."""
        from include.distill.prompt_optimization.results import read_result

        arm = self.result["arm"]
        plan, judge = self.plan_of(arm), self.settings.judge_model
        optimized = read_result(body, uri=uri, result=self.result, plan=plan, judge=judge)
        write_json(self.store, self.folder.optimized_prompt(arm), optimized)
        return optimized

    def _stored_earlier(self) -> OptimizedPrompt | None:
        """Return the run's stored prompt, which was checked when it was stored; ``None`` if another job wrote it."""
        try:
            stored = read_json(self.store, self.folder.optimized_prompt(self.result["arm"]), OptimizedPrompt)
        except (NotFoundError, StoredRecordError):
            return None
        return stored if stored["job_arn"] == self.result["job_arn"] else None

    def _missing_file(self, uri: str) -> ContractError:
        """Return an error that says which tasks to clear, and whether another job is then bought."""
        result = self.result
        job = {"output_uri": result["output_uri"], "name": result["job_name"], "arn": result["job_arn"]}
        buys = f"which buys another job{whole_job_cost(self.submitted['at_most_usd'])}"
        again = f"clear {task_to_clear(sibling_task(self.task_id, SUBMIT))}, {buys}"
        if self.ended_jobs.has_results(**job):
            again = f"delete the other files in {self.ended_jobs.results_of(**job)}, and {again}"
        elif self.submitted["attempt"] >= self.settings.max_attempts:
            again = f"raise {self.settings_key}.max_attempts and clear {self.restart}, {buys}"
        return ContractError(
            f"Prompt optimization job {result['job_name']} for arm {result['arm']} is {result['status']}, but the file"
            f" {uri} with its results does not exist.",
            left="The job was not changed, and this run has no stored prompt of this job.",
            billed="The job is paid for. Reading its results costs nothing.",
            to_do=f"If you can restore the file, restore it and clear {task_to_clear(self.task_id)}, which reads it and"
            f" buys nothing. Otherwise, {again}.",
        )
