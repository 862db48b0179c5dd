from __future__ import annotations

from include.distill.cost.records import SpendingApproval
from include.distill.report.approvals import promotion_entry, spending_entry
from include.distill.report.build import build_report
from include.distill.report.html import render_html
from tests.distill.report.example_report import inputs
from tests.plugins.conftest import make_champion

APPROVAL: SpendingApproval = {
    "asked": "h",
    "estimated_usd": 62.1,
    "to_pay_usd": 60.0,
    "usd_per_hour": 60.5,
    "decision": "approved",
    "user_id": "1",
    "user_name": "Ada <b>",
    "answered_at": "2026-11-27T02:00:00+00:00",
}


def test_the_entry_about_spending_names_who_approved_what_and_when() -> None:
    assert spending_entry(APPROVAL) == {
        "what": "spending",
        "subject": "an estimate of $62.10, of which about $60.00 had to be paid, and endpoints at $60.50 per hour",
        "decision": "approved",
        "user_name": "Ada <b>",
        "user_id": "1",
        "at": "2026-11-27T02:00:00+00:00",
    }
    assert spending_entry({**APPROVAL, "usd_per_hour": 0.0})["subject"].endswith("had to be paid")


def test_a_champion_that_no_person_approved_has_no_entry() -> None:
    assert promotion_entry(make_champion()) is None
    entry = promotion_entry(make_champion(approved_by="Bob"))
    assert entry
    assert (entry["user_name"], entry["at"]) == ("Bob", "2026-11-21T02:00:00+00:00")


def test_the_page_lists_the_approvals_and_escapes_names() -> None:
    unanswered = spending_entry({**APPROVAL, "decision": "unanswered", "user_name": None, "user_id": None})
    report = build_report(**inputs(approvals=[spending_entry(APPROVAL), unanswered]))
    page = render_html(report)
    assert "<li>Ada &lt;b&gt; (user id 1) approved an estimate of $62.10" in page
    assert "<li>Nobody answered about an estimate of $62.10" in page
    assert "2026-11-27T02:00:00+00:00" in page
    assert "<h3>Approvals</h3>" not in render_html(build_report(**inputs()))
