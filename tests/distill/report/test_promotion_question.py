from __future__ import annotations

from typing import Any

from include.distill.evaluation.endpoint_records import StandingPrice
from include.distill.report.promotion_question import promotion_question, promotion_subject

PRICE: StandingPrice = {"usd_per_hour": 60.5, "units": 1}
REPORT: Any = {"simulated": False, "verdict": "tuned is better."}
DECISION: Any = {"candidate": "tuned", "champion": "best", "reasons": ["haiku: lower bound 60.0%"]}


def question(price: StandingPrice | None = None, **changes: Any) -> str:
    report = {**REPORT, **changes}
    return promotion_question(report, DECISION, None, answer_within_hours=20, report_uri="s3://b/r.html", price=price)


def test_the_question_has_the_verdict_the_reasons_the_champion_and_the_report() -> None:
    body = question()
    assert body.splitlines()[0] == r"tuned is better\."
    assert r"- haiku\: lower bound 60\.0%" in body
    assert "The current champion: none yet" in body
    assert "`s3://b/r.html`" in body
    assert "no one answers within 20 hours, nothing changes" in body
    assert "SIMULATED" in question(simulated=True).splitlines()[0]


def test_a_price_per_hour_is_in_the_headline_and_the_text_and_nowhere_else() -> None:
    assert (
        promotion_subject("docs", DECISION, PRICE) == "Promote tuned of docs, and pay $60.50 per hour for its endpoint?"
    )
    assert promotion_subject("docs", DECISION, None) == "Promote tuned of docs?"
    body = question(PRICE)
    assert r"1 model unit: \$60.50 per hour, about \$44,165 per month of 730 hours" in body
    assert "until a person deletes it" in body
    assert "per hour" not in question()


def test_the_question_says_that_applications_call_the_winner_before_it_is_the_champion() -> None:
    body = promotion_question(REPORT, DECISION, None, answer_within_hours=2, report_uri="r", is_served=True)
    assert "If you approve, `tuned` is put behind the standing endpoint, which applications call." in body
    assert "If the endpoint answers the smoke prompts, `tuned` becomes the champion" in body
    assert "standing endpoint" not in question()


def test_text_of_the_report_is_escaped() -> None:
    assert "<script" not in question(verdict="<script>alert(1)</script>")
