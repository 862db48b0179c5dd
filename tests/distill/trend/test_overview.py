"""Test the overview of all use cases."""

from __future__ import annotations

import datetime
import html
import re
from typing import Any

import pytest

from include.distill.evaluation.champion import Champion
from include.distill.trend.nights import nights_of
from include.distill.trend.overview import BilledEndpoint, UseCaseState, Waiting, overview_page
from tests.distill.trend.evil_texts import evil_entry
from tests.distill.trend.example_nights import DRIFT, begun, entry, failed

NOW = datetime.datetime(2026, 11, 27, 8, tzinfo=datetime.UTC)
EVIL = '"><script>alert(1)</script>'
CHAMPION = Champion(
    use_case="faq",
    model_arn="arn:aws:bedrock:us-east-1:123456789012:custom-model/m",
    student="nova-lite",
    arm="tuned",
    run_key="k",
    dag_id="distill_faq",
    run_id="r",
    verdict="v",
    promoted_at="2026-11-15T08:00:00+00:00",
    simulated=True,
    report_uri="s3://b/r",
)


def state(*runs: Any, **changes: Any) -> UseCaseState:
    entries = list(runs) or [entry(0), entry(1)]
    settings: dict[str, Any] = {
        "name": "faq",
        "description": "Answers",
        "owner": "ml-platform",
        "dag_id": "distill_faq",
        "champion": CHAMPION,
        "nights": nights_of(entries),
        "spent_usd": 15.0,
        "reserved_usd": 0.0,
        "budget_usd": None,
        "waiting": [],
        "billed": [],
        "running": [],
    }
    return UseCaseState(**settings | changes)


def page(*states: UseCaseState, **changes: Any) -> str:
    return html.unescape(overview_page(states, now=NOW, **changes))


def fact(shown: str, text: str) -> str:
    """Return the value of the fact whose text begins with ``text``."""
    found = re.findall(r"<div><dt>(.*?)</dt><dd>(.*?)</dd></div>", shown, flags=re.DOTALL)
    return next(value for name, value in found if name.startswith(text))


def test_a_use_case_shows_champion_verdict_and_cost() -> None:
    shown = page(state())
    assert "tuned is better than base" in shown
    assert "nova-pro: half-win rate 60.0% (50.0–⁠70.0%), 100 questions" in shown
    assert fact(shown, "age of the champion, tuned (nova-lite)") == "12 days"
    assert fact(shown, "last run, 2 Nov 2026") == "$7.50"
    assert fact(shown, "this month, no budget") == "$15.00"


def test_a_budget_is_shown_with_what_is_spent_and_reserved() -> None:
    shown = page(state(spent_usd=7.5, reserved_usd=9.0, budget_usd=20.0))
    text = "of $20.00 this month, and $9.00 reserved"
    assert text in shown
    assert fact(shown, text) == "$7.50"
    assert '<span class="meter much"><span style="width: 82.5%">' in shown


def test_a_share_above_the_budget_fills_the_bar() -> None:
    assert "width: 100%" in page(state(budget_usd=1.0))


def test_what_waits_for_a_person_links_to_the_question() -> None:
    waiting = [Waiting("approve", "run-1", NOW - datetime.timedelta(hours=3), "/dags/distill_faq/x")]
    shown = page(state(waiting=waiting))
    assert '<strong>Waits for a person</strong>, asked 3 hours ago: <a href="/dags/distill_faq/x">approve</a>' in shown
    assert fact(shown, "question waits for a person") == "1"


def test_what_is_billed_by_the_hour_is_listed_with_its_age() -> None:
    endpoints = [
        BilledEndpoint("standing-faq", NOW - datetime.timedelta(days=2), 24.0, is_standing=True),
        BilledEndpoint("run-faq", NOW - datetime.timedelta(hours=1), None, is_standing=False),
    ]
    shown = page(state(billed=endpoints))
    assert fact(shown, "billed per hour now") == "$24.00 or more"
    assert re.search(r"Standing endpoint.*standing-faq.*\$24\.00 per hour, billed for 2 days", shown)
    assert re.search(r"Endpoint of a run.*run-faq.*at a price that is not known, billed for 1 hour", shown)


def test_what_is_not_known_is_not_shown_as_nothing() -> None:
    shown = page(state(billed=None, waiting=None, running=None))
    assert fact(shown, "billed per hour now, because Bedrock did not answer") == "not known"
    assert fact(shown, "billed per hour now") == "not known"
    assert fact(shown, "questions wait for a person") == "not known"
    assert fact(shown, "spent this month") == "$15.00 or more"
    assert fact(shown, "this month, no budget") == "$15.00 or more"


def test_a_standing_endpoint_without_a_known_price_makes_the_month_a_lower_bound() -> None:
    endpoint = BilledEndpoint("standing-faq", NOW, None, is_standing=True)
    shown = page(state(billed=[endpoint]))
    assert fact(shown, "spent this month") == "$15.00 or more"
    assert fact(shown, "this month, no budget") == "$15.00 or more"
    # The hours of a run's own endpoint are in the bill of the run.
    shown = page(state(billed=[BilledEndpoint("run-faq", NOW, None, is_standing=False)]))
    assert fact(shown, "spent this month") == "$15.00"
    assert fact(shown, "this month, no budget") == "$15.00"


def test_a_total_of_which_a_part_is_not_known_is_a_lower_bound() -> None:
    endpoint = BilledEndpoint("standing-faq", NOW, 24.0, is_standing=True)
    shown = page(state(billed=[endpoint]), state(name="other", billed=None))
    assert fact(shown, "billed per hour now") == "$24.00 or more"
    shown = page(state(), state(name="other", is_month_known=False))
    assert fact(shown, "spent this month") == "$15.00 or more"
    assert fact(shown, "billed per hour now") == "$0.00"


def test_a_month_that_is_not_known_has_no_amount_and_no_bar() -> None:
    shown = page(state(budget_usd=20.0, reserved_usd=9.0, is_month_known=False, problems=["2026-11 is damaged"]))
    assert fact(shown, "of $20.00 this month") == "not known"
    assert "reserved" not in shown
    assert 'class="meter' not in shown
    assert '<p class="alarm">2026-11 is damaged</p>' in shown


def test_runs_and_champion_that_are_not_known_are_not_said_to_be_absent() -> None:
    shown = page(state(nights=[], champion=None, is_champion_known=False, problems=["damaged"]))
    assert "No verdict is known" in shown
    assert fact(shown, "champion") == "not known"
    assert fact(shown, "last run") == "not known"


def test_a_failed_run_is_shown_until_the_next_run() -> None:
    assert "The last run failed." in page(state(entry(0), failed(2)))
    assert "The last run failed." not in page(state(failed(2), entry(3)))


def test_a_change_in_the_last_run_is_shown_with_its_date() -> None:
    shown = page(state(entry(0), entry(26, drift=[DRIFT])))
    assert "Changed beyond chance in the last run, 27 Nov 2026:</strong> half-win rate. <a" in shown


@pytest.mark.parametrize(
    ("later", "text"),
    [
        ([entry(24)], "The later run with the same settings shows no change beyond chance."),
        ([entry(24), failed(25), entry(26)], "The 2 later runs with the same settings show no change beyond chance."),
        ([entry(24, settings={"rows": "other"})], "half-win rate. <a"),
        ([failed(25)], "half-win rate. <a"),
    ],
)
def test_a_change_stays_on_the_card_after_later_runs(later: list[Any], text: str) -> None:
    shown = page(state(entry(0), entry(20, drift=[DRIFT]), *later))
    assert "Changed beyond chance on 21 Nov 2026:</strong> half-win rate." in shown
    assert text in shown


@pytest.mark.parametrize(("number", "is_shown"), [(19, False), (20, True)])
def test_a_change_is_shown_for_seven_days(number: int, is_shown: bool) -> None:
    shown = page(state(entry(number, drift=[DRIFT]), entry(26)))  # at 2:00; it is 8:00 on 27 November
    assert ("Changed beyond chance" in shown) is is_shown


def test_the_newest_of_several_changes_is_shown() -> None:
    shown = page(state(entry(21, drift=[DRIFT]), entry(23, drift=[{**DRIFT, "measure": "usd_per_pair"}]), entry(24)))
    assert "Changed beyond chance on 24 Nov 2026:</strong> cost per" in shown
    assert shown.count("Changed beyond chance") == 1


def test_a_failed_run_links_to_its_page() -> None:
    path = "report/distill_faq/scheduled__2026-11-03T02%3A00%3A00%2B00%3A00"
    assert f'outcome and <a href="{path}">its page</a> say why' in page(state(entry(0), failed(2)))


def test_a_run_whose_last_task_never_ran_is_said_to_be_lost() -> None:
    shown = page(state(nights=nights_of([entry(0), begun(1)], alive=[])))
    assert "The last run did not end." in shown


def test_the_verdict_is_the_one_of_the_last_run_that_has_one() -> None:
    shown = page(state(entry(0, claim="the old verdict"), failed(1)))
    assert "the old verdict" in shown
    assert "No run has a verdict yet" in page(state(failed(0)))
    assert "No run yet" in page(state(nights=[], champion=None))


def test_a_run_in_progress_links_to_its_page() -> None:
    assert 'Running now: <a href="report/distill_faq/run%2F1">run/1</a>' in page(state(running=["run/1"]))


def test_the_last_runs_have_marks_that_do_not_need_colors() -> None:
    shown = page(state(entry(0), failed(1), begun(2)))
    marks = re.findall(r'<li class="(\w+)"><a .*?<span aria-hidden="true">(.)</span>', shown)
    assert marks == [("succeeded", "✓"), ("failed", "×"), ("running", "…")]


def test_totals_add_up_all_use_cases() -> None:
    shown = page(state(), state(name="other"))
    assert fact(shown, "use cases") == "2"
    assert fact(shown, "spent this month") == "$30.00"


def test_ids_are_unique_on_a_page_with_several_use_cases() -> None:
    ids = re.findall(r' id="([^"]+)"', page(state(), state(name="other")))
    assert len(ids) == len(set(ids))


def test_problems_are_shown_and_an_empty_page_says_why() -> None:
    assert "payroll cannot be shown" in page(problems=["payroll cannot be shown"])
    assert "You may not read the DAG of any use case" in page()


def test_a_simulated_night_marks_the_page() -> None:
    assert "SIMULATED" in page(state(entry(0, simulated=True)))
    assert "SIMULATED" not in page(state())


def test_no_text_becomes_markup() -> None:
    evil = state(
        evil_entry(EVIL, 25),
        evil_entry(EVIL, 26, state="failed"),
        name=EVIL,
        dag_id=EVIL,
        description=EVIL,
        problems=[EVIL],
        owner=EVIL,
        champion=CHAMPION.model_copy(update={"arm": EVIL}),
        waiting=[Waiting(EVIL, EVIL, NOW, EVIL)],
        billed=[BilledEndpoint(EVIL, NOW, 1.0, is_standing=True)],
        running=[EVIL],
    )
    shown = overview_page([evil], now=NOW, problems=[EVIL])
    assert "<script" not in shown
    assert shown.count("&lt;script&gt;") > 10


def test_a_lone_surrogate_in_any_text_does_not_stop_the_page() -> None:
    odd = "a\ud800b"
    assert "a?b" in page(state(evil_entry(odd, 25), evil_entry(odd, 26, state="failed"), running=[odd]))
