"""Submit a job of Bedrock, unless a job for the same input is running or has results (the base class)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar

from bedrock_distill.hooks.named_jobs import NamedJob
from bedrock_distill.hooks.statuses import STOPPED, Progress
from bedrock_distill.lifecycle.abandoned_jobs import record_attempt
from bedrock_distill.lifecycle.buy_once import buy_once, refused_but_not_listed
from bedrock_distill.lifecycle.job_keys import other_key_warning
from bedrock_distill.lifecycle.job_task import JobTask
from bedrock_distill.lifecycle.progress import whole_job_cost
from bedrock_distill.lifecycle.tags import purchase_tags
from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.run.approved_spending import require_approved_spending
from bedrock_distill.run.checks import utc_now
from bedrock_distill.run.metrics import emit
from bedrock_distill.run.old_copy import require_running
from bedrock_distill.run.what_to_clear import task_to_clear
from include.distill.core.durations import format_duration
from include.distill.core.ended_jobs import DELETED, SHOWN_AFTER, WITH_RESULTS, EndedJob
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
from include.distill.inference.quoted_requests import escaped
from include.distill.report.run_metrics import purchase_samples

if TYPE_CHECKING:
    from airflow.sdk import Context


class JobPlan(Protocol):
    """Everything that determines the result of a job."""

    @property
    def dataset(self) -> bytes:
        """The content of the file that the job reads."""

    @property
    def fingerprint(self) -> str:
        """The hash of everything that determines the result."""


PlanT = TypeVar("PlanT", bound=JobPlan)
JobT = TypeVar("JobT", bound=NamedJob)
RequestT = TypeVar("RequestT")


class Attempt(NamedTuple):
    """
    An attempt to get the results of a plan.

    ``stored`` is the record of a job that was deleted in Bedrock, but whose results are stored.
    """

    number: int
    name: str
    stored: EndedJob | None = None


class EndedAttempt(NamedTuple):
    """
    An attempt that has ended and has no results.

    ``lost`` is the prefix of the results that were deleted. It is empty if the job never had results.
    """

    name: str
    status: str
    reason: str
    lost: str = ""


class FoundJob(NamedTuple):
    """The job that was found or bought, and whether this task bought it."""

    attempt: Attempt
    arn: str
    bought: bool


class NamedJobOperator(JobTask[JobT], DistillOperator, Generic[PlanT, JobT, RequestT]):
    """
    Base class of the operators that submit a job, or find the job that was bought for the same input.

    The job's name contains a hash of everything that determines its result. So a retry, a cleared task, another worker
    or a later run finds the job. A job that has this name but belongs to another environment is not used.

    Another attempt gets a job of its own, whose name ends in ``-a2``, ``-a3`` and so on. It is bought only if the
    previous job was stopped or deleted, failed for a reason other than its data, or if its results were deleted. A job
    that failed because of its data is not bought again. A completed job that was deleted in Bedrock is not bought again
    either, as long as its results are stored.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._cost = ""
        self._was_refused = self._was_requested = False

    @abstractmethod
    def plan(self) -> PlanT:
        """Return what the job is about, with the content of its input file."""

    @abstractmethod
    def at_most_usd(self, plan: PlanT) -> float:
        """Return what the whole job costs at most, in US dollars."""

    @abstractmethod
    def job_name(self, plan: PlanT, attempt: int) -> str:
        """Return the name of an attempt."""

    @abstractmethod
    def purpose(self, plan: PlanT) -> str:
        """Return what the job is for, after the noun, such as "of tuned for nova-pro"."""

    @abstractmethod
    def input_uri(self, plan: PlanT) -> str:
        """Return where the file that the job reads is stored."""

    @abstractmethod
    def output_uri(self, plan: PlanT) -> str:
        """Return the prefix under which the job writes its results."""

    @abstractmethod
    def find_own(self, plan: PlanT, name: str) -> JobT | None:
        """
        Return the job with a name; ``None`` if there is no such job.

        :raises RefusedError: a job of another environment has the name.
        """

    @abstractmethod
    def tags(self, plan: PlanT) -> dict[str, str]:
        """Return the tags of the job that not all purchases have."""

    @abstractmethod
    def request(self, plan: PlanT, name: str, tags: dict[str, str]) -> RequestT:
        """Return the request to buy the job."""

    def check_before_purchase(self) -> None:
        """Check what only matters if a job is bought; raise an error if the job must not be bought."""

    def note_purchase(self, plan: PlanT, name: str) -> None:
        """Record a job that is about to be bought, if the run's bill contains jobs of this kind."""

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

    def find_or_buy(self, context: Context) -> tuple[PlanT, float, FoundJob]:
        """
        Find or buy the job; return its plan and what it costs at most, too.

        :raises EndedAttemptError: Airflow no longer runs this attempt; nothing was bought.
        """
        with record_attempt(context):
            plan = self.plan()
            at_most_usd = self.at_most_usd(plan)
            self._cost = whole_job_cost(at_most_usd)
            found = self._buy(context, plan, self._attempt(plan))
            self.log.info("%s %s %s", "Bought" if found.bought else "Found", self.noun, found.attempt.name)
            emit(purchase_samples(self.use_case.name, self.noun, int(found.bought)))
            return plan, at_most_usd, found

    def _buy(self, context: Context, plan: PlanT, attempt: Attempt) -> FoundJob:
        """Find or buy the job of an attempt, or of the next one if the job was stopped meanwhile."""
        if attempt.stored:
            return FoundJob(attempt, attempt.stored["job_arn"], bought=False)
        name = attempt.name
        tags = purchase_tags(self.use_case, self.folder, context["dag_run"], **self.tags(plan))
        request = self.request(plan, name, tags)
        created: list[str] = []

        def find(_: str) -> JobT | None:
            # A look-up by name reads Bedrock's list of jobs, which may not contain a new job yet.
            return self.jobs.get(created[0]) if created else self.find_own(plan, name)

        def create(_: str) -> None:
            require_approved_spending(self)
            self.check_before_purchase()
            self.store.write(self.input_uri(plan), plan.dataset)
            self.note_purchase(plan, name)
            require_running(
                context,
                f"buy {self.noun} {name}",
                left="A job that another attempt bought is unchanged.",
                if_still="this run still needs the job",
            )
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
            refused = refused_but_not_listed(self.noun, name, error)
            raise self._missing(name, None, refused) from error
        except TransientError:
            if not created:
                raise
            named = f"Bedrock named {created[0]} as job {name}, but does not have this job"
            raise self._missing(name, created[0], named) from None
        if purchase.resource.status in STOPPED:  # another run has bought it, and a person has marked that run
            return self._buy(context, plan, self._attempt(plan))
        self._note_key(purchase.resource)
        return FoundJob(attempt, purchase.resource.arn, purchase.bought)

    def _note_key(self, job: JobT) -> None:
        name = f"{self.noun.capitalize()} {job.name}"
        if warning := other_key_warning(name, job.kms_key_arn, self.use_case.aws.kms_key_arn):
            self.log.warning("%s", warning)

    def _missing(self, name: str, arn: str | None, happened: str) -> TransientError:
        """Note that Bedrock does not have a job that it says exists, and return an error that says so.

        :param arn: the ARN of the job; ``None`` if Bedrock did not state it.
        """
        self.ended_jobs.note_missing(name, arn, utc_now())
        wait = format_duration(SHOWN_AFTER.total_seconds())
        return TransientError(
            f"{happened}. Either the job is new and not shown yet, or it was bought earlier and someone deleted it.",
            left="No other job was bought.",
            to_do=f"Wait {wait}.",
            then_clear=FAILED_TASK,
            effect=f"looks for the job again. If it is still missing {wait} after it was first missing, the next"
            f" attempt is bought{self._cost}",
        )

    def _attempt(self, plan: PlanT) -> Attempt:
        """Return the first attempt that is running, has results, or was not bought yet."""
        ended_attempts = []
        for number in range(1, self.settings.max_attempts + 1):
            name = self.job_name(plan, number)
            job, ended = self.find_own(plan, name), self.ended_jobs.find(name)
            if job and job.progress is Progress.RUNNING and job.status not in STOPPED:
                return Attempt(number, name)
            status, message = (job.status, job.message) if job else self._ending(name, ended)
            if status is None:
                return Attempt(number, name)
            arn = job.arn if job else ended["job_arn"] if ended else ""
            place = {"output_uri": self.output_uri(plan), "name": name, "arn": arn}
            if status in WITH_RESULTS and self.ended_jobs.has_results(**place):
                return Attempt(number, name, None if job else ended)
            if status in WITH_RESULTS:
                lost = self.ended_jobs.results_of(**place)
                attempt = EndedAttempt(name, status, "its results were deleted", lost)
            else:
                self._require_another_try(name, status, message)
                attempt = EndedAttempt(name, status, escaped(stated_reason(message)))
            self.log.warning("%s has ended with status %s: %s. Checking the next attempt.", *attempt[:3])
            ended_attempts.append(attempt)
        raise self._no_attempt_left(plan, ended_attempts)

    def _no_attempt_left(self, plan: PlanT, attempts: Sequence[EndedAttempt]) -> JobFailedError:
        """Return an error that names the reason of each attempt, and says what to do.

        Results that were deleted are free if they are restored, so this advice comes first.
        """
        reasons = "; ".join(f"{name}, status {status}: {reason}" for name, status, reason, _ in attempts)
        has_cause = any(one.status == "Failed" and one.reason != stated_reason(None) for one in attempts)
        remedy = f"raise {self.settings_key}.max_attempts"
        if has_cause:
            remedy = f"remove the cause that Bedrock names, and {remedy}"
        to_do = f"To buy another job, {remedy}."
        if lost := [attempt for attempt in attempts if attempt.lost]:
            to_do = (
                f"If you can restore the deleted results of a job, such as those of {lost[-1].name} in {lost[-1].lost},"
                f" restore them and clear {task_to_clear(self.task_id)}, which uses them and buys nothing. Otherwise,"
                f" {remedy}."
            )
        return JobFailedError(
            f"All {len(attempts)} {self.noun}s {self.purpose(plan)} have ended, and none of them has results"
            f" ({reasons}).",
            left="No job is running.",
            billed="This task bought nothing.",
            to_do=to_do,
            then_clear=self.restart,
            effect=f"buys the next attempt{self._cost}",
        )

    def _require_another_try(self, name: str, status: str, message: str | None) -> None:
        """Check that the job after one that has ended may have results.

        :raises JobFailedError: the next job would fail in the same way.
        """
        failure = job_failure(message)
        if status == "Failed" and failure.is_final:
            raise JobFailedError(
                f"{self.noun.capitalize()} {name} failed on the same data: {escaped(stated_reason(message))}.",
                left="The job is not running, and is not bought again, because the same data would fail again.",
                billed="This task bought nothing.",
                to_do=failure.advice,
                then_clear=self.restart,
            )

    def _ending(self, name: str, ended: EndedJob | None) -> tuple[str | None, str | None]:
        """Return the status and the message of a job that was deleted; ``None`` for both if there was no such job."""
        if ended:
            return ended["status"], ended["message"]
        missing = self.ended_jobs.missing_too_long(name, utc_now())
        if missing and (missing["job_arn"] is None or self.jobs.get(missing["job_arn"]) is None):
            return DELETED, "Someone deleted it in Bedrock before a task saw how it ended"
        return None, None
