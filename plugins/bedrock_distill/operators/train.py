"""The customization job, bought once for the same data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bedrock_distill.hooks.bedrock import CustomizationJob, JobRequest
from bedrock_distill.lifecycle.abandoned_jobs import record_attempt
from bedrock_distill.lifecycle.buy_once import buy_once
from bedrock_distill.lifecycle.tags import purchase_tags
from bedrock_distill.operators.base import ArmOperator, Manifest
from bedrock_distill.operators.missing_answers import count_missing_answers
from bedrock_distill.ui.links import JOB_LINK, TRAINING_DATA_LINK
from include.distill.config.layout import Layout
from include.distill.core.errors import JobFailedError
from include.distill.core.naming import job_name, request_token
from include.distill.cost.prices import load_prices
from include.distill.training.job_identity import is_transient_failure, recipe_fingerprint, training_recipe

if TYPE_CHECKING:
    from airflow.sdk import Context


class BedrockSubmitCustomizationJobOperator(ArmOperator):
    """
    Submit the arm's fine-tuning job, or adopt the one that these data already bought.

    The job is named by the fingerprint of base model, hyperparameters and data, so a retry, a clear, a lost worker or
    the next night find it again. A new attempt (``-a2`` …) is bought only when the last one was stopped, failed for a
    cause of Bedrock's own, or its model was deleted (and, where losers are deleted, has questions left to answer); a
    job that failed because of its data is refused. Returns at once; ``trained`` waits. Billed per training token once
    it runs.

    :param dataset: manifest of the arm's upload. (templated)
    :return: ``{"job_name", "job_arn", "fingerprint", "attempt", "bought": bool, "at_most_usd": float}``
    :raises JobFailedError: the last attempt failed because of the data, or all attempts are used up; not billed again.
    :raises RefusedError: access, quota or validation; nothing was bought.
    """

    template_fields: Sequence[str] = (*ArmOperator.template_fields, "dataset")
    operator_extra_links = (JOB_LINK, TRAINING_DATA_LINK)
    ui_color = "#f3e8fd"

    def __init__(self, *, dataset: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset

    def execute(self, context: Context) -> Manifest:
        """Find or buy the job and return its name and ARN."""
        with record_attempt(context):
            return self._find_or_buy(context)

    def _find_or_buy(self, context: Context) -> Manifest:
        base_model_id, hyperparameters = training_recipe(self.use_case)
        fingerprint = recipe_fingerprint(self.use_case, self.dataset["sha256"])
        attempt, name = self._attempt(fingerprint)
        request = JobRequest(
            name=name,
            token=request_token(name),
            base_model_id=base_model_id,
            role_arn=self.use_case.aws.role_arn,
            hyperparameters=hyperparameters,
            training_uri=self.dataset["train_uri"],
            validation_uri=self.dataset["validation_uri"],
            output_uri=Layout(self.use_case.storage).training_output(fingerprint),
            tags=purchase_tags(self.use_case, self.folder, context["dag_run"], fingerprint=fingerprint),
        )
        purchase = buy_once(name, find=self.hook.find_job, create=lambda _: self.hook.create_job(request))
        self.log.info("%s %s (%s)", "Bought" if purchase.bought else "Found", name, purchase.resource.status)
        return {
            "job_name": name,
            "job_arn": purchase.resource.arn,
            "fingerprint": fingerprint,
            "attempt": attempt,
            "bought": purchase.bought,
            "at_most_usd": self._price(),
        }

    def _price(self) -> float:
        """What the whole training costs, in US dollars, from an estimate of its tokens."""
        tokens = self.use_case.epochs * self.dataset["tokens"]
        return load_prices().training_line(self.arm, self.use_case.student, tokens).usd

    def _attempt(self, fingerprint: str) -> tuple[int, str]:
        """Return the first attempt that is not over without a model."""
        allowed = self.use_case.training.max_attempts
        for attempt in range(1, allowed + 1):
            name = job_name(self.use_case.name, self.arm, fingerprint, attempt)
            job = self.hook.find_job(name)
            if job is None or not self._is_over(job):
                return attempt, name
            self.log.info("%s is over without a model (%s); the next attempt is tried.", name, job.status)
        message = (
            f"All {allowed} attempts to train arm {self.arm} on these data are over without a model (last: {name})."
            " Nothing is running. Raise training.max_attempts to buy another, then clear preflight and submit."
        )
        raise JobFailedError(message)

    def _deleted_as_a_loser(self, job: CustomizationJob) -> bool:
        """Whether a model is gone that has said all that it is asked: where losers are deleted, it is not missed."""
        if not self.use_case.promotion.delete_losers or not job.model_arn:
            return False
        return not count_missing_answers(self, model_arn=job.model_arn, student=self.use_case.student)

    def _is_over(self, job: CustomizationJob) -> bool:
        if job.status == "Completed":
            return not self.hook.has_custom_model(job.model_arn or job.name) and not self._deleted_as_a_loser(job)
        if job.status == "Failed" and not is_transient_failure(job.failure_message):
            message = (
                f"Job {job.name} failed on these very data: {job.failure_message or 'Bedrock gave no reason'}. It is"
                " not bought again: the same bytes fail again. Mend the data or the hyperparameters, then clear ingest."
            )
            raise JobFailedError(message)
        return job.status in ("Failed", "Stopped")
