"""Submit an arm's customization job, unless a job for the same data is running or its model exists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bedrock_distill.hooks.bedrock import CustomizationJob, JobRequest
from bedrock_distill.hooks.statuses import STOPPED
from bedrock_distill.lifecycle.abandoned_jobs import record_attempt
from bedrock_distill.lifecycle.buy_once import buy_once
from bedrock_distill.lifecycle.tags import purchase_tags
from bedrock_distill.operators.base import ArmOperator
from bedrock_distill.operators.missing_answers import count_missing_answers
from bedrock_distill.run.approved_spending import require_approved_spending
from bedrock_distill.run.metrics import emit
from bedrock_distill.run.old_copy import require_running
from bedrock_distill.run.task_ids import MERGE, PREFLIGHT, UPLOAD, sibling_task
from bedrock_distill.run.task_results import ResultOf
from bedrock_distill.run.what_to_clear import task_to_clear
from bedrock_distill.ui.links import JOB_LINK, TRAINING_DATA_LINK
from include.distill.config.layout import Layout
from include.distill.core.errors import (
    ConcurrencyLimitError,
    ConflictError,
    InputError,
    JobFailedError,
    RefusedError,
    ThrottledError,
)
from include.distill.core.job_failures import NO_ATTEMPT_LEFT, job_failure, stated_reason
from include.distill.core.naming import Names, job_names, request_token
from include.distill.cost.bought_jobs import BoughtJobs
from include.distill.cost.job_price import at_most_usd, describe_cost, estimated_usd, job_lines, tokens_of
from include.distill.cost.prices import load_prices
from include.distill.inference.quoted_requests import escaped
from include.distill.report.run_metrics import purchase_samples
from include.distill.training.job_identity import TrainingRecipe, training_recipe
from include.distill.training.records import DatasetManifest, TrainingJobManifest

if TYPE_CHECKING:
    from airflow.sdk import Context

    from bedrock_distill.lineage.artifacts import TaskLineage


class BedrockSubmitCustomizationJobOperator(ArmOperator):
    """
    Submit the arm's customization job, or find the job that was bought for the same data.

    The job fine-tunes the student on the training set of the arm. For an arm of kind ``distilled``, it is a
    distillation job: Bedrock asks the arm's teacher to answer the prompts in the set, and trains the student on the
    answers.

    The job's name contains a hash of the environment, the use case, the base model, the hyperparameters and the data;
    for a distillation job, also of its teacher; if ``aws.kms_key_arn`` is set, also of this key. So a retry, a cleared
    task, another worker or a later run finds the job. A job that an earlier version bought is found under its former
    name. A job that has this name but belongs to another environment is not used.

    Another attempt gets a job of its own, whose name ends in ``-a2``, ``-a3`` and so on. It is bought only if the
    previous job was stopped, or failed for a reason other than its data or hyperparameters, or if the previous job's
    model no longer exists. If ``delete_losers`` may have deleted the model, another attempt is bought only if answers
    of the model are missing. A job that failed because of its data or hyperparameters is not bought again.

    Before the task buys a job, it reads the training set back and compares its hash. So no job is bought for files that
    were changed in S3.

    This task returns at once; the task ``trained`` waits for the job. Once the job runs, it is billed per training
    token. A distillation job is also billed for the tokens of its teacher.

    :param dataset: manifest of the arm's task ``upload``. (templated)
    :return: ``{"job_name", "job_arn", "fingerprint", "attempt", "bought": bool, "at_most_usd": float}``; for a
        distillation job also ``estimated_usd``
    :raises JobFailedError: an attempt failed because of its data or hyperparameters, or no attempt is left; nothing was
        bought.
    :raises InputError: the stored training set was changed or deleted; nothing was bought.
    :raises EndedAttemptError: Airflow no longer runs this attempt; nothing was bought.
    :raises RefusedError: access is missing, a quota does not allow the job, or a job of another environment has the
        name that this task would use; nothing was bought.
    """

    template_fields: Sequence[str] = (*ArmOperator.template_fields, "dataset")
    dataset = ResultOf[DatasetManifest](UPLOAD)
    operator_extra_links = (JOB_LINK, TRAINING_DATA_LINK)
    ui_color = "#f3e8fd"
    waits_for = "the training job of arm {task.arm} to be submitted"

    def __init__(self, *, dataset: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self._at_most = ""
        self._was_refused = self._was_requested = False

    def state_left(self, error: Exception) -> str:
        """Return what is left after an error: the training set, and a job that is found again by its name."""
        return "The training set is stored. A job that was bought is found again by its name, and is not bought twice."

    def billed_now(self, error: Exception) -> str:
        """Return whether a job may be running, and how it is then billed."""
        if self._was_refused:
            return f"No training of arm {self.arm}: Bedrock refused the job, so nothing was bought."
        if self._was_requested:
            return f"If Bedrock accepted the job of arm {self.arm}, its training is billed{self._at_most}."
        if self.attempt == 1:
            return f"No training of arm {self.arm}: this task had not submitted the job yet."
        return (
            f"This attempt bought nothing. If an earlier attempt bought a job, its training is billed{self._at_most}."
        )

    def cost_so_far(self) -> str:
        """Return what the training costs once the job runs."""
        return f"once the job runs, its training is billed{self._at_most}"

    def execute(self, context: Context) -> TrainingJobManifest:
        """Find or buy the job; return its name and ARN."""
        with record_attempt(context):
            return self._find_or_buy(context)

    def lineage(self, result: TrainingJobManifest | None) -> TaskLineage:
        """Return what the task reads and writes."""
        from bedrock_distill.lineage.model_steps import submit_lineage

        return submit_lineage(self.use_case, self.arm, self.dataset, result)

    def _find_or_buy(self, context: Context) -> TrainingJobManifest:
        recipe = training_recipe(self.use_case, self.arm)
        fingerprint = recipe.fingerprint(self.dataset["sha256"])
        highest_usd = at_most_usd(self.use_case, self.arm, self.dataset, load_prices())
        expected_usd = estimated_usd(self.use_case, self.arm, self.dataset, load_prices())
        self._at_most = describe_cost(highest_usd, expected_usd)
        attempt, names = self._attempt(fingerprint)
        request = self._request(names.name, recipe, fingerprint, context)
        created: list[str] = []

        def find(name: str) -> CustomizationJob | None:
            # Bedrock may not list the tags of a new job yet, so a job that was just bought is not checked.
            return self.hook.find_job(name) if created else self._find(names, fingerprint)

        def create(name: str) -> None:
            self._require_unchanged_set()
            require_approved_spending(self)
            lines = job_lines(self.use_case, self.arm, tokens_of(self.dataset), load_prices())
            BoughtJobs(self.store, self.folder).add("training", name, lines)
            require_running(
                context,
                f"buy training job {name}",
                left="A job that another attempt bought is unchanged.",
                if_still=f"this run still needs a model for arm {self.arm}",
            )
            self._was_requested = True
            try:
                self.hook.create_job(request)
            except (RefusedError, ThrottledError, ConcurrencyLimitError) as error:
                self._was_refused = not isinstance(error, ConflictError)
                raise
            created.append(name)

        purchase = buy_once(names.name, find=find, create=create)
        job = purchase.resource
        if job.status in STOPPED:  # another run has bought it meanwhile, and a person has marked that run
            return self._find_or_buy(context)
        self.log.info("%s training job %s (status %s)", "Bought" if purchase.bought else "Found", job.name, job.status)
        emit(purchase_samples(self.use_case.name, "training job", int(purchase.bought)))
        manifest: TrainingJobManifest = {
            "job_name": job.name,
            "job_arn": job.arn,
            "fingerprint": fingerprint,
            "attempt": attempt,
            "bought": purchase.bought,
            "at_most_usd": highest_usd,
        }
        return manifest if expected_usd is None else {**manifest, "estimated_usd": expected_usd}

    def _request(self, name: str, recipe: TrainingRecipe, fingerprint: str, context: Context) -> JobRequest:
        return JobRequest(
            name=name,
            token=request_token(name),
            recipe=recipe,
            role_arn=self.use_case.aws.role_arn,
            training_uri=self.dataset["train_uri"],
            validation_uri=self.dataset["validation_uri"],
            output_uri=Layout(self.use_case.storage).training_output(fingerprint),
            tags=purchase_tags(self.use_case, self.folder, context["dag_run"], arm=self.arm, fingerprint=fingerprint),
            vpc=self.use_case.aws.vpc,
        )

    def _require_unchanged_set(self) -> None:
        from include.distill.training.stored_set import find_change

        if change := find_change(self.store, self.dataset):
            folder = self.dataset["train_uri"].rpartition("/")[0]
            raise InputError(
                f"The stored training set of arm {self.arm} is not the one that was checked: {change}. Someone changed"
                " or deleted a file.",
                left="The files stay as they are.",
                billed="No job was bought.",
                to_do=(f"Find out who can write to the bucket, and delete all objects below {folder}/."),
                then_clear=task_to_clear(sibling_task(self.task_id, MERGE)),
                effect="writes the files again",
            )

    def _find(self, names: Names, fingerprint: str) -> CustomizationJob | None:
        return self.ownership.find_job(names, fingerprint=fingerprint, training_uri=self.dataset["train_uri"])

    def _attempt(self, fingerprint: str) -> tuple[int, Names]:
        """Return the number and names of the first attempt that is running, has a model, or was not bought yet."""
        max_attempts = self.use_case.training.max_attempts
        job: CustomizationJob | None = None
        for attempt in range(1, max_attempts + 1):
            names = job_names(self.use_case.environment, self.use_case.name, self.arm, fingerprint, attempt)
            job = self._find(names, fingerprint)
            if job is None or not self._is_over(job):
                return attempt, names
            self.log.info("%s has ended and has no model (status %s). Checking the next attempt.", job.name, job.status)
        last = f"{job.name}: {escaped(stated_reason(job.failure_message))}" if job else "none"
        raise JobFailedError(
            f"All {max_attempts} attempts to train arm {self.arm} on this data have ended, and none of them has a model"
            f" (last: {last}).",
            left="No job is running.",
            billed="This task bought nothing.",
            to_do=NO_ATTEMPT_LEFT,
            then_clear=task_to_clear(PREFLIGHT),
        )

    def _deleted_as_a_loser(self, job: CustomizationJob) -> bool:
        """
        Return whether the model may be missing only because ``delete_losers`` deleted it after its arm lost.

        This is possible if ``promotion.delete_losers`` is set and all answers of the model are stored. No new model is
        needed then.
        """
        if not self.use_case.promotion.delete_losers or not job.model_arn:
            return False
        return not count_missing_answers(self, model_arn=job.model_arn, student=self.use_case.student)

    def _is_over(self, job: CustomizationJob) -> bool:
        if job.status == "Completed":
            return not self.hook.has_custom_model(job.model_arn or job.name) and not self._deleted_as_a_loser(job)
        failure = job_failure(job.failure_message)
        if job.status == "Failed" and failure.is_final:
            raise JobFailedError(
                f"Job {job.name} failed on the same data: {escaped(stated_reason(job.failure_message))}.",
                left="The job is not running, and is not bought again, because the same data would fail again.",
                billed="This task bought nothing.",
                to_do=failure.advice,
                then_clear=task_to_clear(PREFLIGHT),
            )
        if job.status == "Failed":
            self.log.warning("%s failed: %s. %s", job.name, escaped(stated_reason(job.failure_message)), failure.advice)
        return job.status in ("Failed", *STOPPED)
