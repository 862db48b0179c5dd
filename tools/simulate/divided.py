"""Divide what has happened in a schedule with two runs, so that the rules judge each of the runs by its own faults."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.simulate.checks.outcome import STANDING
from tools.simulate.parts import NAME as FIRST

if TYPE_CHECKING:
    from tools.simulate.record import Record

_OF_USE_CASE = ("jobs", "custom_models", "throughputs", "deployments", "evaluation_jobs", "optimization_jobs")
_ENDPOINTS = ("throughputs", "deployments")


@dataclass(frozen=True)
class Sharing:
    """
    What tells the things of two runs apart.

    :ivar name: the name of the other use case.
    :ivar is_backfill: whether the other run belongs to a backfill, and not to the other use case.
    :ivar endpoints: the names of the endpoints that the other run has created.
    """

    name: str
    is_backfill: bool
    endpoints: Collection[str]

    def ledger(self, ledger: Mapping[str, Any], *, is_other: bool) -> dict[str, Any]:
        """Return the part of a ledger that belongs to one of the runs. What both runs use is in both parts."""
        kept = {kind: [one for one in ledger[kind] if self._belongs(one["name"], is_other)] for kind in _OF_USE_CASE}
        if self.is_backfill:
            kept |= {kind: [one for one in kept[kind] if self._created(one["name"], is_other)] for kind in _ENDPOINTS}
        return {**ledger, **kept}

    def _belongs(self, name: str, is_other: bool) -> bool:
        return (f"-{self.name}-" in name) == (is_other and not self.is_backfill)

    def _created(self, name: str, is_other: bool) -> bool:
        return STANDING in name or (name in self.endpoints) == is_other

    def objects(self, objects: Mapping[str, bytes], *, is_other: bool) -> dict[str, bytes]:
        """Return the objects that do not belong to the use case of the other one of the runs."""
        foreign = FIRST if is_other and not self.is_backfill else self.name
        return {uri: body for uri, body in objects.items() if _use_case(uri) != foreign}


def endpoints_of(ledger: Mapping[str, Any]) -> set[str]:
    """Return the names of all endpoints that are not standing."""
    return {one["name"] for kind in _ENDPOINTS for one in ledger[kind] if STANDING not in one["name"]}


def keep_own(record: Record, sharing: Sharing, *, is_other: bool) -> None:
    """Leave in the record of one of the runs what belongs to it in the ledgers and in S3."""
    record.ledgers = [sharing.ledger(each, is_other=is_other) for each in record.ledgers]
    record.after_mark = [sharing.ledger(each, is_other=is_other) for each in record.after_mark]
    record.swept = None if record.swept is None else sharing.ledger(record.swept, is_other=is_other)
    record.objects = sharing.objects(record.objects, is_other=is_other)
    record.first_objects = sharing.objects(record.first_objects, is_other=is_other)


def divide(record: Record, other: Record, sharing: Sharing, ledger: Mapping[str, Any]) -> None:
    """
    Leave in the record of each run what belongs to it, and what both runs use.

    :param record: the record of the schedule, with everything.
    :param ledger: the ledger at the end.
    """
    other.served, other.sweeps, other.swept = record.served, record.sweeps, record.swept
    other.objects, other.first_objects = record.objects, record.first_objects
    keep_own(record, sharing, is_other=False)
    keep_own(other, sharing, is_other=True)
    if sharing.is_backfill:  # both runs ask about the same endpoint
        record.choices = other.choices = [*record.choices, *other.choices]
    own, others = [one for one in record.met if one[1].run_id not in other.started], {one[0].at for one in other.met}
    other.met += [one for one in record.met if one not in own and one[0].at not in others]
    record.met, record.elsewhere, other.elsewhere = own, other.met, own
    other.crossed = record.crossed
    record.reached |= other.reached
    record.others, record.together = [other], dict(ledger)


def _use_case(uri: str) -> str:
    """Return the use case in a URI; another text if all use cases share the object."""
    below_prefix = uri.split("/")[4:]
    return below_prefix[1].partition(".")[0] if len(below_prefix) > 1 else ""
