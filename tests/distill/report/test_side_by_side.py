from __future__ import annotations

import re
from typing import Any, cast

import pytest
import yaml

from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.core.record_types import record_fault
from include.distill.report.build import build_report
from include.distill.report.side_by_side import (
    ComparedReport,
    RunSide,
    flat_settings,
    render_sides,
    side_of_live_run,
    side_of_report,
)
from include.distill.report.tables import headline_comparisons
from tests.distill.report.example_live import live_run_record
from tests.distill.report.example_report import inputs
from tests.fakes.variables import VARIABLES

SETTINGS = {"teacher": "claude", "student": "nova-micro", "fan_out.threads": "8"}


def reported(settings: dict[str, str] | None = None, **changes: Any) -> RunSide:
    report = {**build_report(**inputs()), **changes}
    return side_of_report(
        cast("ComparedReport", report), url="/left", settings=SETTINGS if settings is None else settings
    )


def live(settings: dict[str, str] | None = None, **changes: Any) -> RunSide:
    return side_of_live_run(
        live_run_record(**changes), url="/right", settings=SETTINGS if settings is None else settings
    )


def cells(html: str, caption: str) -> dict[str, list[str]]:
    """Return the rows of a table by their labels."""
    (table,) = re.findall(rf'aria-label="{caption}">.*?</table>', html, flags=re.DOTALL)
    rows = re.findall(r'<tr[^>]*><th scope="row">(.*?)</th><td>(.*?)</td><td>(.*?)</td></tr>', table)
    return {label: [left, right] for label, left, right in rows}


def test_the_comparison_reads_only_what_every_report_has() -> None:
    assert record_fault(ComparedReport, {**build_report(**inputs())}) is None


class TestCost:
    def test_the_kinds_add_up_to_the_bill(self) -> None:
        side = reported()
        assert sum(side["by_kind"].values()) == pytest.approx(side["spent_usd"], abs=0.01)

    def test_a_kind_that_only_one_run_paid_for_has_a_dash_for_the_other(self) -> None:
        left, right = live(spent=[{"kind": "teacher", "usd": 1.5}]), live(spent=[{"kind": "endpoints", "usd": 24.0}])
        assert cells(render_sides(left, right), "Cost by kind") == {
            "teacher and critic": ["$1.50", "–"],
            "endpoints": ["–", "$24.00"],
            "in all": ["$1.50", "$24.00"],
            "estimated": ["$3.21", "$3.21"],
        }

    def test_the_critic_of_a_report_is_counted_with_the_teacher_as_in_a_live_run(self) -> None:
        line = {"quantity": 1.0, "unit": "token", "unit_price_usd": 1.0}
        lines = [
            {**line, "what": "synthesis input: claude", "usd": 2.0},
            {**line, "what": "critic input: claude", "usd": 0.5},
        ]
        cost = {"estimated_usd": 1.0, "actual_usd": 2.5, "lines": lines}
        assert reported(cost=cost)["by_kind"] == {"teacher": 2.5}


class TestRuns:
    def test_a_finished_run_is_shown_next_to_one_in_progress(self) -> None:
        left = reported()
        html = render_sides(left, live())
        assert left["verdict"] in html.replace("&#39;", "'")
        assert "No verdict yet." in html
        assert "Running: synthesize" in html
        assert cells(html, "Counts")["pairs requested"][1] == "–"
        assert re.findall(r'<a href="(.*?)"', html) == ["/left", "/right"]

    def test_the_half_win_rate_stands_next_to_the_verdict_as_on_the_overview(self) -> None:
        left = reported()
        pair = headline_comparisons(build_report(**inputs())["comparisons"])
        assert len(left["half_win_rates"]) == len(pair) > 0
        assert left["half_win_rates"][0].startswith(
            f"{pair[0]['judge']}: half-win rate {pair[0]['half_win_rate']:.1%} "
        )
        html = render_sides(left, live())
        assert html.count(": half-win rate ") == len(pair)
        assert "a tie ½ and a loss 0" in html
        assert "half-win rate" not in render_sides(live(), live())

    def test_a_report_without_a_comparison_has_no_half_win_rate(self) -> None:
        assert reported(comparisons=[])["half_win_rates"] == []

    def test_a_simulated_run_in_progress_is_marked(self) -> None:
        mark = '<span class="tag">simulated</span>'
        shown = [render_sides(live(), live(simulated=value)) for value in (True, False)]
        assert [page.count(mark) for page in shown] == [1, 0]
        assert ["a simulator answered in place of AWS in one of these runs" in page for page in shown] == [True, False]

    def test_two_runs_in_progress_have_no_counts(self) -> None:
        assert "<h2>Counts</h2>" not in render_sides(live(), live())

    def test_every_value_is_escaped(self) -> None:
        bad = "<script>x</script>"
        html = render_sides(live({bad: bad}, run_id=bad, use_case=bad), reported({bad: "other"}, verdict=bad))
        assert "<script" not in html
        assert html.count("&lt;script") >= 5


class TestSettings:
    def test_only_those_that_differ_are_shown(self) -> None:
        html = render_sides(reported(), live({**SETTINGS, "student": "nova-lite", "seed": "7"}))
        assert cells(html, "Settings that differ") == {"student": ["nova-micro", "nova-lite"], "seed": ["–", "7"]}

    def test_equal_settings_and_unknown_settings_are_not_the_same(self) -> None:
        assert "Both runs have the same settings." in render_sides(reported(), live())
        html = render_sides(reported(), live({}))
        assert "At least one of the runs has none yet." in html
        assert "Both runs have" not in html

    def test_an_arm_that_is_added_does_not_change_the_names_of_the_others(self) -> None:
        one, two = {"name": "base", "kind": "base"}, {"name": "tuned", "kind": "fine_tuned", "originals": 10}
        both, last = flat_settings({"arms": [one, two]}), flat_settings({"arms": [two]})
        assert both["arms.tuned.kind"] == "fine_tuned"
        assert last.items() <= both.items()

    def test_values_are_written_as_in_the_file_of_the_use_case(self) -> None:
        raw = yaml.safe_load(
            "comparisons:\n- {candidate: tuned, baseline: base}\n- {candidate: few, baseline: base}\n"
            "critic: {enabled: true, limit: null}\n"
            "notify:\n- {'on': [failed, drift], slack: {conn_id: ops, retry: false, note: null}}\n"
            "words: [a, [b, 1]]\nnone: []\n"
        )
        assert flat_settings(raw) == {
            "comparisons": "candidate: tuned, baseline: base; candidate: few, baseline: base",
            "critic.enabled": "true",
            "critic.limit": "–",
            "notify": "on: [failed, drift], slack: {conn_id: ops, retry: false, note: null}",
            "words": "a, [b, 1]",
            "none": "–",
        }

    def test_no_shipped_use_case_has_the_text_of_a_python_object(self) -> None:
        for path in sorted(USE_CASES_FOLDER.glob("*.yaml")):
            raw = yaml.safe_load(yaml.safe_dump(load_use_case(path, environment=VARIABLES).model_dump(mode="json")))
            assert not [text for text in flat_settings(raw).values() if re.search(r"[{\[]'|None|True|False", text)]

    def test_every_setting_of_a_use_case_has_a_text(self) -> None:
        sample = load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment=VARIABLES)
        raw = yaml.safe_load(yaml.safe_dump(sample.model_dump(mode="json")))
        settings = flat_settings(raw)
        assert settings["student"] == sample.student
        assert settings["curation.max_topic_similarity"] == str(sample.curation.max_topic_similarity)
        assert not any("{" in text for name, text in settings.items() if name.startswith("arms"))
