from __future__ import annotations

import re

import pytest

from include.distill.config.notifications import EVENTS, Event
from include.distill.core.paths import PROJECT_ROOT
from include.distill.notification.links import RUNBOOK_VARIABLE, Place, runbook_url

PLACE = Place("https://airflow.example.com/", "distill_a", "scheduled__2026-11-27T02:00:00+00:00", "judge.nova", 3)


def test_the_links_lead_to_the_pages_of_the_ui() -> None:
    run = "https://airflow.example.com/dags/distill_a/runs/scheduled__2026-11-27T02:00:00+00:00"
    assert PLACE.task == f"{run}/tasks/judge.nova/mapped/3"
    assert PLACE.report == f"{run}/plugin/distill-report"
    assert PLACE.name == "judge.nova[3]"
    approve = Place("", "distill_a", "manual/1 <b>", "approve")
    assert approve.required_actions == "/dags/distill_a/runs/manual%2F1%20%3Cb%3E/tasks/approve/required_actions"


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_leads_to_a_section_of_the_runbook(event: Event) -> None:
    page, _, section = runbook_url(event, {}).partition("#")
    headings = re.findall(r"^#+ (.+)$", (PROJECT_ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    anchors = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    assert section in anchors


def test_the_runbook_may_be_on_another_page() -> None:
    url = runbook_url("failed", {RUNBOOK_VARIABLE: "https://wiki.example.com/distill"})
    assert url == "https://wiki.example.com/distill#failures-task-by-task"
