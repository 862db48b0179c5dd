"""
Read the months of a history that can be read, and say which objects cannot be used, for pages.

A budget must not be kept with a part of the history, so the tasks of a run use
:func:`include.distill.history.months.read_history`, which raises an error for such an object.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from include.distill.config.history_layout import month_name
from include.distill.core.errors import ContractError, NewerFormatError, NotFoundError
from include.distill.core.storage import ObjectStore
from include.distill.history.months import listed_months, ordered_runs, read_months, read_runs
from include.distill.history.records import HistoryEntry


@dataclass(frozen=True)
class UnusableMonth:
    """
    A month of the history that cannot be used.

    :ivar uri: the object with the runs of the month.
    :ivar error: says what is wrong with it.
    """

    uri: str
    error: ContractError

    @property
    def month(self) -> str:
        """The month, such as ``2026-11``."""
        return self.uri.rsplit("/", 1)[1].removesuffix(".json")

    @property
    def object_name(self) -> str:
        """The object's name below the root of the use case, such as ``history/faq/2026-11.json``."""
        return "/".join(self.uri.split("/")[-3:])

    @property
    def sentence(self) -> str:
        """
        What is wrong, what is missing on a page because of this, and what to do.

        The sentence names neither the bucket nor any value in the object. Not everybody who may see a use case needs
        to know them.
        """
        lack = (
            f"The runs of {self.month} are missing on this page, and no run of that month with a monthly budget can"
            " start. Trying again does not help."
        )
        if isinstance(self.error, NewerFormatError):
            return (
                f"{self.object_name} was written by a newer version of this pipeline, so it cannot be read. {lack} Do"
                " not delete the object. Upgrade this installation (docs/upgrading.md)."
            )
        return (
            f"{self.object_name} is damaged and cannot be read. {lack} Download the object and correct it, or move it"
            " out of the folder. Without it, the trend and the budgets lack these runs."
        )


@dataclass(frozen=True)
class ReadableHistory:
    """
    The part of a history that can be read.

    :ivar runs: the runs, oldest first.
    :ivar unusable: the months that cannot be used, oldest first.
    """

    runs: Sequence[HistoryEntry] = ()
    unusable: Sequence[UnusableMonth] = ()

    def lacks(self, day: datetime.datetime) -> bool:
        """Return whether the runs of the month of a day are not known, because its object cannot be used."""
        return any(month.month == month_name(day) for month in self.unusable)


def read_readable_history(
    store: ObjectStore, root: str, use_case: str, *, since: datetime.datetime | None = None
) -> ReadableHistory:
    """
    Return the runs of a use case that can be read, and the months that cannot be used.

    :param root: ``s3://<training bucket>/<prefix>``.
    :param since: leave out the runs that were due to start before this time.
    :raises ServiceError: S3 does not answer, or refuses the request.
    """
    try:
        uris = listed_months(store, root, use_case, since)
    except NotFoundError:  # no bucket yet, so no run yet
        return ReadableHistory()
    months = read_months(lambda uri: _month(store, uri), uris)
    readable = [month for month in months if not isinstance(month, UnusableMonth)]
    return ReadableHistory(
        ordered_runs(readable, since), [month for month in months if isinstance(month, UnusableMonth)]
    )


def _month(store: ObjectStore, uri: str) -> list[HistoryEntry] | UnusableMonth:
    try:
        return read_runs(store, uri)
    except ContractError as error:
        return UnusableMonth(uri, error)
    except NotFoundError:  # moved away after it was listed
        return []
