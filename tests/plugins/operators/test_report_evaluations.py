"""Test that the report has the scores of evaluation jobs, and that a run loses no report because of them."""

from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.hooks.evaluations import EvaluationJob
from bedrock_distill.operators.report import RenderReportOperator
from include.distill.config.use_case import UseCase
from include.distill.core.storage import read_json, read_jsonl
from include.distill.cost.bought_jobs import BoughtJobs
from include.distill.cost.evaluation_lines import token_lines
from include.distill.cost.prices import load_prices
from tests.distill.report.example_scores import SETTINGS, score_records, stored_scores
from tests.fakes.fake_bedrock import CREATED
from tests.fakes.fake_evaluation_jobs import FakeEvaluationJobs
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, freeze
from tests.plugins.operators import test_report

new_run = test_report.new_run
SCORES = {
    "Builtin.Correctness": [1, 0.5, 0.25, None],
    "Builtin.Refusal": [0, 0, 0, 0],
    "grounded": [5, 4, 3, 2],
}


@pytest.fixture
def scored_run(new_run: Any, store: MemoryStore, use_case: UseCase) -> Any:
    """A run with evaluation jobs, and a function that returns the result of ``collect`` for an arm."""
    freeze(store, use_case, evaluations=SETTINGS)
    rows = [row["row_id"] for row in read_jsonl(store, FOLDER.source("evaluation"), dict)]

    def collected(arm: str) -> Any:
        records = score_records(arm, SCORES)
        return stored_scores(store, [{**one, "row_id": rows[int(one["row_id"][3:])]} for one in records])

    return new_run(), collected


def reports(run: Any, arguments: Any) -> tuple[Any, str]:
    manifest = run.run(RenderReportOperator, "report", **arguments)
    page = run.store.read(manifest["report_html_uri"]).decode()
    return read_json(run.store, manifest["report_json_uri"], dict), page


def test_the_report_has_the_scores_of_all_jobs(scored_run: Any) -> None:
    run, collected = scored_run
    arguments = run.until_report()
    report, page = reports(run, {**arguments, "scores": [collected("base"), collected("tuned")]})
    evaluations = report["evaluations"]
    assert report["missing_parts"] == []
    assert (evaluations["questions"], evaluations["evaluation_rows"]) == (4, 4)
    assert [(entry["arm"], entry["metric"], entry["n"]) for entry in evaluations["scores"]][:2] == [
        ("base", "Builtin.Correctness", 3),
        ("tuned", "Builtin.Correctness", 3),
    ]
    assert [(entry["candidate"], entry["baseline"]) for entry in evaluations["differences"]] == [("tuned", "base")] * 3
    assert {item["answer"] for item in evaluations["worst"]}
    assert "Scores from Bedrock evaluation jobs" in page


def test_scores_change_neither_the_verdict_nor_the_promotion(scored_run: Any) -> None:
    run, collected = scored_run
    arguments = run.until_report()
    without, _ = reports(run, {**arguments, "scores": []})
    scored, _ = reports(run, {**arguments, "scores": [collected("base"), collected("tuned")]})
    other = {"evaluations", "missing_parts", "finished_at"}
    assert {key: value for key, value in scored.items() if key not in other} == {
        key: value for key, value in without.items() if key not in other
    }


def test_the_bill_has_the_jobs_that_the_run_bought_marked_as_estimated(scored_run: Any) -> None:
    run, collected = scored_run
    bought = {"bought": True, "input_tokens": 1_000_000, "output_tokens": 1000}
    scores = [{**collected("base"), **bought, "bought": False}, {**collected("tuned"), **bought}]
    report, _ = reports(run, {**run.until_report(), "scores": scores})
    lines = {line["what"]: line for line in report["cost"]["lines"] if line["what"].startswith("scores ")}
    assert {what: line["quantity"] for what, line in lines.items()} == {
        "scores tuned (estimated): nova-pro input": 1_000_000,
        "scores tuned (estimated): nova-pro output": 1000,
        "scores base (estimated): nova-pro input": 0,  # of an earlier run
        "scores base (estimated): nova-pro output": 0,
    }
    assert all(line["estimated_usd"] > 0 for line in lines.values())


def test_the_bill_has_the_jobs_that_were_stopped_or_whose_scores_could_not_be_read(
    scored_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, collected = scored_run
    jobs = FakeEvaluationJobs(run.store, run.bedrock)
    monkeypatch.setattr("bedrock_distill.lifecycle.bought_jobs.EvaluationJobs", lambda hook: jobs)
    for number, (name, status) in enumerate({"job": "Stopped", "job-a2": "Completed", "other": "Completed"}.items()):
        jobs.jobs[name] = EvaluationJob(name, f"arn:{name}", status, CREATED, "r", "d", "o")
        run.bedrock.tags_of[f"arn:{name}"] = {"run-key": FOLDER.run_key}
        lines = token_lines(load_prices(), "tuned", "nova-pro", 1_000_000 + number, 10)
        BoughtJobs(run.store, FOLDER).add("evaluation", name, lines)
    scores = {"bought": True, "job_name": "job-a2", "input_tokens": 1_000_001, "output_tokens": 10}
    report, _ = reports(run, {**run.until_report(), "scores": [{**collected("tuned"), **scores}]})
    quantities = {line["what"]: line["quantity"] for line in report["cost"]["lines"]}
    assert quantities["scores tuned without results (at most): nova-pro input"] == 1_000_000
    assert quantities["scores tuned (estimated): nova-pro input"] == 1_000_001 + 1_000_002


def test_a_use_case_without_evaluation_jobs_has_no_scores(new_run: Any) -> None:
    run = new_run()
    report, page = reports(run, run.until_report())
    assert "evaluations" not in report
    assert report["missing_parts"] == []
    assert "evaluation jobs" not in page


def test_a_job_without_a_result_is_named(scored_run: Any) -> None:
    run, collected = scored_run
    report, page = reports(run, {**run.until_report(), "scores": [collected("tuned")]})
    (note,) = report["missing_parts"]
    assert "the scores that nova-pro gave to the answers of base" in note
    assert note in page
    assert {entry["arm"] for entry in report["evaluations"]["scores"]} == {"tuned"}


@pytest.mark.parametrize("body", [None, b"\xff\xfe\x00{", b"[1, 2]\n", b"{}\n", b""])
def test_scores_that_cannot_be_read_do_not_cost_the_report(scored_run: Any, body: bytes | None) -> None:
    run, collected = scored_run
    arguments = {**run.until_report(), "scores": [collected("base"), collected("tuned")]}
    intact, _ = reports(run, arguments)
    uri = arguments["scores"][1]["scores_uri"]
    run.store.delete(uri)
    if body is not None:
        run.store.write(uri, body)
    report, _ = reports(run, arguments)
    assert "evaluations" not in report
    assert (report["verdict"], report["comparisons"]) == (intact["verdict"], intact["comparisons"])
    (note,) = report["missing_parts"]
    assert note.startswith("The report does not contain the scores from evaluation jobs: ")


def test_a_run_whose_results_airflow_deleted_has_a_report_with_its_bill(scored_run: Any) -> None:
    run, _ = scored_run
    report, _ = reports(run, {**run.until_report(), "scores": None})
    assert len(report["missing_parts"]) == 2
    assert all("have no result" in note for note in report["missing_parts"])
    assert report["cost"]["actual_usd"] > 0


def test_a_result_of_another_version_does_not_cost_the_report(scored_run: Any) -> None:
    run, collected = scored_run
    incomplete = {key: value for key, value in collected("tuned").items() if key != "questions"}
    report, _ = reports(run, {**run.until_report(), "scores": [incomplete]})
    assert "evaluations" not in report
    assert "has no 'questions'" in report["missing_parts"][-1]
