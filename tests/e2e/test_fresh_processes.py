"""No task depends on the local disk or the environment of another task: each one runs in a process of its own."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dags.distill import distill_dag
from include.distill.core.paths import PROJECT_ROOT
from tests.e2e.fresh_processes import SETTINGS_VARIABLE, FreshProcess
from tests.fakes.notified_project import NotifiedProject, write_notified_project
from tests.fakes.receivers import Mailbox, WebHook, mail_server, web_server
from tests.plugins.task_groups.conftest import sample

PLACES = ("PWD", "HOME", "TMPDIR", "AIRFLOW_HOME")
LOOK = """
import json, os, sys
places = {name: os.environ[name] for name in ("HOME", "TMPDIR", "AIRFLOW_HOME")} | {"PWD": os.getcwd()}
found = {name: os.listdir(place) for name, place in places.items()}
for place in places.values():
    with open(os.path.join(place, "left_behind"), "w"):
        pass
print(json.dumps({"found": found, "environment": dict(os.environ)}))
"""


def look(folder: Path, environ: dict[str, str]) -> dict[str, Any]:
    """Run a process that reports its folders and its environment, and then leaves a file in each folder."""
    output = folder / f"{time.monotonic_ns()}.txt"
    process = FreshProcess([sys.executable, "-c", LOOK], environ, output)
    try:
        while (code := process.ended()) is None:
            time.sleep(0.02)
    finally:
        process.stop()
    assert code == 0, output.read_text()
    assert not process.folder.exists()
    seen: dict[str, Any] = json.loads(output.read_text())
    return seen


def test_a_process_finds_nothing_of_an_earlier_process(tmp_path: Path) -> None:
    for _ in range(2):
        assert look(tmp_path, dict(os.environ))["found"] == {place: [] for place in PLACES}


def test_a_process_gets_only_the_declared_environment(tmp_path: Path) -> None:
    given = {
        "DISTILL_ENVIRONMENT": "test",
        "AIRFLOW_CONN_AWS_DEFAULT": "aws://",
        "AIRFLOW__CORE__DAGS_FOLDER": "/dags",
        "AIRFLOW__CORE__FERNET_KEY": "secret",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "sqlite:///x",
        "SOMETHING_ELSE": "x",
    }
    seen = look(tmp_path, {**os.environ, **given})["environment"]
    assert seen.keys() & given.keys() == {
        "DISTILL_ENVIRONMENT",
        "AIRFLOW_CONN_AWS_DEFAULT",
        "AIRFLOW__CORE__DAGS_FOLDER",
    }


@dataclass(frozen=True)
class WholeRun:
    """A run of the sample that has ended, and what the servers on loopback received from it and from ``nightly``."""

    process: subprocess.CompletedProcess[str]
    state: Path
    project: NotifiedProject
    mailbox: Mailbox
    slack: WebHook


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeRun]:
    folder = tmp_path_factory.mktemp("fresh")
    project = write_notified_project(folder, datetime.datetime.now(datetime.UTC))
    with mail_server() as mailbox, web_server() as slack:
        settings = {SETTINGS_VARIABLE: json.dumps(project.variables(mailbox, slack))}
        rows = {"DOCUMENTS": "3", "EVALUATION": "2", "USE_CASE": "", "CSV": "", "APPROVE": ""}
        process = subprocess.run(
            [sys.executable, "-m", "tests.e2e.fresh_processes", str(folder / "state"), str(project.folder)],
            cwd=PROJECT_ROOT,
            env={**os.environ, **rows, **settings},
            capture_output=True,
            text=True,
            timeout=800,
            check=False,
        )
        yield WholeRun(process, folder / "state", project, mailbox, slack)


@pytest.mark.e2e
def test_every_task_of_a_run_succeeds_in_a_fresh_process(run: WholeRun) -> None:
    assert run.process.returncode == 0, run.process.stdout + run.process.stderr
    outputs = (run.state / "fresh_processes" / sample().dag_id).glob("*.txt")
    started = {path.name.rsplit(".", 3)[0] for path in outputs}
    # Airflow itself ends a task that does no work, so no executor sees it.
    assert started == {task.task_id for task in distill_dag(sample()).tasks if task.task_type != "EmptyOperator"}
    report = json.loads((run.state / "report" / "report.json").read_text())
    assert len(report["comparisons"]) == 2


@pytest.mark.e2e
def test_people_are_notified_by_e_mail_and_in_slack(run: WholeRun) -> None:
    """The scheduler computes the deadline of ``nightly``, the triggerer reports it, and workers report the rest."""
    expected = [
        f"[local] SIMULATED nightly: not ready by {run.project.ready_by}",
        "[local] SIMULATED nightly: the run failed",
        "[local] SIMULATED aws_docs_qa: approve_spending waits for an answer",
        "[local] SIMULATED aws_docs_qa: the report is ready",
    ]
    posts = {body["text"]: json.dumps(body["blocks"]) for body in run.slack.bodies}
    mails = {str(mail["Subject"]): mail for mail in run.mailbox.mails}
    assert (sorted(posts), len(run.slack.bodies)) == (sorted(expected), 4)
    assert (sorted(mails), len(run.mailbox.mails)) == (sorted(expected), 4)
    late, failed, asked, ready = (posts[title] for title in expected)
    assert f"the run has not succeeded by {run.project.ready_by} (UTC)" in late
    assert "Where: run scheduled__" in late
    assert "/tasks/preflight|Failed task preflight>" in failed
    assert "clear preflight with downstream" in failed
    assert "What is billed now: " in failed
    assert "/tasks/approve_spending/required_actions|Answer>" in asked
    assert "/plugin/distill-report|Report>" in ready
