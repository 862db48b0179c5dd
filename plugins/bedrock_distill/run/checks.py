"""Remember which checks of a wait failed, so that the log never shows an old status as the current one."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bedrock_distill.hooks.in_flight import SLOW_SECONDS
from include.distill.core.durations import format_duration
from include.distill.core.errors import ContractError, ExpiredCredentialsError, RefusedError, ServiceError


def utc_now() -> datetime.datetime:
    """Return the current time in UTC."""
    return datetime.datetime.now(datetime.UTC)


class Checks:
    """
    The repeated checks of one wait.

    :param connection: where the credentials come from, such as ``the Airflow connection aws_default``.
    :param write: writes a warning to the log.
    """

    def __init__(self, connection: str, write: Callable[[str], None]) -> None:
        self.status = ""
        self.deadline: datetime.datetime | None = None
        self._connection = connection
        self._write = write
        self._started: datetime.datetime | None = None
        self._failing_since: datetime.datetime | None = None
        self._fault = ""

    @contextmanager
    def repeated(self) -> Iterator[None]:
        """
        Run one check inside the block. An error that may be temporary is caught, so the wait continues.

        The first failure and the first success after it are logged. In between, :meth:`describe` states the failure.
        """
        started = self._started = utc_now()
        try:
            yield
        except (RefusedError, ContractError):
            raise
        except ServiceError as error:
            self._fault = error.happened.rstrip(".")
            if isinstance(error, ExpiredCredentialsError):
                self._fault += f". Renew the credentials of {self._connection}: each check reads them again"
            if self._failing_since is None:
                self._failing_since = started
                self._write(f"{self.describe()}.")
        else:
            if self._failing_since:
                self._write(f"The checks succeed again, after {self._since(self._failing_since)}.")
            self._failing_since = None
        finally:
            self._started = None

    def describe(self) -> str:
        """Return what the last check saw, or why it saw nothing, as a sentence without a full stop."""
        parts = [self.status]
        if self._failing_since:
            parts = [
                f"The checks have failed for {self._since(self._failing_since)}. The last error: {self._fault}",
                f"The check is repeated{self._until}",
                f"Before that: {self.status}" if self.status else "",
            ]
        return ". ".join(part for part in parts if part)

    def unanswered(self) -> str:
        """Return for how long AWS has not answered the current check; an empty string in the first 20 s."""
        if self._started is None or (utc_now() - self._started).total_seconds() < SLOW_SECONDS:
            return ""
        return f"AWS has not answered the current check for {self._since(self._started)}"

    @property
    def _until(self) -> str:
        return f" until {self.deadline:%Y-%m-%d %H:%M} UTC, and then the task fails" if self.deadline else ""

    def _since(self, start: datetime.datetime) -> str:
        return f"{format_duration((utc_now() - start).total_seconds())} (since {start:%H:%M:%S} UTC)"
