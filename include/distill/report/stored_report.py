"""
Read ``report.json`` in a later task or another DAG, whichever version wrote the report.

Reports of earlier versions lack some keys of :class:`Report`. Each function of this module therefore checks only the
keys that its callers need.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict, cast

from include.distill.core.records import BillLineRecord
from include.distill.core.storage import ObjectStore, read_json
from include.distill.evaluation.records import AnswerEndings
from include.distill.report.optional_parts import is_missing
from include.distill.report.records import Report

# The part of the report that is missing if the bill could not be read. Then the report has a bill without lines.
BILL = "the bill, so the total cost is shown as 0"


class _ReadComparison(TypedDict):
    """The keys of a comparison that are needed to check the promotion rule again."""

    judge: str
    candidate: str
    baseline: str
    n: int
    wins: int
    losses: int
    unparsable: int
    decisive_clusters: int


class _ReadDecision(TypedDict):
    candidate: str
    champion: str
    promoted: bool
    reasons: list[str]
    lower_bound: NotRequired[float | None]


class _ReadPromotion(TypedDict):
    decisions: list[_ReadDecision]


class _Decided(TypedDict):
    """The decisions to promote in a report, and the figures that are needed to check these decisions again."""

    promotion: NotRequired[_ReadPromotion | None]
    comparisons: NotRequired[list[_ReadComparison]]
    answer_endings: NotRequired[dict[str, AnswerEndings]]


class _Named(_Decided):
    """The parts of a report that a champion's record needs."""

    dag_id: str
    run_id: str
    verdict: str
    simulated: bool


class _ComparedPair(TypedDict):
    candidate: str
    baseline: str


class _Compared(TypedDict):
    comparisons: list[_ComparedPair]


class _Bill(TypedDict):
    lines: list[BillLineRecord]


class _Billed(TypedDict):
    cost: _Bill
    missing_parts: NotRequired[list[str]]


class _Entry(TypedDict):
    run_key: str


def read_decided_report(store: ObjectStore, uri: str) -> Report:
    """
    Read a report, and check the keys that the decisions to promote need.

    :raises StoredRecordError: the object is not JSON, or one of these keys is missing or has a value of the wrong type.
        The message says to clear ``report``.
    """
    return cast(Report, read_json(store, uri, _Decided))


def read_report_of_winner(store: ObjectStore, uri: str) -> Report:
    """
    Read a report, and check the keys that the record of a new champion needs.

    These are the keys that :func:`read_decided_report` checks, the ids of the DAG and the run, and the verdict.
    """
    return cast(Report, read_json(store, uri, _Named))


def read_compared_pairs(store: ObjectStore, uri: str) -> list[tuple[str, str]]:
    """Return the pairs of arms that a report compares, the pair of its verdict first."""
    comparisons = read_json(store, uri, _Compared)["comparisons"]
    return list(dict.fromkeys((comparison["candidate"], comparison["baseline"]) for comparison in comparisons))


def read_bill(store: ObjectStore, uri: str) -> list[BillLineRecord] | None:
    """Return the lines of a report's bill; see :func:`bill_of`."""
    return bill_of(cast(Report, read_json(store, uri, _Billed)))


def bill_of(report: Report) -> list[BillLineRecord] | None:
    """Return the lines of a report's bill; ``None`` if the bill could not be read when the report was written."""
    return None if is_missing(BILL, report.get("missing_parts", ())) else [*report["cost"]["lines"]]


def read_listed_run_key(store: ObjectStore, uri: str) -> str:
    """Read an entry of the list of past runs, and return the entry's run key."""
    return read_json(store, uri, _Entry)["run_key"]
