"""Record in the history of a use case that a run has ended, and what the run has spent."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from bedrock_distill.run.checks import utc_now
from bedrock_distill.run.run_history import record_run
from include.distill.core.errors import DistillError
from include.distill.cost.prices import load_prices
from include.distill.cost.smoke_usage import paid_smoke_lines
from include.distill.report.history_entry import bill_total, with_bill
from include.distill.report.stored_report import read_bill

if TYPE_CHECKING:
    from airflow.sdk import Context

    from bedrock_distill.operators.spent import Spent
    from bedrock_distill.run.access import RunAccess
    from include.distill.core.records import BillLineRecord
    from include.distill.history.records import HistoryEntry

Lines = Sequence["BillLineRecord"]
_CENT = 0.01


def record_end(
    task: RunAccess,
    context: Context,
    state: Literal["succeeded", "failed"],
    *,
    report_uri: str | None,
    purchases: Callable[[], Spent | None],
    failed_tasks: Sequence[str] = (),
) -> None:
    """
    Record that the run has ended, with its bill and its failed tasks.

    The bill of a successful run is that of its report. If the run once had a higher bill, an earlier attempt paid for
    something that no task uses any more. Then, and if the run failed, the bill is made from the stored purchases.

    :param report_uri: URI of the run's ``report.json``; ``None`` if the run has none.
    :param purchases: returns what the run has bought, from its stored purchases; ``None`` if they cannot be read. This
        reads all answers that were stored since the run began, so it is called only if it is needed.
    """
    ended_at = utc_now().isoformat(timespec="seconds")
    reported = _reported(task, report_uri)
    purchased = functools.cache(lambda: _lines(task, purchases))

    def change(stored: HistoryEntry) -> HistoryEntry:
        run: HistoryEntry = {**stored, "state": state, "ended_at": ended_at, "failed_tasks": list(failed_tasks)}
        is_enough = reported is not None and bill_total(reported) >= (run["spent_usd"] or 0.0)
        exact = None if state == "succeeded" and is_enough else purchased()
        if exact is None:
            return run if reported is None else with_bill(run, reported)
        # The stored purchases do not say which step asked a model, so the report's bill is preferred if it is complete.
        is_complete = reported is not None and bill_total(reported) >= bill_total(exact) - _CENT
        return with_bill({**run, "spent_usd": None}, reported if reported and is_complete else exact)

    record_run(task, context, change)


def _lines(task: RunAccess, purchases: Callable[[], Spent | None]) -> Lines | None:
    try:
        bill = purchases()
    except Exception as error:  # any error: the end of the run is recorded anyway
        task.log.warning("What this run has spent cannot be read: %s", error)
        return None
    return None if bill is None else [line.as_record() for line in bill.lines]


def _reported(task: RunAccess, report_uri: str | None) -> Lines | None:
    """Return the bill of the report and of the smoke prompts, which are sent after the report has been written."""
    if report_uri is None:
        return None
    try:
        bill = read_bill(task.store, report_uri)
        smoke = [line.as_record() for line in paid_smoke_lines(task.store, task.folder, load_prices())]
    except DistillError as error:  # the run has ended, whatever the report says
        task.log.warning("The bill of the report cannot be read: %s", error)
        return None
    return None if bill is None else [*bill, *smoke]
