"""Let Bedrock optimize the prompt of a base student in a prompt optimization job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bedrock_distill.hooks.prompt_optimizations import OptimizationJob, OptimizationJobRequest
from bedrock_distill.lifecycle.optimization_task import OptimizationTask
from bedrock_distill.operators.named_job import NamedJobOperator
from bedrock_distill.ui.links import OPTIMIZATION_LINK
from include.distill.config.layout import Layout
from include.distill.core.naming import optimization_name, request_token
from include.distill.cost.prices import load_prices

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.distill.prompt_optimization.plan import OptimizationPlan
    from include.distill.prompt_optimization.records import OptimizationJobManifest


class BedrockSubmitPromptOptimizationOperator(
    OptimizationTask, NamedJobOperator["OptimizationPlan", OptimizationJob, OptimizationJobRequest]
):
    """
    Submit the job that optimizes an arm's prompt, or find its job that was bought for the same prompt and samples.

    The job asks the student for answers to the samples, lets a judge score the answers, and rewrites the prompt,
    repeatedly. The samples are the first training rows. No evaluation row is sent, because the evaluation must stay
    fair.

    The job has no role of its own: Bedrock uses the permissions of this task's connection to call the models, to read
    the samples and to write the results.

    The job's name contains a hash of the environment, the use case, the arm, the student, the prompt, the samples and
    the judge. So a job is bought again after the arm or the use case was renamed.

    This task returns at once; the task ``wait`` waits for the job. Bedrock charges no fee for the job, but bills the
    tokens of the student, of the judge and of the model that rewrites the prompt.

    :param arm: name of an arm of the use case. (templated)
    :return: ``{"job_name", "job_arn", "arm", "fingerprint", "attempt", "bought": bool, "at_most_usd", "output_uri",
        "samples", "tokens"}``; the tokens are estimated.
    :raises JobFailedError: an attempt failed because of its data, or no attempt is left; nothing was bought.
    :raises InputError: there is no training row; nothing was bought.
    :raises LimitError: the samples are larger than Bedrock permits; nothing was bought.
    :raises RefusedError: access is missing, a quota does not allow the job, or a job of another environment has the
        name that this task would use; nothing was bought.
    """

    template_fields: Sequence[str] = (*NamedJobOperator.template_fields, "arm")
    operator_extra_links = (OPTIMIZATION_LINK,)
    ui_color = "#f3e8fd"
    waits_for = "the prompt optimization job of arm {task.arm} to be submitted"

    def __init__(self, *, arm: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.arm = arm

    def execute(self, context: Context) -> OptimizationJobManifest:
        """Find or buy the job; return its name and ARN."""
        from include.distill.cost.optimization_lines import optimization_tokens

        plan, at_most_usd, found = self.find_or_buy(context)
        return {
            "job_name": found.attempt.name,
            "job_arn": found.arn,
            "arm": self.arm,
            "fingerprint": plan.fingerprint,
            "attempt": found.attempt.number,
            "bought": found.bought,
            "at_most_usd": at_most_usd,
            "output_uri": self.output_uri(plan),
            "samples": plan.samples,
            "tokens": optimization_tokens(self.use_case, plan.record),
        }

    def plan(self) -> OptimizationPlan:
        """Return the prompt with its samples, and the student."""
        return self.plan_of(self.arm)

    def at_most_usd(self, plan: OptimizationPlan) -> float:
        """Return what the job costs at most, under the assumptions in ``cost/optimization_assumptions.py``."""
        from include.distill.cost.optimization_lines import at_most_usd

        return at_most_usd(self.use_case, plan.record, load_prices())

    def note_purchase(self, plan: OptimizationPlan, name: str) -> None:
        """Record the bill lines of a whole job. Bedrock does not state its tokens, so they are estimated."""
        from include.distill.cost.bought_jobs import BoughtJobs
        from include.distill.cost.optimization_lines import job_lines, optimization_tokens

        tokens = optimization_tokens(self.use_case, plan.record)
        lines = job_lines(self.use_case, self.arm, tokens, load_prices())
        BoughtJobs(self.store, self.folder).add("optimization", name, lines)

    def job_name(self, plan: OptimizationPlan, attempt: int) -> str:
        """Return the name of an attempt."""
        return optimization_name(self.use_case.environment, self.use_case.name, self.arm, plan.fingerprint, attempt)

    def purpose(self, plan: OptimizationPlan) -> str:
        """Return what the job is for."""
        return f"of arm {self.arm}"

    def input_uri(self, plan: OptimizationPlan) -> str:
        """Return where the prompt and its samples are stored."""
        return self.folder.optimization_dataset(plan.sha256)

    def output_uri(self, plan: OptimizationPlan) -> str:
        """Return the prefix under which the job writes its results."""
        return Layout(self.use_case.storage).optimization_output(plan.fingerprint)

    def find_own(self, plan: OptimizationPlan, name: str) -> OptimizationJob | None:
        """
        Return the job with a name; ``None`` if there is no such job.

        :raises RefusedError: a job of another environment has the name.
        """
        return self.ownership.find_optimization_job(
            name, self.jobs, input_uri=self.input_uri(plan), output_uri=self.output_uri(plan)
        )

    def tags(self, plan: OptimizationPlan) -> dict[str, str]:
        """Return the tags of the job that not all purchases have."""
        return {"arm": self.arm, "fingerprint": plan.fingerprint}

    def request(self, plan: OptimizationPlan, name: str, tags: dict[str, str]) -> OptimizationJobRequest:
        """Return the request to buy the job."""
        return OptimizationJobRequest(
            name=name,
            token=request_token(name),
            model=plan.model,
            input_uri=self.input_uri(plan),
            output_uri=self.output_uri(plan),
            tags=tags,
            kms_key_arn=self.use_case.aws.kms_key_arn,
        )
