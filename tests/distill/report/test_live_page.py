from __future__ import annotations

import re

import pytest

from include.distill.report.live_page import headline, render_live_page
from tests.distill.report.example_live import live_progress, live_run_record, live_step


def lines(html: str) -> list[str]:
    """Return the text of each line in the list of steps."""
    items = re.findall(r"<li class=.*?</li>", html, flags=re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", item).split()) for item in items]


class TestHeadline:
    @pytest.mark.parametrize(
        ("states", "text"),
        [
            ({"a": "done", "b": "running", "c": "pending"}, "Running: b"),
            ({"a": "running", "b": "running", "c": "waiting"}, "Running: a and 1 other"),
            ({"tuned.trained": "waiting", "report": "pending"}, "Waiting: tuned.trained"),
            ({"approve_spending": "asking", "b": "running"}, "Waits for a person: approve_spending"),
            ({"a": "retrying"}, "Waits for the next attempt: a"),
            ({"a": "done", "b": "pending"}, "Between two tasks"),
            ({"a": "failed", "b": "running"}, "a failed"),
            ({"a": "failed", "b": "blocked", "outcome": "failed"}, "a failed"),
            ({"outcome": "failed"}, "outcome failed"),
        ],
    )
    def test_it_says_what_the_run_does(self, states: dict[str, str], text: str) -> None:
        assert headline(live_run_record(steps=[live_step(name, state) for name, state in states.items()])) == text

    def test_a_run_that_has_not_started_says_so(self) -> None:
        assert headline(live_run_record(state="queued", steps=[live_step("preflight")])) == "About to start"

    def test_a_run_that_ended_without_a_failure_has_no_report(self) -> None:
        run = live_run_record(state="success", refreshes=False, steps=[live_step("preflight", "done")])
        assert headline(run) == "This run has ended without a report"


class TestSteps:
    def test_a_step_has_its_rows_calls_dollars_and_the_time_left(self) -> None:
        html = render_live_page(live_run_record(steps=[live_step("synthesize", "running", progress=live_progress())]))
        (line,) = lines(html)
        assert line == (
            "running synthesize 58 of 160 rows · 40 calls · 18 answers from the store · $0.12 · about 4 min left"
            " · for 5 s"
        )
        assert 'aria-label="36 % done"' in html

    def test_a_mapped_step_counts_its_tasks(self) -> None:
        html = render_live_page(live_run_record(steps=[live_step("synthesize", "running", instances=4, ended=1)]))
        assert lines(html) == ["running synthesize 1 of 4 tasks done · for 5 s"]
        assert 'aria-label="25 % done"' in html

    def test_the_rows_of_a_step_are_shown_before_its_first_progress(self) -> None:
        steps = [live_step("synthesize", "running", instances=4, ended=0, known_rows=24)]
        assert lines(render_live_page(live_run_record(steps=steps))) == [
            "running synthesize 0 of 4 tasks done · 24 rows · for 5 s"
        ]

    def test_a_record_that_nobody_replaces_is_old(self) -> None:
        step = live_step("synthesize", "running", progress=live_progress(seconds_old=400.0))
        html = render_live_page(live_run_record(steps=[step]))
        assert "no news for 6 min" in html
        assert "left" not in lines(html)[0]
        assert "<dt>left in the running step</dt><dd>–</dd>" in html
        ended = live_step("synthesize", "done", progress=live_progress(seconds_old=400.0))
        html = render_live_page(live_run_record(steps=[ended]))
        assert "no news" not in html
        assert "left" not in lines(html)[0]

    def test_tasks_that_have_not_started_are_named_in_place_of_missing_news(self) -> None:
        progress = live_progress(rows=20, rows_done=10, seconds_old=240.0, is_working=False)
        html = render_live_page(live_run_record(steps=[live_step("base.answer", "starting", progress=progress)]))
        assert "10 of 20 rows" in lines(html)[0]
        assert "2 tasks not started" in lines(html)[0]
        assert not re.search("no news|left", lines(html)[0])

    def test_rows_that_are_not_known_exactly_say_so(self) -> None:
        step = live_step("synthesize", "running", progress=live_progress(are_rows_estimated=True))
        assert "58 of about 160 rows" in lines(render_live_page(live_run_record(steps=[step])))[0]

    def test_steps_that_have_not_started_share_a_line(self) -> None:
        steps = [live_step("a", "done"), *(live_step(name) for name in "bcd"), live_step("e", "skipped")]
        assert lines(render_live_page(live_run_record(steps=steps))) == [
            "done a took 5 s",
            "not started b , c , d 3 tasks",
            "skipped e",
        ]


class TestMoney:
    def test_the_sum_is_compared_with_the_estimate_and_the_cap(self) -> None:
        spent = [{"kind": "endpoints", "usd": 1.5}, {"kind": "teacher", "usd": 1.0}]
        html = render_live_page(live_run_record(spent=spent, estimated_usd=3.21, cap_usd=5.0))
        assert "<dd>$2.50</dd>" in html
        assert "of $3.21 estimated" in html
        assert "50 % of the spend cap is spent" in html
        assert "teacher and critic" in html

    def test_before_the_estimate_there_is_none(self) -> None:
        html = render_live_page(live_run_record(spent=[], estimated_usd=None, cap_usd=None))
        assert "estimated" not in html
        assert "of the spend cap is spent" not in html

    def test_what_is_billed_now_is_shown(self) -> None:
        assert "at $24.00 per hour" in render_live_page(live_run_record(billing="The endpoint at $24.00 per hour."))
        assert "Only the calls that models answer." in render_live_page(live_run_record(billing=""))
        ended = render_live_page(live_run_record(billing="", refreshes=False))
        assert '<p class="billing">Nothing.</p>' in ended


class TestPage:
    def test_it_loads_itself_again_only_while_the_run_is_in_progress(self) -> None:
        assert '<meta http-equiv="refresh" content="10">' in render_live_page(live_run_record())
        assert "refresh" not in render_live_page(live_run_record(refreshes=False))

    def test_a_simulated_run_is_marked(self) -> None:
        html = render_live_page(live_run_record(simulated=True))
        assert "<title>SIMULATED · " in html
        assert 'role="note">SIMULATED: ' in html
        assert "SIMULATED" not in render_live_page(live_run_record())

    def test_every_value_is_escaped(self) -> None:
        bad = '"><script>x</script>'
        run = live_run_record(
            run_id=bad, use_case=bad, billing=bad, to_do=bad, problems=[bad], steps=[live_step(bad, "running", url=bad)]
        )
        html = render_live_page(run)
        assert "<script" not in html
        assert html.count("&lt;script") >= 6

    def test_it_has_no_script_and_loads_nothing(self) -> None:
        html = render_live_page(live_run_record())
        assert not re.search(r"<script|src=|@import|url\(", html)

    def test_what_to_do_about_a_failure_comes_before_the_steps(self) -> None:
        html = render_live_page(live_run_record(to_do="Clear tuned.answer with downstream."))
        assert html.index("Clear tuned.answer with downstream.") < html.index("<ol")
