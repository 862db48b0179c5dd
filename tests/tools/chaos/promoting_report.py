"""An operator that writes a report whose rule promotes the arm `tuned`, without serving it or asking a judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedrock_distill.operators.base import DistillOperator
from include.distill.core.storage import read_jsonl, write_json, write_jsonl
from include.distill.dataset.records import Row
from include.distill.report.records import ReportManifest
from tools.simulate.decided_report import answer, report

if TYPE_CHECKING:
    from airflow.sdk import Context

NO_WINNER = "no_winner"  # an object with this name below the use case's root lets the rule promote no arm


class PromotingReport(DistillOperator):
    """
    Write answers of the arm `tuned` to the evaluation rows, and a report with verdicts in favor of this arm.

    :return: as of the task `report`.
    """

    def execute(self, context: Context) -> ReportManifest:
        """Write the answers and the report."""
        rows = read_jsonl(self.store, self.folder.source("evaluation"), Row)
        answers = [answer(row) for row in rows]
        write_jsonl(self.store, self.folder.answers("tuned", 0), answers)
        wins = not self.store.exists(f"{self.folder.root}/{NO_WINNER}")
        identity = {"dag_id": context["ti"].dag_id, "run_id": context["ti"].run_id}
        write_json(self.store, self.folder.report("json"), {**report(self.use_case, answers, wins=wins), **identity})
        return {
            "report_json_uri": self.folder.report("json"),
            "report_html_uri": self.folder.report("html"),
            "verdict": "tuned is better.",
            "actual_usd": 0.0,
            "simulated": True,
        }
