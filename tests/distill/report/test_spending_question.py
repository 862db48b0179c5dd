from __future__ import annotations

from typing import Any

from include.distill.cost.spending_approval import SpendingPlan
from include.distill.report.spending_question import spending_question, spending_subject

TOKENS: Any = {
    "what": "synthesis: nova-pro input", "quantity": 12_345, "unit": "token", "unit_price_usd": 2.2e-6, "usd": 0.0272,
}  # fmt: skip
HOUR: Any = {
    "what": "throughput tuned: nova-micro", "quantity": 2, "unit": "unit-hour", "unit_price_usd": 60.5, "usd": 121.0,
    "unverified": True,
}  # fmt: skip


def plan(*lines: Any, **changes: Any) -> SpendingPlan:
    given = {
        "estimated_usd": 121.03,
        "stored_usd": 1.03,
        "max_spend_usd": 150,
        "lines": lines or (TOKENS, HOUR),
        "hourly": [{"arm": "tuned", "usd_per_hour": 60.5, "hours": 2.0}],
        "usd_per_hour": 60.5,
        "reasons": ["Endpoints cost $60.50 per hour."],
    }
    return SpendingPlan(**{**given, **changes})


def ask(question: SpendingPlan, *, simulated: bool = False) -> str:
    return spending_question(
        question, estimate_uri="s3://b/e.json", answer_within_hours=20, expires_after_hours=24, simulated=simulated
    )


def test_the_question_says_first_if_the_account_is_simulated() -> None:
    real, simulated = ask(plan()), ask(plan(), simulated=True)
    assert "SIMULATED" not in real
    assert simulated.startswith(
        "**SIMULATED: this account belongs to the AWS simulator, so nobody pays these prices.**"
    )
    assert simulated.endswith(real)


def test_the_question_states_amounts_prices_and_what_happens_without_an_answer() -> None:
    text = ask(plan())
    first = text.splitlines()[0].replace("\\", "")
    assert "Full price of the run: $121.03" in first
    assert "$1.03 of this is for results that are already paid for" in first
    assert "pay about **$120.00**. The spend cap is $150.00. Nothing is billed while this question is open." in first
    plain = text.replace("\\", "")
    assert "| synthesis: nova-pro input | 12,345 tokens | $2.20 per million | 0.0272 |" in plain
    assert "| throughput tuned: nova-micro | 2 model-unit hours | $60.50 per hour, not verified | 121.0000 |" in plain
    assert "the endpoint of tuned: $60.50 per hour, from its purchase" in plain
    assert "until the arm has answered. The estimate assumes 2 h, $121.00." in plain
    assert "sweeper deletes its endpoints 24 hours after" in plain
    assert "Prices that are not verified: throughput tuned: nova-micro ($121.00)" in plain
    assert "All items of the run, at full price:" in plain
    assert "If you approve, the run buys what is not stored yet." in plain
    assert "if no one answers within 20 hours, nothing is bought" in plain


def test_one_hour_is_not_plural() -> None:
    assert "| 1 model-unit hour |" in ask(plan({**HOUR, "quantity": 1.0}))


def test_a_question_without_endpoints_does_not_mention_them() -> None:
    text = ask(plan(TOKENS, hourly=[], usd_per_hour=0.0))
    assert "Billed by the hour" not in text
    assert spending_subject("docs", plan(hourly=[])) == "May this run of docs spend about $120.00?"
    assert spending_subject("docs", plan()).endswith("about $120.00, with endpoints at $60.50 per hour?")


def test_text_of_files_has_no_effect_in_markdown() -> None:
    evil = "<script>x</script> | [a](http://b) {{ ds }} `c`"
    line = {**HOUR, "what": evil}
    hourly = [{"arm": evil, "usd_per_hour": 60.5, "hours": 2.0}]
    text = ask(plan(line, reasons=[evil], hourly=hourly))
    assert "<script" not in text
    assert "[a](" not in text
    row = next(part for part in text.splitlines() if part.startswith("| ") and "per hour" in part)
    assert row.replace("\\|", "").count("|") == 5


def test_the_question_says_what_the_run_may_cost_beyond_the_estimate() -> None:
    text = ask(plan(notes=["If it adds as many long prompts as it may, the job costs $127.00."]))
    assert "the job costs $127.00." in text.replace("\\", "")
