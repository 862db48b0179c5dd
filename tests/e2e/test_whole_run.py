"""Run the whole pipeline twice through a real Airflow and the AWS simulator: the second run pays nothing."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from include.distill.core.paths import PROJECT_ROOT
from include.distill.report.schema import check_report
from tests.fakes.aws_simulator import start_simulator

pytestmark = pytest.mark.e2e


def make_run(state: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.local_airflow", "--state", str(state), "run"],
        cwd=PROJECT_ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


def lineage_to(events: Path) -> dict[str, str]:
    """Return the variables with which Airflow writes OpenLineage's events to a file."""
    settings = {"TYPE": "file", "LOG_FILE_PATH": str(events), "APPEND": "true"}
    return {f"OPENLINEAGE__TRANSPORT__{name}": value for name, value in settings.items()}


def asset_events(state: Path) -> dict[str, dict[str, Any]]:
    """Return the data of the last run's asset events by the name of the asset."""
    query = "SELECT asset.name, event.extra FROM asset_event AS event JOIN asset ON asset.id = event.asset_id"
    with closing(sqlite3.connect(state / "airflow" / "airflow.db")) as database:
        return {name: json.loads(extra) for name, extra in database.execute(query)}


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Two runs on one simulated account, and its ledger afterwards."""
    state = tmp_path_factory.mktemp("two_runs")
    runs, reports, asked, lineage, announced = [], [], [], [], []
    for number in range(2):
        events = state / f"lineage-{number}.jsonl"
        runs.append(make_run(state, DOCUMENTS="6", EVALUATION="4", **lineage_to(events)))
        assert runs[-1].returncode == 0, runs[-1].stdout + runs[-1].stderr
        reports.append(json.loads((state / "report" / "report.json").read_text()))
        asked += json.loads((state / "access.json").read_text())
        lineage.append([json.loads(line) for line in events.read_text().splitlines()])
        announced.append(asset_events(state))
    with start_simulator(state / "aws_simulator") as simulator:
        ledger = simulator.ledger
    return {
        "runs": runs,
        "reports": reports,
        "ledger": ledger,
        "asked": asked,
        "state": state,
        "lineage": lineage,
        "announced": announced,
    }


def test_the_report_follows_its_schema_and_its_counts_add_up(two_runs: dict[str, Any]) -> None:
    report = check_report(two_runs["reports"][0])
    source = report["source"]
    assert [source[key] for key in ("rows", "accepted", "rejected", "train", "evaluation")] == [10, 10, 0, 6, 4]
    assert (source["reasons"], source["changes"]["since"]) == ({}, None)
    assert report["synthesis"]["requested"] == 18
    assert report["simulated"] is True
    base, tuned = report["arms"]
    assert (base["name"], base["job_arn"], base["released"]) == ("base", None, True)
    assert (tuned["job_status"], tuned["released"]) == ("Completed", True)
    assert tuned["records"] == 6 + report["synthesis"]["accepted"]
    assert [c["n"] for c in report["comparisons"]] == [4, 4]
    assert len({c["judge"] for c in report["comparisons"]}) == 2


def test_one_job_and_no_throughput_was_bought_and_no_deployment_is_left(two_runs: dict[str, Any]) -> None:
    ledger = two_runs["ledger"]
    assert len(ledger["jobs"]) == 1
    assert ledger["throughputs"] == []
    assert [deployment["alive"] for deployment in ledger["deployments"]] == [False]


def test_the_policies_of_the_template_allow_everything_that_the_runs_asked_for(two_runs: dict[str, Any]) -> None:
    asked = two_runs["asked"]
    assert [entry for entry in asked if not entry["allowed"]] == []
    # Only the command itself acts as the owner of the account.
    callers = {entry["caller"].rpartition("/")[2] for entry in asked} - {"arn:aws:iam::123456789012:root"}
    assert callers == {"distill-run", "distill-promotion"}
    actions = {entry["action"] for entry in asked}
    assert {
        "bedrock:CreateModelCustomizationJob",
        "bedrock:CreateCustomModelDeployment",
        "bedrock:DeleteCustomModelDeployment",
        "bedrock:InvokeModel",
        "iam:PassRole",
        "s3:PutObject",
    } <= actions


def test_every_answer_was_billed_once(two_runs: dict[str, Any]) -> None:
    first = two_runs["reports"][0]["synthesis"]
    # 4 rows, 2 arms; 4 rows, 2 orders, 2 judges.
    assert two_runs["ledger"]["billed_calls"] == first["calls"] + 4 * 2 + 4 * 2 * 2


def test_the_estimate_is_near_the_bill(two_runs: dict[str, Any]) -> None:
    cost = two_runs["reports"][0]["cost"]
    assert cost["estimated_usd"] < 5
    assert cost["actual_usd"] == pytest.approx(cost["estimated_usd"], rel=0.25)


def test_the_second_run_pays_nothing_and_comes_to_the_same_result(two_runs: dict[str, Any]) -> None:
    first, second = two_runs["reports"]
    assert first["cost"]["actual_usd"] > 0
    assert second["cost"]["actual_usd"] == 0
    assert second["synthesis"]["calls"] == 0
    assert second["comparisons"] == first["comparisons"]
    changes = second["source"]["changes"]
    assert (changes["added"], changes["changed"], changes["gone"]) == (0, 0, 0)
    assert second["arms"][1]["job_arn"] == first["arms"][1]["job_arn"]


def test_the_page_says_simulated_and_the_console_shows_verdict_bill_and_report(
    two_runs: dict[str, Any],
) -> None:
    assert "SIMULATED" in (two_runs["state"] / "report" / "report.html").read_text()
    out = two_runs["runs"][0].stdout
    for expected in ("SIMULATED", two_runs["reports"][0]["verdict"], "Bill: $", "report.html", "still existing"):
        assert expected in out


class TestLineage:
    def test_openlineage_follows_the_csv_to_the_report(self, two_runs: dict[str, Any]) -> None:
        """The events are in the order in which the tasks ended, so one pass over them is enough."""
        reached = {"include/data/aws_docs_qa/train.csv"}
        for event in two_runs["lineage"][0]:
            if reached & {given["name"] for given in event["inputs"]}:
                reached |= {made["name"] for made in event["outputs"]}
        folder = f"distill/runs/aws_docs_qa/{two_runs['reports'][0]['run_key']}"
        assert reached >= {
            f"{folder}/{name}"
            for name in ("source/train.jsonl", "synthetic/accepted", "merged/tuned/train.jsonl", "answers/tuned")
        } | {f"{folder}/report/report.json"}
        for part in ("distill/datasets/", "model-customization-job/", "custom-model/", "custom-model-deployment/"):
            assert [name for name in reached if name.startswith(part)], part

    def test_every_task_that_started_ended_and_every_event_names_its_run(self, two_runs: dict[str, Any]) -> None:
        for events, report in zip(two_runs["lineage"], two_runs["reports"], strict=True):
            by_kind = {
                kind: {(one["job"]["name"], one["run"]["runId"]) for one in events if one["eventType"] == kind}
                for kind in ("START", "COMPLETE")
            }
            assert len(by_kind["COMPLETE"]) > 20
            # Airflow may repeat an attempt that deferred for less than a second, and each attempt has an id of its own.
            # The command ends Airflow as soon as the run has ended, perhaps before Airflow has sent its last events.
            unfinished = {name for name, _ in by_kind["START"]} - {name for name, _ in by_kind["COMPLETE"]}
            assert unfinished <= {"distill_aws_docs_qa", "distill_aws_docs_qa.outcome"}
            facts = [one["run"]["facets"]["bedrock_distill"] for one in events if one["inputs"]]
            assert {fact["run_key"] for fact in facts} == {report["run_key"]}

    def test_openlineage_gets_no_text_of_rows_and_answers(self, two_runs: dict[str, Any]) -> None:
        sent = json.dumps(two_runs["lineage"], ensure_ascii=False)
        disagreements = [*two_runs["reports"][0]["disagreements"], *two_runs["reports"][0]["pair_sample"]]
        texts = {one[key] for one in disagreements for key in ("question", "answer") if key in one}
        assert texts
        assert [text for text in texts if text in sent] == []

    def test_assets_get_events_only_for_what_is_new(self, two_runs: dict[str, Any]) -> None:
        first, second = two_runs["announced"]
        made = {f"distill_{kind}_aws_docs_qa" for kind in ("dataset", "model", "report")}
        assert (first.keys(), second.keys()) == (made, {"distill_report_aws_docs_qa"})
        model = first["distill_model_aws_docs_qa"]
        assert model["simulated"] is True
        assert model["job_arn"] == two_runs["reports"][0]["arms"][1]["job_arn"]


def test_a_failing_run_names_the_task_its_error_and_its_log(tmp_path: Path) -> None:
    csv = tmp_path / "rows.csv"
    csv.write_text("doc;question;answer\na;b;c\n")
    run = make_run(tmp_path / "state", CSV=str(csv))
    assert run.returncode == 1
    assert "semicolon" in run.stdout
    log = next(word for word in run.stdout.split() if word.endswith(".log") and "preflight" in word)
    assert Path(log).is_file()
