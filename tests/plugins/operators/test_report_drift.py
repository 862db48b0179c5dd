"""Test that the report names what differs from the nights before, and that it is written without it if need be."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from bedrock_distill.operators.report import RenderReportOperator
from include.distill.config.run_record import RunIdentity, claim_run_folder
from include.distill.core.storage import read_json, write_json
from include.distill.history.months import read_history
from include.distill.history.records import HistoryEntry, HistoryMonth
from tests.fakes.dialogue import say
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI
from tests.plugins.operators.test_report import PipelineRun

HISTORY = f"{FOLDER.root}/history/aws_docs_qa/"


@pytest.fixture
def pipeline(equip: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any) -> PipelineRun:
    bedrock.say = say
    claim_run_folder(store, FOLDER, RunIdentity("test", "d", "r"), use_case="aws_docs_qa")
    return PipelineRun(RUN_URI, equip, bedrock, store, context)


def nights_like(run: HistoryEntry, number: int = 10, **changes: Any) -> list[HistoryEntry]:
    """Return earlier nights with the figures of a run, with ``changes``."""
    started = datetime.datetime.fromisoformat(run["started_at"])
    nights: list[Any] = [
        {
            **run,
            **changes,
            "run_key": f"night-{day}",
            "state": "succeeded",
            "started_at": (started - datetime.timedelta(days=day)).isoformat(),
        }
        for day in range(1, number + 1)
    ]
    return nights


def report_again(pipeline: PipelineRun, arguments: dict[str, Any]) -> tuple[Any, Any, str]:
    """Clear `report`, and return its result, report.json and the page."""
    manifest = pipeline.run(RenderReportOperator, "report", **arguments)
    page = pipeline.store.read(manifest["report_html_uri"]).decode()
    return manifest, read_json(pipeline.store, manifest["report_json_uri"], dict), page


def own_record(store: MemoryStore) -> HistoryEntry:
    [run] = [run for run in read_history(store, FOLDER.root, "aws_docs_qa") if run["run_key"] == FOLDER.run_key]
    return run


def with_nights(store: MemoryStore, **changes: Any) -> None:
    run = own_record(store)
    uri = f"{HISTORY}{run['started_at'][:7]}.json"
    write_json(store, uri, HistoryMonth(runs=[*nights_like(run, **changes), run]))


def test_the_first_night_has_no_change_and_what_the_next_nights_need(pipeline: PipelineRun, store: MemoryStore) -> None:
    manifest, report = pipeline.report()
    run = own_record(store)
    assert report["drift"] == run["drift"] == manifest["drift"] == []
    assert (run["new_pairs"]["documents"], run["new_pairs"]["requested"]) == (10, 30)
    assert run["new_pairs"]["usd"] == pytest.approx(run["spent_by_kind"]["teacher"], abs=1e-4)
    assert {"teacher", "rows", "prompts"} <= set(run["settings"])
    assert "compared_champion" not in run


def test_a_change_is_in_the_report_on_its_page_in_the_record_and_in_the_result(
    pipeline: PipelineRun, store: MemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = pipeline.until_report()
    pipeline.run(RenderReportOperator, "report", **arguments)
    cheap: Any = {**own_record(store)["new_pairs"], "usd": own_record(store)["new_pairs"]["usd"] / 4}
    with_nights(store, new_pairs=cheap)
    manifest, report, page = report_again(pipeline, arguments)
    [change] = report["drift"]
    assert (change["measure"], change["runs"]) == ("usd_per_pair", 10)
    assert change["value"] == pytest.approx(4 * change["expected"])
    assert own_record(store)["drift"] == manifest["drift"] == report["drift"]
    assert "What has changed since the nights before" in page
    assert "cost per new pair" in capsys.readouterr().out


def test_nights_like_the_ones_before_have_no_change(pipeline: PipelineRun, store: MemoryStore) -> None:
    arguments = pipeline.until_report()
    pipeline.run(RenderReportOperator, "report", **arguments)
    with_nights(store)
    _, report, page = report_again(pipeline, arguments)
    assert report["drift"] == []
    assert "What has changed since the nights before" not in page


def test_nights_of_other_settings_are_not_compared(pipeline: PipelineRun, store: MemoryStore) -> None:
    arguments = pipeline.until_report()
    pipeline.run(RenderReportOperator, "report", **arguments)
    run = own_record(store)
    cheap: Any = {**run["new_pairs"], "usd": run["new_pairs"]["usd"] / 4}
    with_nights(store, new_pairs=cheap, settings={**run["settings"], "teacher": "another"})
    assert report_again(pipeline, arguments)[1]["drift"] == []


def test_a_history_that_cannot_be_read_costs_neither_the_report_nor_the_record_of_other_runs(
    pipeline: PipelineRun, store: MemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = pipeline.until_report()
    broken = b"no JSON"
    store.write(f"{HISTORY}2026-10.json", broken)
    manifest, report, _ = report_again(pipeline, arguments)
    assert "drift" not in report
    assert "drift" not in manifest
    assert report["verdict"]
    assert any("the comparison with the nights before" in note for note in report["missing_parts"])
    assert "the comparison with the nights before" in capsys.readouterr().out
    assert store.read(f"{HISTORY}2026-10.json") == broken
