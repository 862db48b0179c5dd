"""Ask human workers of Amazon SageMaker to compare the answers of a sample, in an evaluation job of Bedrock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowSkipException

from bedrock_distill.operators.evaluation_job import EvaluationJobOperator
from bedrock_distill.run.configuration import configuration_of
from bedrock_distill.run.workers_task import WorkersTask
from include.distill.config.evaluation_settings import EvaluationKind, HumanEvaluation
from include.distill.core.errors import FAILED_TASK, InputError, RefusedError, SpendCapError
from include.distill.cost.amounts import usd_text
from include.distill.cost.prices import load_prices, unverified_note
from include.distill.labeling.label_params import ASK_WORKERS, label_field, parse_label_params, require_workers

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.distill.managed_evaluation.plan import EvaluationPlan
    from include.distill.managed_evaluation.records import EvaluationJobManifest

CORS_GUIDE = "https://docs.aws.amazon.com/bedrock/latest/userguide/model-evaluation-security-cors.html"


class BedrockAskWorkersOperator(WorkersTask, EvaluationJobOperator):
    """
    Submit the job in which human workers compare the answers of a sample, or find the job that was bought for it.

    The dataset has the question, the document and both answers of each example. It does not name the arms. Which
    workers are asked, and how many per example, is part of the flow definition in Amazon SageMaker.

    If the form does not ask for human workers, the task is skipped. The same examples, workers and instructions always
    give the same job, in every run that has these answers, so nothing is bought twice. Before the task buys a job, it
    checks that the web page of the workers may read the output bucket.

    This task returns at once; the task ``wait`` waits for the job. AWS bills each answer of a worker. The person who
    triggers the DAG decides to spend this, so nobody is asked for an approval. The job may not cost more than
    ``max_spend_usd``.

    :param sample: manifest of the task ``draw_sample``. (templated)
    :param use_case_name: the use case of the DAG. A sample of another use case is refused.
    :param use_cases: the folder of use cases, whose current section ``evaluations.human`` is used.
    :param run_uri: not used, because the sample names the run. (templated)
    :return: ``{"job_name", "job_arn", "arm", "evaluator", "fingerprint", "attempt", "bought": bool, "at_most_usd",
        "output_uri"}``
    :raises InputError: the use case names no workers, or the sample cannot be used; nothing was bought.
    :raises SpendCapError: the job could cost more than ``max_spend_usd``; nothing was bought.
    :raises JobFailedError: an attempt failed because of its data, or no attempt is left; nothing was bought.
    :raises RefusedError: access is missing, or the bucket has no CORS configuration; nothing was bought.
    """

    template_fields: Sequence[str] = (*EvaluationJobOperator.template_fields, "sample")
    kind: EvaluationKind = "human"
    results = "answers"
    waits_for = "the job for human workers to be submitted"

    def execute(self, context: Context) -> EvaluationJobManifest:
        """Find or buy the job; return its name and ARN."""
        if self.sample["how"] != ASK_WORKERS:
            raise AirflowSkipException("The form does not ask for human workers.")
        require_workers(parse_label_params(configuration_of(context), self.use_case_name), self.use_case)
        return super().execute(context)

    def plan(self) -> EvaluationPlan:
        """Build the dataset of the sample's examples."""
        from include.distill.managed_evaluation.worker_jobs import worker_plan

        examples = self.open_sample()[: self.sample["examples"]]
        return worker_plan(self._settings, examples)

    def at_most_usd(self, plan: EvaluationPlan) -> float:
        """
        Return what the answers of all workers cost.

        :raises SpendCapError: this is more than ``max_spend_usd``.
        """
        examples, workers = self.sample["examples"], self._settings.workers
        line = load_prices().human_line(examples * workers)
        self.log.info(
            "Human workers: %d examples, %d workers for each, %s per answer: at most %s.",
            *(examples, workers, usd_text(line.unit_price_usd), usd_text(line.usd)),
        )
        if note := unverified_note([line]):
            self.log.warning("%s", note)
        if line.usd > self.use_case.max_spend_usd:
            raise SpendCapError(
                f"The answers of human workers would cost {usd_text(line.usd)} ({examples} examples, {workers} workers"
                f" for each), which is more than max_spend_usd ({usd_text(self.use_case.max_spend_usd)}).",
                billed="Nothing was bought.",
                to_do=(
                    f"Trigger {self.dag_id} again with fewer examples in {label_field('examples')}. Or raise"
                    " max_spend_usd in the use case, and label a run that began after that."
                ),
            )
        return line.usd

    def check_before_purchase(self) -> None:
        """
        Check that web pages may read the output bucket, because workers see the examples on a web page.

        :raises RefusedError: the bucket does not allow it.
        """
        bucket = self.use_case.storage.output_bucket
        try:
            methods = self.store.cors_methods(bucket)
        except RefusedError as error:
            self.log.warning("The CORS configuration of %s cannot be checked: %s", bucket, error.happened)
            return
        if "GET" not in methods:
            raise RefusedError(
                f"The CORS configuration of the bucket {bucket} does not allow GET, so the page of the human workers"
                " could not show the examples.",
                left="No worker was asked.",
                billed="Nothing was bought.",
                to_do=f"Give the bucket the CORS configuration of {CORS_GUIDE}.",
                then_clear=FAILED_TASK,
            )

    @property
    def restart(self) -> str:
        """The task to clear after settings or data have changed: this task, because it reads the settings again."""
        return self.task_to_clear

    @property
    def _settings(self) -> HumanEvaluation:
        settings = self.use_case.human_workers
        if settings is None:
            raise InputError(f"{self.use_case_name} names no workers.", billed="Nothing was bought.")
        return settings
