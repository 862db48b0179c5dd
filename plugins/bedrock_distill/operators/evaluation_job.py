"""Submit an evaluation job, unless a job for the same answers is running or has results (the base class)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedrock_distill.hooks.evaluations import EvaluationJob, EvaluationJobRequest
from bedrock_distill.lifecycle.evaluation_task import EvaluationTask
from bedrock_distill.operators.named_job import NamedJobOperator
from bedrock_distill.ui.links import EVALUATION_LINK
from include.distill.config.layout import Layout
from include.distill.core.naming import evaluation_name, request_token
from include.distill.managed_evaluation.plan import EvaluationPlan
from include.distill.managed_evaluation.records import EvaluationJobManifest

if TYPE_CHECKING:
    from airflow.sdk import Context


class EvaluationJobOperator(EvaluationTask, NamedJobOperator[EvaluationPlan, EvaluationJob, EvaluationJobRequest]):
    """
    Base class of the operators that submit an evaluation job, or find the job that was bought for the same answers.

    The job's name contains a hash of the environment, the use case, the dataset, the metrics and the evaluator.
    """

    operator_extra_links = (EVALUATION_LINK,)
    ui_color = "#fce8e6"
    waits_for = "the evaluation job to be submitted"

    def execute(self, context: Context) -> EvaluationJobManifest:
        """Find or buy the job; return its name and ARN."""
        plan, at_most_usd, found = self.find_or_buy(context)
        return {
            "job_name": found.attempt.name,
            "job_arn": found.arn,
            "arm": plan.part,
            "evaluator": plan.evaluator,
            "fingerprint": plan.fingerprint,
            "attempt": found.attempt.number,
            "bought": found.bought,
            "at_most_usd": at_most_usd,
            "output_uri": self.output_uri(plan),
        }

    def job_name(self, plan: EvaluationPlan, attempt: int) -> str:
        """Return the name of an attempt."""
        environment, use_case = self.use_case.environment, self.use_case.name
        return evaluation_name(environment, use_case, plan.part, plan.evaluator, plan.fingerprint, attempt)

    def purpose(self, plan: EvaluationPlan) -> str:
        """Return what the job is for: what is evaluated, and who evaluates it."""
        return f"of {plan.part} for {plan.evaluator}"

    def input_uri(self, plan: EvaluationPlan) -> str:
        """Return where the dataset is stored."""
        return self.folder.evaluation_dataset(plan.sha256)

    def output_uri(self, plan: EvaluationPlan) -> str:
        """Return the prefix under which the job writes its results."""
        return Layout(self.use_case.storage).evaluation_output(plan.fingerprint)

    def find_own(self, plan: EvaluationPlan, name: str) -> EvaluationJob | None:
        """
        Return the job with a name; ``None`` if there is no such job.

        :raises RefusedError: a job of another environment has the name.
        """
        return self.ownership.find_evaluation_job(
            name,
            self.jobs,
            dataset_uri=self.input_uri(plan),
            output_uri=self.output_uri(plan),
            then_clear=self.restart,
        )

    def tags(self, plan: EvaluationPlan) -> dict[str, str]:
        """Return the tags of the job that not all purchases have."""
        return {"arm": plan.part, "evaluator": plan.evaluator, "fingerprint": plan.fingerprint}

    def request(self, plan: EvaluationPlan, name: str, tags: dict[str, str]) -> EvaluationJobRequest:
        """Return the request to buy the job."""
        return EvaluationJobRequest(
            name=name,
            token=request_token(name),
            role_arn=self.use_case.aws.role_arn,
            config=plan.config,
            sources=plan.sources,
            dataset_uri=self.input_uri(plan),
            output_uri=self.output_uri(plan),
            tags=tags,
            kms_key_arn=self.use_case.aws.kms_key_arn,
        )
