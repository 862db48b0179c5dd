"""Build the links in a notification: to the task, to the report, and to the runbook."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from include.distill.config.notifications import Event

RUNBOOK_VARIABLE = "DISTILL_RUNBOOK_URL"
DEFAULT_RUNBOOK = "docs/runbook.md"
# The section of the runbook about each event.
RUNBOOK_SECTIONS: Mapping[Event, str] = {
    "failed": "failures-task-by-task",
    "waits_for_approval": "a-run-waited-for-an-approval-at-night-and-nobody-answered",
    "verdict": "you-want-to-check-whether-the-judges-can-be-trusted",
    "promoted": "you-want-to-return-to-an-earlier-champion",
    "budget": "notifications",
    "still_billed": "1-is-anything-being-billed-right-now",
    "drift": "notifications",
    "late": "notifications",
}
Link = tuple[str, str]  # label and URL


@dataclass(frozen=True)
class Place:
    """
    The task or the run that a notification is about.

    :param base_url: the address of Airflow's UI. It may lack the host, and then the links lack the host too.
    :param map_index: number of the instance, if the task is mapped.
    """

    base_url: str
    dag_id: str
    run_id: str
    task_id: str = ""
    map_index: int = -1

    @property
    def name(self) -> str:
        """The task and, if it is mapped, its instance, such as ``synthesize[3]``."""
        return f"{self.task_id}[{self.map_index}]" if self.map_index >= 0 else self.task_id

    @property
    def described(self) -> str:
        """The task, the run and the DAG in words, for a person who cannot use the links."""
        task = f"task {self.name} of " if self.task_id else ""
        return f"{task}run {self.run_id} of DAG {self.dag_id}"

    @property
    def run(self) -> str:
        """The URL of the run."""
        dag_id, run_id = (quote(part, safe=":+") for part in (self.dag_id, self.run_id))  # quoted as in the UI
        return f"{self.base_url.rstrip('/')}/dags/{dag_id}/runs/{run_id}"

    @property
    def task(self) -> str:
        """The URL of the task."""
        mapped = f"/mapped/{self.map_index}" if self.map_index >= 0 else ""
        return f"{self.run}/tasks/{quote(self.task_id)}{mapped}"

    @property
    def report(self) -> str:
        """The URL of the run's report, which shows the progress of the run while there is no report."""
        return f"{self.run}/plugin/distill-report"

    @property
    def required_actions(self) -> str:
        """The URL of the page on which a person answers the task's question."""
        return f"{self.task}/required_actions"


def runbook_url(event: Event, variables: Mapping[str, str] | None = None) -> str:
    """
    Return the URL of the section of the runbook about an event.

    :param variables: environment variables; if ``None``, those of the process.
    """
    page = (os.environ if variables is None else variables).get(RUNBOOK_VARIABLE) or DEFAULT_RUNBOOK
    return f"{page}#{RUNBOOK_SECTIONS[event]}"
