"""Submit an evaluation job, unless a job for the same answers is running or has results (the base class)."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from bedrock_distill.hooks.evaluations import EvaluationJob, EvaluationJobRequest, EvaluationJobs
from bedrock_distill.hooks.statuses import Progress
from bedrock_distill.lifecycle.abandoned_jobs import record_attempt
from bedrock_distill.lifecycle.buy_once import buy_once, refused_but_not_listed
from bedrock_distill.lifecycle.progress import evaluation_cost
from bedrock_distill.lifecycle.tags import purchase_tags
from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.run.approved_spending import require_approved_spending
from bedrock_distill.run.checks import utc_now
from bedrock_distill.run.heartbeat import format_duration
from bedrock_distill.run.task_ids import PREFLIGHT
from bedrock_distill.run.what_to_clear import task_to_clear
from bedrock_distill.ui.links import EVALUATION_LINK
from include.distill.config.evaluation_settings import EvaluationKind
from include.distill.config.layout import Layout
from include.distill.core.errors import (
    FAILED_TASK,
    ConcurrencyLimitError,
    ConflictError,
    JobFailedError,
    RefusedError,
    ThrottledError,
    TransientError,
)
from include.distill.core.job_failures import job_failure, stated_reason
from include.distill.core.naming import evaluation_name, request_token
from include.distill.inference.quoted_requests import escaped
from include.distill.managed_evaluation.ended_jobs import COMPLETED, DELETED, SHOWN_AFTER, EndedEvaluationJobs
from include.distill.managed_evaluation.plan import EvaluationPlan
from include.distill.managed_evaluation.records import EndedEvaluationJob, EvaluationJobManifest

if TYPE_CHECKING:
    from airflow.sdk import Context


class _Attempt(NamedTuple):
    """
    An attempt to get the scores of a plan.

    ``stored`` is the record of a job that was deleted in Bedrock, but whose results are stored.
    """

    number: int
    name: str
    stored: EndedEvaluationJob | None = None


class EvaluationJobOperator(DistillOperator):
    """
    Base class of the operators that submit an evaluation job, or find the job that was bought for the same answers.

    The job's name contains a hash of the environment, the use case, the dataset, the metrics and the evaluator. So a
    retry, a cleared task, another worker or a later run finds the job. A job that has this name but belongs to another
    environment is not used.

    Another attempt gets a job of its own, whose name ends in ``-a2``, ``-a3`` and so on. It is bought only if the
    previous job was stopped or deleted, failed for a reason other than its data, or if its results were deleted. A job
    that failed because of its data is not bought again. A completed job that was deleted in Bedrock is not bought again
    either, as long as its results are stored.

    :cvar kind: the section of ``evaluations`` in the use case that asks for the job.
    :cvar results: what the job gives and AWS bills.
    """

    kind: EvaluationKind
    results = "scores"
    operator_extra_links = (EVALUATION_LINK,)
    ui_color = "#fce8e6"
    waits_for = "the evaluation job to be submitted"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._cost = ""
        self._was_refused = self._was_requested = False

    @abstractmethod
    def plan(self) -> EvaluationPlan:
        """Return what the job scores, with its dataset."""

    @abstractmethod
    def at_most_usd(self, plan: EvaluationPlan) -> float:
        """Return what the whole job costs at most, in US dollars."""

    def check_before_purchase(self) -> None:
        """Check what only matters if a job is bought; raise an error if the job must not be bought."""

    @property
    def restart(self) -> str:
        """The task to clear after settings or data of the job have changed."""
        return task_to_clear(PREFLIGHT)

    def state_left(self, error: Exception) -> str:
        """Return what is left after an error: a job that is found again by its name."""
        return "A job that was bought is found again by its name, and is not bought twice."

    def billed_now(self, error: Exception) -> str:
        """Return whether a job may be running, and how it is then billed."""
        if self._was_refused:
            return "Nothing by this task: Bedrock refused the job, so nothing was bought."
        if self._was_requested:
            return f"If Bedrock accepted the job, its {self.results} are billed{self._cost}."
        if self.attempt == 1:
            return "Nothing by this task: it had not submitted the job yet."
        earlier = f"If an earlier attempt bought a job, its {self.results} are billed{self._cost}."
        return f"This attempt bought nothing. {earlier}"

    def cost_so_far(self) -> str:
        """Return what the job costs once it runs."""
        return f"once the job runs, its {self.results} are billed{self._cost}"

    def execute(self, context: Context) -> EvaluationJobManifest:
        """Find or buy the job; return its name and ARN."""
        with record_attempt(context):
            return self._find_or_buy(context, self.plan())

    @cached_property
    def jobs(self) -> EvaluationJobs:
        """The client for Bedrock's evaluation jobs. It uses the task's connection."""
        return EvaluationJobs(self.hook)

    def _find_or_buy(self, context: Context, plan: EvaluationPlan) -> EvaluationJobManifest:
        at_most_usd = self.at_most_usd(plan)
        self._cost = evaluation_cost(at_most_usd)
        attempt = self._attempt(plan)
        arn, bought = (attempt.stored["job_arn"], False) if attempt.stored else self._buy(context, plan, attempt.name)
        self.log.info("%s evaluation job %s", "Bought" if bought else "Found", attempt.name)
        return {
            "job_name": attempt.name,
            "job_arn": arn,
            "arm": plan.part,
            "evaluator": plan.evaluator,
            "fingerprint": plan.fingerprint,
            "attempt": attempt.number,
            "bought": bought,
            "at_most_usd": at_most_usd,
            "output_uri": self._output_uri(plan),
        }

    def _buy(self, context: Context, plan: EvaluationPlan, name: str) -> tuple[str, bool]:
        """Find or buy the job with a name; return its ARN, and whether this task bought it."""
        request = self._request(context, plan, name)
        created: list[str] = []

        def find(_: str) -> EvaluationJob | None:
            # A look-up by name reads Bedrock's list of jobs, which may not contain a new job yet.
            return self.jobs.get(created[0]) if created else self._find(plan, name)

        def create(_: str) -> None:
            require_approved_spending(self)
            self.check_before_purchase()
            self.store.write(request.dataset_uri, plan.dataset)
            self._was_requested = True
            try:
                created.append(self.jobs.create(request))
            except (RefusedError, ThrottledError, ConcurrencyLimitError) as error:
                self._was_refused = not isinstance(error, ConflictError)
                raise

        try:
            purchase = buy_once(name, find=find, create=create)
        except ConflictError as error:
            # A request of another run for a deleted job is refused, because its tags differ from the first request's.
            refused = refused_but_not_listed("evaluation job", name, error)
            raise self._missing(name, None, refused) from error
        except TransientError:
            if not created:
                raise
            named = f"Bedrock named {created[0]} as job {name}, but does not have this job"
            raise self._missing(name, created[0], named) from None
        return purchase.resource.arn, purchase.bought

    def _missing(self, name: str, arn: str | None, happened: str) -> TransientError:
        """Note that Bedrock does not have a job that it says exists, and return an error that says so.

        :param arn: the ARN of the job; ``None`` if Bedrock did not state it.
        """
        EndedEvaluationJobs(self.store, self.folder).note_missing(name, arn, utc_now())
        wait = format_duration(SHOWN_AFTER.total_seconds())
        return TransientError(
            f"{happened}. Either the job is new and not shown yet, or it was bought earlier and someone deleted it.",
            left="No other job was bought.",
            to_do=f"Wait {wait}.",
            then_clear=FAILED_TASK,
            effect=f"looks for the job again. If it is still missing {wait} after it was first missing, the next"
            f" attempt is bought{self._cost}",
        )

    def _request(self, context: Context, plan: EvaluationPlan, name: str) -> EvaluationJobRequest:
        own_tags = {"arm": plan.part, "evaluator": plan.evaluator, "fingerprint": plan.fingerprint}
        return EvaluationJobRequest(
            name=name,
            token=request_token(name),
            role_arn=self.use_case.aws.role_arn,
            config=plan.config,
            sources=plan.sources,
            dataset_uri=self._dataset_uri(plan),
            output_uri=self._output_uri(plan),
            tags=purchase_tags(self.use_case, self.folder, context["dag_run"], **own_tags),
        )

    def _find(self, plan: EvaluationPlan, name: str) -> EvaluationJob | None:
        return self.ownership.find_evaluation_job(
            name,
            self.jobs,
            dataset_uri=self._dataset_uri(plan),
            output_uri=self._output_uri(plan),
            then_clear=self.restart,
        )

    def _attempt(self, plan: EvaluationPlan) -> _Attempt:
        """Return the first attempt that is running, has results, or was not bought yet."""
        max_attempts = self.use_case.evaluations.of_kind(self.kind).max_attempts
        ended_jobs, last = EndedEvaluationJobs(self.store, self.folder), "none"
        for number in range(1, max_attempts + 1):
            name = self._name(plan, number)
            job, ended = self._find(plan, name), ended_jobs.find(name)
            if job and job.progress is Progress.RUNNING:
                return _Attempt(number, name)
            status, message = (job.status, job.message) if job else self._ending(name, ended, ended_jobs)
            if status is None:
                return _Attempt(number, name)
            if status == COMPLETED and ended_jobs.has_results(output_uri=self._output_uri(plan), name=name):
                return _Attempt(number, name, None if job else ended)
            self._require_another_try(name, status, message)
            last = f"{name}, status {status}: {escaped(stated_reason(message))}"
        raise JobFailedError(
            f"All {max_attempts} evaluation jobs of {plan.part} for {plan.evaluator} have ended, and none of them has"
            f" results (last: {last}).",
            left="No job is running.",
            billed="This task bought nothing.",
            to_do=f"Remove the cause that Bedrock names, and raise evaluations.{self.kind}.max_attempts.",
            then_clear=self.restart,
        )

    def _require_another_try(self, name: str, status: str, message: str | None) -> None:
        """Check that the job after one that has ended may have results.

        :raises JobFailedError: the next job would fail in the same way.
        """
        failure = job_failure(message)
        if status == "Failed" and failure.is_final:
            raise JobFailedError(
                f"Evaluation job {name} failed on the same data: {escaped(stated_reason(message))}.",
                left="The job is not running, and is not bought again, because the same data would fail again.",
                billed="This task bought nothing.",
                to_do=failure.advice,
                then_clear=self.restart,
            )
        reason = "its results were deleted" if status == COMPLETED else escaped(stated_reason(message))
        self.log.warning("%s has ended with status %s: %s. Checking the next attempt.", name, status, reason)

    def _name(self, plan: EvaluationPlan, attempt: int) -> str:
        environment, use_case = self.use_case.environment, self.use_case.name
        return evaluation_name(environment, use_case, plan.part, plan.evaluator, plan.fingerprint, attempt)

    def _dataset_uri(self, plan: EvaluationPlan) -> str:
        return self.folder.evaluation_dataset(plan.sha256)

    def _output_uri(self, plan: EvaluationPlan) -> str:
        return Layout(self.use_case.storage).evaluation_output(plan.fingerprint)

    def _ending(
        self, name: str, ended: EndedEvaluationJob | None, ended_jobs: EndedEvaluationJobs
    ) -> tuple[str | None, str | None]:
        """Return the status and the message of a job that was deleted; ``None`` for both if there was no such job."""
        if ended:
            return ended["status"], ended["message"]
        missing = ended_jobs.missing_too_long(name, utc_now())
        if missing and (missing["job_arn"] is None or self.jobs.get(missing["job_arn"]) is None):
            return DELETED, "Someone deleted it in Bedrock before a task saw how it ended"
        return None, None
