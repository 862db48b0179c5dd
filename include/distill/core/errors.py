"""
Define the errors of the pipeline, grouped by what to do about them.

An :class:`InputError` means that an input is wrong; nothing was spent. A :class:`ServiceError` means that AWS did not
carry out a request. Hooks turn every botocore exception into a subclass of :class:`ServiceError`, so no other code
handles exceptions of botocore. An :class:`OutcomeError` means that AWS did its work, but the result cannot be used.

A message states what happened (with the value that caused it), where it happened, what state is left (such as a job
that is still billed), and what to do next. An error may pass these parts separately. When it reaches a task's log,
:mod:`bedrock_distill.run.four_lines` gives each part a line of its own, and fills in what the error does not state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

FAILED_TASK: Final = "the failed task"


class DistillError(Exception):
    """
    Base class of all errors of this project.

    The text of an error consists of all its parts, in the order of the parameters. The text never
    advises to clear the failed task itself, because a message that lists several errors would repeat this advice for
    each of them. Only the four lines in a task's log give this advice (:mod:`bedrock_distill.run.four_lines`).

    :param happened: what happened, and where. If the error has no other parts, this may be the whole message.
    :param left: what state is left.
    :param billed: what is billed now, or that nothing is billed.
    :param to_do: what to do next, as sentences.
    :param then_clear: the task to clear after ``to_do``, such as ``"preflight with downstream"``. It is empty if
        ``to_do`` says all that has to be done. It is :data:`FAILED_TASK` if the failed task has to run again. In
        that case, the task fills in what to clear, because the code that raises the error does not know it.
    :param effect: what clearing the task does, as the end of a sentence, such as "buys the next attempt".
    :param settings: keys of the use case whose values are wrong. If the trigger form sets one of them, only a new run
        can change it.
    """

    def __init__(
        self,
        happened: str = "",
        *,
        left: str = "",
        billed: str = "",
        to_do: str = "",
        then_clear: str = "",
        effect: str = "",
        settings: Sequence[str] = (),
    ) -> None:
        self.happened = happened
        self.left = left
        self.billed = billed
        self.to_do = to_do
        self.then_clear = then_clear
        self.effect = effect
        self.settings = tuple(settings)
        others = [part for part in (left, billed, self.advice("")) if part]
        if others and "\n" in happened:  # the other parts get a line of their own after a list
            text = f"{happened}\n{' '.join(others)}"
        else:
            needs_stop = others and happened and happened[-1] not in ".!?:"
            text = " ".join(filter(None, [f"{happened}." if needs_stop else happened, *others]))
        super().__init__(text)

    def advice(self, task_to_clear: str) -> str:
        """
        Return what to do next, with the task to clear if there is one.

        :param task_to_clear: what to clear for the failed task to run again; empty outside of a task.
        """
        task = task_to_clear if self.then_clear == FAILED_TASK else self.then_clear
        return then_clear(self.to_do, task, self.effect) if task else self.to_do


def then_clear(to_do: str, task: str, effect: str = "") -> str:
    """Return what to do, which task to clear after that, and what clearing it does."""
    cleared = f"{task}, which {effect}." if effect else f"{task}."
    return f"{to_do} Then clear {cleared}" if to_do else f"Clear {cleared}"


@contextmanager
def about_setting(key: str) -> Iterator[None]:
    """Add ``key`` as the wrong setting to an input error raised in the block, unless the error names other keys."""
    try:
        yield
    except InputError as error:
        error.settings = error.settings or (key,)
        raise


class InputError(DistillError, ValueError):
    """An input file, a use case or an argument is wrong. Nothing has been bought, and a retry cannot help."""


class UseCaseError(InputError):
    """A use-case file is unreadable, or has an unknown key, a value out of range or an unknown model."""


class ConfigurationError(UseCaseError):
    """A value in a run's own configuration is wrong. ``to_do`` says to trigger a new run, as a run keeps its values."""


class PromptError(InputError):
    """A prompt template has an unknown variable, a syntax error or a missing delimiter."""


class LimitError(InputError):
    """A training file exceeds a limit of the student's family. The message names the record, field and limit."""


class SpendCapError(DistillError):
    """A task's share of a budget is used up, or the estimate is above the cap. Paid answers are stored."""


class EstimateAboveCapError(SpendCapError):
    """
    The estimate is above ``max_spend_usd``.

    ``to_do`` says how to raise the cap, which depends on whether the run's configuration or the use-case file sets it.
    """


class BudgetExceededError(SpendCapError):
    """The run would exceed a monthly budget of its use case or its owner. Nothing was bought."""


class BudgetUnknownError(SpendCapError):
    """It cannot be read what was spent in this month, so a monthly budget cannot be kept. Nothing was bought."""


class ServiceError(DistillError):
    """
    AWS did not carry out a request.

    ``code`` is AWS's error code, and ``bucket_region`` is the Region of the bucket according to S3. Both are
    empty if AWS did not state them.
    """

    code: str = ""
    bucket_region: str = ""


class ThrottledError(ServiceError):
    """A rate quota is temporarily used up. The call was not billed and can be repeated later."""


class TransientError(ServiceError):
    """The network or the service failed (5xx, timeout, lost connection). A retry may help."""


class PossiblyBilledError(TransientError):
    """A model call was sent, but its answer did not arrive.

    AWS may bill the call. If the request is sent again, AWS may bill it twice. Examples are a read timeout and a
    connection that was closed while the model was answering.
    """


class ModelNotReadyError(TransientError):
    """An endpoint does not take calls yet, for example right after its creation. The call was not billed."""


class NotShownError(TransientError):
    """Bedrock does not show a resource that it says it has created. It is new, or it was deleted earlier."""


class ExpiredCredentialsError(TransientError):
    """The session's credentials have expired. The next call reads the Airflow connection again."""


class RefusedError(ServiceError):
    """AWS refused a request (access, validation, quota, retired model, missing object). A retry cannot help."""


class UnreachedError(RefusedError):
    """A proxy or a certificate prevented the request, so AWS has not seen it. A person must correct this."""


class ConcurrencyLimitError(TransientError):
    """The account's quota of concurrent jobs is used up. Nothing was bought; the same job may be submitted later."""


class JobStoppingError(TransientError):
    """A batch job that contains the same questions is being stopped. Nothing was bought for these questions."""


class DeploymentsInProgressError(ConcurrencyLimitError):
    """The account is already creating as many deployments as its quota allows at a time. Nothing was created."""


class DailyQuotaError(RefusedError):
    """A daily quota is used up. The call was not billed. No call of the task can succeed until the quota refills."""


class InvalidRequestError(RefusedError):
    """AWS refused a single request as invalid. The requests for other rows may be valid."""


class UnknownOperationError(InvalidRequestError):
    """The AWS service does not have an operation, because the operation is younger or exists only in other Regions."""


class NotFoundError(RefusedError):
    """An object, job, model or provisioned throughput does not exist."""


class MissingObjectError(NotFoundError):
    """An object that an earlier task of the run should have stored is missing. The message names the task to clear."""


class ConflictError(RefusedError):
    """A name or token is already in use. An earlier attempt may have created the resource, so callers look it up."""


class ContractError(ServiceError):
    """A response or an error code of AWS, or a stored file, has an unexpected form. A retry cannot help."""


class NewerFormatError(ContractError):
    """A newer version wrote a record in a format that this version does not know. The message names both versions."""


class StoredRecordError(ContractError, ValueError):
    """
    A stored object is not JSON, lacks a key that is always written, or has a value of the wrong type.

    ``to_do`` names the task to clear and the cost. ``fault`` states only what is wrong, for callers that give their own
    advice.
    """

    def __init__(self, happened: str, *, fault: str = "", **parts: Any) -> None:
        super().__init__(happened, **parts)
        self.fault = fault


class EarlierVersionError(ContractError):
    """A task's result from an earlier version lacks a needed key. The message names the task to clear and the cost."""


class UnreadableAnswerError(ContractError):
    """A model answered in a format that this pipeline does not know. AWS bills the call, but no answer is stored."""


class OutcomeError(DistillError):
    """AWS did its work, but the result cannot be used."""


class JobFailedError(OutcomeError):
    """A customization job ended with the status Failed or Stopped. The message includes Bedrock's reason."""


class WaitTimeoutError(OutcomeError):
    """
    A wait timed out. The job or endpoint still exists and may be billed.

    A person decides whether to wait longer.
    """


class ThroughputReleasedError(OutcomeError):
    """The arm's endpoint was released. Clear the arm's ``provision`` task (with downstream) to serve the arm again."""


class EndedAttemptError(OutcomeError):
    """Airflow no longer runs the attempt of the task in this process. The process bought nothing."""


class ThroughputFailedError(OutcomeError):
    """Bedrock failed to create the arm's endpoint. This is final. The arm's task `release` deletes the endpoint."""


class TooManyFailuresError(OutcomeError):
    """More rows of a step failed than the use case allows. The other answers are stored and are not paid for again."""


class ChangeInProgressError(TransientError):
    """Another run is changing the standing endpoint. This task changed nothing, and can go on once that run ends."""


class SwitchFailedError(OutcomeError):
    """
    Bedrock did not put the model behind the standing endpoint.

    If the endpoint already existed, it still answers with its old model.
    """


class SmokeFailedError(OutcomeError):
    """The standing endpoint gave a bad answer to a smoke prompt. `settle` puts the recorded model behind it again."""


class SettleError(OutcomeError):
    """The standing endpoint could not be brought back to the recorded champion. The message says how to do it."""


class PromotionError(OutcomeError):
    """A winner cannot be promoted: the champion has changed, or the model was deleted. Nothing was promoted."""


class ReconciliationError(OutcomeError):
    """The counts of a step do not add up: a row was lost or duplicated. The defect is in the pipeline, not the data."""


class IncompleteRunError(OutcomeError):
    """A task of the run failed or was skipped. The last task raises this error, so that the run ends as failed."""


class UnexpectedError(DistillError):
    """An exception that no code expects, from Python, Airflow or a library. The cause may be a bug or a full disk."""
