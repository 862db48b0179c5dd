"""Test that the end of a run is recorded in the history with what the run has spent."""

from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.operators.ended_run import record_end
from bedrock_distill.operators.spent import Spent
from bedrock_distill.run.run_history import history_of, record_run
from include.distill.core.errors import RefusedError
from include.distill.core.storage import write_json
from include.distill.cost.prices import BillLine
from include.distill.history.records import HistoryEntry
from include.distill.report.optional_parts import OptionalParts
from include.distill.report.stored_report import BILL
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI

REPORT = FOLDER.report("json")


def bought(usd: float) -> Spent:
    return Spent([BillLine("calls: nova-pro input", 1, "token", usd)])


class Run:
    """A run whose end is recorded.

    :ivar read: how often the stored purchases were read.
    """

    def __init__(self, task: Any, context: Any, store: MemoryStore) -> None:
        self.task, self.context, self.store, self.read = task, context, store, 0

    def stored(self, usd: float) -> None:
        """Record what an earlier attempt has spent."""
        earlier: Any = {"spent_usd": usd, "spent_by_kind": {"other": usd}}
        record_run(self.task, self.context, lambda run: {**run, **earlier})

    def report(self, usd: float, **more: Any) -> None:
        """Store a report with a bill for the teacher."""
        line = BillLine("synthesis: nova-pro input", 1, "token", usd).as_record()
        write_json(self.store, REPORT, {"cost": {"lines": [line]}, **more})

    def end(self, state: Any, purchases: Any = None, report_uri: str | None = REPORT) -> HistoryEntry:
        def read() -> Spent | None:
            self.read += 1
            if isinstance(purchases, Exception):
                raise purchases
            return purchases  # type: ignore[no-any-return]

        record_end(self.task, self.context, state, report_uri=report_uri, purchases=read)
        [run] = history_of(self.task)
        return run


@pytest.fixture
def ended(equip: Any, context: Any, store: MemoryStore) -> Run:
    return Run(equip(DistillOperator(task_id="outcome", run_uri=RUN_URI)), context, store)


class TestSuccess:
    def test_the_bill_is_that_of_the_report(self, ended: Run) -> None:
        ended.report(1.5)
        run = ended.end("succeeded", bought(9.0))
        assert (run["state"], run["spent_usd"], run["spent_by_kind"]) == ("succeeded", 1.5, {"teacher": 1.5})
        assert run["ended_at"] is not None
        assert ended.read == 0, "reading all stored answers takes long, and the report has the bill"

    def test_the_smoke_prompts_that_followed_the_report_are_added(self, ended: Run) -> None:
        ended.report(1.5)
        usage = {"calls": 3, "model": "nova-micro", "deployed": True, "input_tokens": 10**7, "output_tokens": 0}
        write_json(ended.store, FOLDER.smoke_usage(1), usage)
        run = ended.end("succeeded")
        assert run["spent_by_kind"].keys() == {"teacher", "endpoints"}
        assert run["spent_usd"] == pytest.approx(1.5 + run["spent_by_kind"]["endpoints"])

    def test_what_only_an_earlier_attempt_used_is_not_forgotten(self, ended: Run) -> None:
        ended.stored(4.0)
        ended.report(1.5)
        run = ended.end("succeeded", bought(3.75))
        assert (run["spent_usd"], run["spent_by_kind"]) == (3.75, {"other": 3.75})

    def test_an_upper_limit_of_an_earlier_attempt_is_replaced_by_the_bill(self, ended: Run) -> None:
        ended.stored(4.0)
        ended.report(1.5)
        run = ended.end("succeeded", bought(1.5))
        assert (run["spent_usd"], run["spent_by_kind"]) == (1.5, {"teacher": 1.5})

    def test_the_higher_amount_is_kept_if_the_purchases_cannot_be_read(self, ended: Run) -> None:
        ended.stored(4.0)
        ended.report(1.5)
        run = ended.end("succeeded", RefusedError("S3 refused the list."))
        assert (run["state"], run["spent_usd"]) == ("succeeded", 4.0)

    def test_without_a_bill_in_the_report_the_purchases_count(self, ended: Run) -> None:
        parts = OptionalParts(lambda _: None)
        parts.read(BILL, lambda: 1 / 0, 0.0)
        ended.report(0.0, missing_parts=parts.notes)
        assert ended.end("succeeded", bought(2.0))["spent_usd"] == 2.0

    def test_a_report_that_cannot_be_read_does_not_hide_the_end(
        self, ended: Run, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_json(ended.store, REPORT, {"cost": 3})
        run = ended.end("succeeded", None)
        assert (run["state"], run["spent_usd"]) == ("succeeded", None)
        assert "The bill of the report cannot be read" in capsys.readouterr().out


class TestFailure:
    def test_a_run_without_a_report_has_the_bill_of_its_purchases(self, ended: Run) -> None:
        run = ended.end("failed", bought(2.0), report_uri=None)
        assert (run["state"], run["spent_usd"], run["spent_by_kind"]) == ("failed", 2.0, {"other": 2.0})

    def test_a_run_that_bought_nothing_has_spent_nothing(self, ended: Run) -> None:
        assert ended.end("failed", Spent(), report_uri=None)["spent_usd"] == 0.0

    def test_a_later_failure_has_an_exact_bill_again(self, ended: Run) -> None:
        ended.stored(4.0)
        assert ended.end("failed", bought(2.0), report_uri=None)["spent_usd"] == 2.0

    def test_the_kinds_are_those_of_the_report_if_its_bill_is_complete(self, ended: Run) -> None:
        ended.report(2.0)
        assert ended.end("failed", bought(2.0))["spent_by_kind"] == {"teacher": 2.0}

    def test_what_was_bought_after_the_report_counts(self, ended: Run) -> None:
        ended.report(2.0)
        assert ended.end("failed", bought(2.5))["spent_usd"] == 2.5

    @pytest.mark.parametrize("purchases", [None, RefusedError("S3 refused the list.")])
    def test_without_any_bill_the_stored_amount_is_kept(self, ended: Run, purchases: Any) -> None:
        ended.stored(4.0)
        run = ended.end("failed", purchases, report_uri=None)
        assert (run["state"], run["spent_usd"]) == ("failed", 4.0)
