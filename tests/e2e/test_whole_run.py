"""Run the whole pipeline twice through a real Airflow and the AWS simulator: the second run pays nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
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


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Two runs on one simulated account, and its ledger afterwards."""
    state = tmp_path_factory.mktemp("two_runs")
    runs, reports, asked = [], [], []
    for _ in range(2):
        runs.append(make_run(state, DOCUMENTS="6", EVALUATION="4"))
        assert runs[-1].returncode == 0, runs[-1].stdout + runs[-1].stderr
        reports.append(json.loads((state / "report" / "report.json").read_text()))
        asked += json.loads((state / "access.json").read_text())
    with start_simulator(state / "aws_simulator") as simulator:
        ledger = simulator.ledger
    return {"runs": runs, "reports": reports, "ledger": ledger, "asked": asked, "state": state}


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


def test_a_failing_run_names_the_task_its_error_and_its_log(tmp_path: Path) -> None:
    csv = tmp_path / "rows.csv"
    csv.write_text("doc;question;answer\na;b;c\n")
    run = make_run(tmp_path / "state", CSV=str(csv))
    assert run.returncode == 1
    assert "semicolon" in run.stdout
    log = next(word for word in run.stdout.split() if word.endswith(".log") and "preflight" in word)
    assert Path(log).is_file()
