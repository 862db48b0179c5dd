"""
Remember the jobs that a run buys, with the bill lines of each job.

The report makes the bill from the results of tasks. If a job is stopped or fails, a task buys the next attempt, and the
result of that attempt replaces the earlier result. AWS bills the earlier job, too, up to its end. So each job is
recorded in the run's folder before it is bought.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from include.distill.config.layout import RunFolder
from include.distill.core.storage import ObjectStore, read_json, write_json
from include.distill.cost.prices import BillLine
from include.distill.cost.records import BoughtJobKind, BoughtJobRecord

# Parts of a line's name. The second follows what the job is for.
ESTIMATED = " (estimated)"
WITHOUT_RESULTS = " without results (at most)"


@dataclass(frozen=True)
class BoughtJobs:
    """The records of the jobs that a run bought or was about to buy."""

    store: ObjectStore
    folder: RunFolder

    def add(self, kind: BoughtJobKind, name: str, lines: Sequence[BillLine]) -> None:
        """
        Record a job that is about to be bought.

        :param lines: the bill lines of the whole job. A job without lines is not recorded.
        """
        if lines:
            record: BoughtJobRecord = {"job_name": name, "kind": kind, "lines": [line.as_record() for line in lines]}
            write_json(self.store, self.folder.bought_job(name), record)

    def all(self) -> Iterator[BoughtJobRecord]:
        """Yield the record of each job. Bedrock may have refused the job, so a record does not prove a purchase."""
        for uri in self.store.list(self.folder.bought_jobs):
            yield read_json(self.store, uri, BoughtJobRecord)


def bought_job_lines(record: BoughtJobRecord, *, completed: bool) -> list[BillLine]:
    """
    Return the bill lines of a job.

    It is not known how much of a job AWS bills that did not complete. So its lines are those of the whole job, and
    their names say that they are an upper limit.
    """
    lines = [
        BillLine(
            line["what"], line["quantity"], line["unit"], line["unit_price_usd"], not line.get("unverified", False)
        )
        for line in record["lines"]
    ]
    return lines if completed else [dataclasses.replace(line, what=_without_results(line.what)) for line in lines]


def _without_results(what: str) -> str:
    step, colon, model = what.partition(":")
    return f"{step.replace(ESTIMATED, '')}{WITHOUT_RESULTS}{colon}{model}"


def merge_lines(lines: Iterable[BillLine]) -> list[BillLine]:
    """Join the lines that have the same name and price. The report shows each name with its estimate once."""
    merged: dict[tuple[str, float], BillLine] = {}
    for line in lines:
        key = line.what, line.unit_price_usd
        before = merged.get(key)
        merged[key] = dataclasses.replace(line, quantity=before.quantity + line.quantity) if before else line
    return list(merged.values())
