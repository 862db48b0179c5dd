"""
Find the job that optimizes the prompt of an arm, if an earlier run bought this job.

The answers of an arm with an optimized prompt depend on the prompt. Before a job has run, the prompt is not known, and
neither is which answers are stored. But a job for the same input is found by its name, and gives the same prompt. Any
earlier run can have bought the job, not only the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from include.distill.config.layout import RunFolder
from include.distill.config.prompts import Prompt
from include.distill.config.use_case import UseCase
from include.distill.core.ended_jobs import WITH_RESULTS, EndedJob
from include.distill.core.errors import ContractError, JobFailedError, NotFoundError, StoredRecordError
from include.distill.core.naming import optimization_name
from include.distill.core.storage import ObjectStore, read_json
from include.distill.dataset.records import Row
from include.distill.prompt_optimization.dataset import optimization_input
from include.distill.prompt_optimization.ended_jobs import EndedOptimizationJobs
from include.distill.prompt_optimization.plan import OptimizationPlan, optimization_plan
from include.distill.prompt_optimization.records import OptimizationResultManifest, OptimizedPrompt
from include.distill.prompt_optimization.results import read_result, results_uri

Rows = Callable[[str], Iterable[Row]]


@dataclass(frozen=True)
class StoredJob:
    """
    A job that an earlier run bought and that this run finds.

    :param prompt: the optimized prompt; ``None`` if it cannot be read.
    """

    prompt: str | None


@dataclass(frozen=True)
class StoredPrompts:
    """
    The prompt optimization jobs and the optimized prompts of earlier runs.

    :param rows: returns the rows of one side, ``train`` or ``evaluation``.
    """

    use_case: UseCase
    prompts: Mapping[str, Prompt]
    store: ObjectStore
    rows: Rows

    def find(self, folder: RunFolder, arm: str) -> OptimizedPrompt | None:
        """Return the prompt that a job optimized for an arm of the run in ``folder``; ``None`` if it cannot be read."""
        try:
            return read_json(self.store, folder.optimized_prompt(arm), OptimizedPrompt)
        except (NotFoundError, StoredRecordError):
            return None  # another program may have changed the record, and this run does not depend on it

    def job(self, folder: RunFolder, arm: str) -> StoredJob | None:
        """
        Return the job that this run finds for an arm; ``None`` if this run buys a job.

        :param folder: the folder of any run. If no record says how the job ended, the prompt of this run is used.
        """
        plan = self._plan(arm)
        records, names = EndedOptimizationJobs(self.store, folder), self._names(plan)
        ended = [record for name in names if (record := records.find(name))]
        for record in ended:
            if record["status"] in WITH_RESULTS and records.has_results(
                output_uri=record["output_uri"], name=record["job_name"], arn=record["job_arn"]
            ):
                return StoredJob(self._read(record, plan))
        prompt = self.find(folder, arm)
        if prompt is None or prompt["job_name"] not in names:
            return None
        lost = prompt["job_name"] in {record["job_name"] for record in ended}
        return None if lost else StoredJob(prompt["optimized"])

    def is_of_same_job(self, prompt: OptimizedPrompt, arm: str) -> bool:
        """Return whether this run's job for an arm has the name of the job that wrote a prompt."""
        return prompt["job_name"] in self._names(self._plan(arm))

    def _plan(self, arm: str) -> OptimizationPlan:
        record = optimization_input(self.rows("train"), self.use_case, self.prompts)
        return optimization_plan(self.use_case, arm, record)

    def _names(self, plan: OptimizationPlan) -> list[str]:
        """Return the name of each attempt, in the order in which the task ``submit`` looks for them."""
        use_case = self.use_case
        attempts = range(1, use_case.prompt_optimization.max_attempts + 1)
        place = use_case.environment, use_case.name, plan.arm, plan.fingerprint
        return [optimization_name(*place, attempt) for attempt in attempts]

    def _read(self, ended: EndedJob, plan: OptimizationPlan) -> str | None:
        """Return the prompt in the results of a job; ``None`` if the task ``collect`` could not use the results."""
        result: OptimizationResultManifest = {
            "job_name": ended["job_name"],
            "job_arn": ended["job_arn"],
            "arm": plan.arm,
            "status": ended["status"],
            "output_uri": ended["output_uri"],
        }
        uri, judge = results_uri(result), self.use_case.prompt_optimization.judge_model
        try:
            return read_result(self.store.read(uri), uri=uri, result=result, plan=plan, judge=judge)["optimized"]
        except (NotFoundError, ContractError, JobFailedError):
            return None
