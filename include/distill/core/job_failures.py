"""
Find out from Bedrock's message who can remove the cause of a failed job.

The patterns are in ``include/job_failures.yaml``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import yaml

from include.distill.core.paths import INCLUDE

PATTERNS_PATH = INCLUDE / "job_failures.yaml"


class FailureCause(Enum):
    """The kind of cause of a failed job. It determines who can remove the cause; see ``include/job_failures.yaml``."""

    DATA = "data"
    ACCESS = "access"
    BEDROCK = "bedrock"


@dataclass(frozen=True)
class JobFailure:
    """
    The cause of a failed job.

    :param advice: what to check or to do, as sentences for an error message.
    """

    cause: FailureCause
    advice: str

    @property
    def is_final(self) -> bool:
        """Whether the same job would fail again, because its data or hyperparameters are at fault."""
        return self.cause is FailureCause.DATA


# The advice after the last attempt. Clearing `submit` again would not help, because the task would fail at once.
NO_ATTEMPT_LEFT = (
    "Remove the cause that Bedrock names. All attempts on this data are used up, so raise training.max_attempts, or"
    " change the data or the hyperparameters."
)

_UNKNOWN = JobFailure(
    FailureCause.ACCESS,
    "This pipeline does not know the message, so a person must read it and decide whether to correct something.",
)


def stated_reason(message: str | None) -> str:
    """Return Bedrock's reason for a failed job, without a full stop at its end."""
    return (message or "Bedrock gave no reason").rstrip(". ")


def job_failure(message: str | None) -> JobFailure:
    """Return the cause of a failed job.

    :param message: Bedrock's reason; ``None`` if Bedrock gave none.
    """
    for pattern, failure in _patterns():
        if pattern.search(message or ""):
            return failure
    return _UNKNOWN


@functools.cache
def _patterns() -> Sequence[tuple[re.Pattern[str], JobFailure]]:
    rows = yaml.safe_load(PATTERNS_PATH.read_text(encoding="utf-8"))
    return [
        (re.compile(pattern, re.IGNORECASE | re.DOTALL), JobFailure(FailureCause(row["cause"]), row["advice"]))
        for row in rows
        for pattern in row["patterns"]
    ]
