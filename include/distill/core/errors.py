"""
Every error of the pipeline, by what its reader can do about it.

Three roots. :class:`InputError`: something given to us is wrong, nothing was spent. :class:`ServiceError`: AWS did
not do what was asked; the hook turns every botocore exception into one of its four kinds, and nothing above the
hook sees botocore. :class:`OutcomeError`: AWS did its work and the result is not the one wanted.

A message says what happened (with the value), where, what state was left (running? billed?), and what to do next.
"""

from __future__ import annotations


class DistillError(Exception):
    """Root of all errors of this project."""


class InputError(DistillError, ValueError):
    """A CSV, a use case or an argument is wrong. Found before anything was bought; asking again cannot help."""


class UseCaseError(InputError):
    """A use-case file cannot be used: unreadable, an unknown key, a value out of range, an unknown model."""


class PromptError(InputError):
    """A prompt template does not render: unknown variable, syntax error, missing delimiter."""


class LimitError(InputError):
    """A training file breaks a limit of the student's family. Names record, field and limit."""


class SpendCapError(DistillError):
    """The estimate is above ``max_spend_usd``, or the running bill has reached it. What was paid for is kept."""


class ServiceError(DistillError):
    """AWS did not do what was asked."""


class ThrottledError(ServiceError):
    """A rate quota is used up for the moment. Nothing was billed; waiting helps."""


class TransientError(ServiceError):
    """A fault on the way or at the service (5xx, time-out, lost connection). Trying again may help."""


class ExpiredCredentialsError(TransientError):
    """The session's credentials have run out. The next call reads the connection again."""


class RefusedError(ServiceError):
    """AWS refused (access, validation, quota, retired model, missing object). Asking again cannot help."""


class InvalidRequestError(RefusedError):
    """AWS says that this one request is wrong. Another row's request may be fine."""


class NotFoundError(RefusedError):
    """The named object, job, model or throughput does not exist."""


class ConflictError(RefusedError):
    """The name or token is taken. The caller looks the thing up by name before believing it is someone else's."""


class ContractError(ServiceError):
    """AWS answered in a shape that its own service model does not describe."""


class OutcomeError(DistillError):
    """AWS did its work and the result is not the one wanted."""


class JobFailedError(OutcomeError):
    """A customization job ended Failed or Stopped. Carries Bedrock's own reason."""


class WaitTimeoutError(OutcomeError):
    """Waiting ended; the awaited thing goes on, and goes on being billed. Clear the task to pick it up."""


class ThroughputReleasedError(OutcomeError):
    """The endpoint was released. Clear ``provision`` (with downstream) of its arm to serve again."""


class TooManyFailuresError(OutcomeError):
    """More rows of a step failed than the use case allows. What succeeded is stored and will not be paid again."""


class PromotionError(OutcomeError):
    """A winner cannot be promoted: the champion changed meanwhile, or the model is gone. Nothing was changed."""


class ReconciliationError(OutcomeError):
    """Counts of a step do not add up: a row was lost or made twice. A defect of the pipeline, never of the data."""


class IncompleteRunError(OutcomeError):
    """A task of the run failed, so the run failed, whatever its last task says."""
