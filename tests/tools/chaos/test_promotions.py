"""Every instant of a promotion is crashed, both when the endpoint is created and when its model is replaced."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.distill.config.loader import load_use_case
from tests.tools.chaos import promoting_report
from tools.chaos import promotions as cases
from tools.chaos.fixtures import write_use_case
from tools.chaos.promotions import CHANGES, KEPT, PATHS, RECORDED, crash, crash_update, promotions

INSTANTS = {
    "before the call",
    "response lost",
    "response not recorded",
    "waiting",
    "done, not reported",
    "in the smoke test",
    "before the record",
    "recorded, not reported",
}


def crashed() -> Iterator[tuple[str, str]]:
    """Yield each combination of instant and recovery that a case covers."""
    for case in promotions():
        for instant in getattr(case.script, "keywords", {}).get("path", ()):
            yield instant.name, case.name.partition(" / ")[2]


def test_every_instant_meets_a_kill_and_a_clear() -> None:
    covered = set(crashed())
    for recovery in ("clear run", "clear task and downstream"):
        assert {instant for instant, other in covered if other == recovery} == INSTANTS
    left_out = {"task retry": {"waiting"}, "worker SIGKILL, two copies": {"waiting", "before the record"}}
    for recovery, instants in left_out.items():
        assert {instant for instant, other in covered if other == recovery} == INSTANTS - instants


def test_whole_airflow_faults_hit_only_the_second_run() -> None:
    scripts = {case.phase: case.script for case in promotions() if case.phase != "together" and case.phase != "alone"}
    assert scripts.keys() == {"scheduler", "database", "triggerer"}
    assert all(script.func is crash_update for script in scripts.values())  # type: ignore[attr-defined]


def test_the_old_champion_is_kept_at_every_instant_before_the_record() -> None:
    before = {instant.name for path in PATHS.values() for instant in path} - {RECORDED.name}
    assert {instant.name for instant in KEPT} >= before - {"response not recorded", "done, not reported"}


def test_the_use_case_is_valid_and_its_run_needs_few_rows(tmp_path: Path) -> None:
    write_use_case(tmp_path, "c01", CHANGES)
    use_case = load_use_case(tmp_path / "c01.yaml")
    assert (use_case.promotion.serve, use_case.promotion.smoke_prompts) == ("on_demand", 2)
    assert yaml.safe_load((tmp_path / "c01.yaml").read_text())["serving"]["deployment_quota"] == 100


def test_the_report_and_the_cases_name_the_same_object() -> None:
    assert cases.NO_WINNER == promoting_report.NO_WINNER


class Recorder:
    """A trial that records what a script does with it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.endpoint_arn = "arn"

    def __getattr__(self, name: str) -> Any:
        def record(*arguments: Any, **keywords: Any) -> Any:
            self.done.append(" ".join([name, *map(str, arguments), *map(str, keywords.values())]))
            return {"finish": "success", "fired": 0}.get(name)

        return record


def test_both_runs_are_crashed_with_rows_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    trial, expected = Recorder(), []
    monkeypatch.setattr(cases, "write_model_rows", lambda trial, model: trial.rows_of(model))
    monkeypatch.setattr(cases, "expect_standing", lambda trial, **counts: expected.append(counts))
    crash(trial, path=PATHS["response lost"], recover=lambda trial, task: trial.recover(task))  # type: ignore[arg-type]
    steps = [done for done in trial.done if done.startswith(("rows_of", "start_run", "recover", "finish"))]
    recoveries = [f"recover {task}" for task in ("switch", "switch", "smoke", "promote")]
    assert steps == [
        f"rows_of {1}",
        "start_run 1",
        *recoveries,
        "finish",
        "rows_of 2",
        "start_run 2",
        *recoveries,
        "finish",
    ]
    assert expected == [{"jobs": 2, "champion": 2}]
