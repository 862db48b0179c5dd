"""Simulated workers label a run after ``make run``, if its use case names human workers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from include.distill.config.loader import USE_CASES_FOLDER
from include.distill.labeling.label_params import ASK_WORKERS
from tests.fakes.aws_simulator import RunningSimulator
from tests.fakes.variables import VARIABLES
from tools.local_airflow import labeling
from tools.local_airflow.commands import label_if_asked
from tools.local_airflow.labeling import asks_workers, label_with_simulated_workers, open_worker_portals
from tools.local_airflow.ports import Ports
from tools.local_airflow.settings import Layout, RunRequest

ROW = {"question": "q", "document": "d", "answer": "a"}
RUN_URI = "s3://bedrock-distill-training/distill/runs/human/r-1"
AGREEMENT = {
    "first": "worker-simulated-1 (person)",
    "second": "worker-simulated-2 (person)",
    "n": 20,
    "clusters": 18,
    "observed": 0.75,
    "kappa": 0.5,
    "kappa_ci95": None,
}
JUDGES = {**AGREEMENT, "first": "claude-haiku-4-5", "second": "mistral-large-3", "n": 90}


@pytest.fixture
def use_case_file(tmp_path: Path) -> Path:
    raw = yaml.safe_load((USE_CASES_FOLDER / "aws_docs_qa.yaml").read_text(encoding="utf-8"))
    human = {"flow_definition_arn": "${DISTILL_FLOW_DEFINITION_ARN:-}"}
    path = tmp_path / "human.yaml"
    path.write_text(yaml.safe_dump({**raw, "name": "human", "evaluations": {"human": human}}))
    return path


def test_only_a_use_case_that_names_workers_is_labeled(use_case_file: Path) -> None:
    use_case = asks_workers(use_case_file, VARIABLES)
    assert use_case is not None
    assert use_case.label_dag_id == "distill_label__human"
    without = {name: value for name, value in VARIABLES.items() if name != "DISTILL_FLOW_DEFINITION_ARN"}
    assert asks_workers(use_case_file, without) is None
    assert asks_workers(USE_CASES_FOLDER / "aws_docs_qa.yaml", VARIABLES) is None


@pytest.mark.usefixtures("simulator")
def test_workers_may_see_the_buckets_of_the_use_cases_that_ask_workers_once_the_buckets_exist(
    use_case_file: Path,
) -> None:
    assert open_worker_portals(use_case_file.parent) == []
    client = boto3.client("s3")
    for bucket in ("bedrock-distill-training", "bedrock-distill-output"):
        client.create_bucket(Bucket=bucket)
    assert open_worker_portals(use_case_file.parent) == ["bedrock-distill-output"]
    rules = client.get_bucket_cors(Bucket="bedrock-distill-output")["CORSRules"]
    assert "GET" in rules[0]["AllowedMethods"]
    use_case_file.unlink()
    assert open_worker_portals(use_case_file.parent) == []


@pytest.mark.parametrize("name", ["article", "compare_methods"])
def test_the_local_account_has_workers_in_the_region_of_each_use_case_that_asks_workers(name: str) -> None:
    use_case = asks_workers(Layout().use_case_file(name), VARIABLES)
    assert use_case is not None
    assert use_case.human_workers is not None
    assert use_case.human_workers.flow_definition_arn.split(":")[3] == use_case.aws.region


class FakeStack:
    """A stack whose labeling DAG first waits for workers, and then ends in a state."""

    def __init__(self, state: Path, simulator: RunningSimulator, end: str) -> None:
        self.layout = Layout(state=state)
        self.ports = Ports(api=9, simulator=int(simulator.url.rpartition(":")[2]))
        self.api: Any = self
        self.states = iter(["running", end])
        self.triggered: list[tuple[str, Any]] = []
        self.results: dict[str, Any] = {
            "workers.submit": {"job_arn": "arn:job"},
            "draw_sample": {"run_uri": RUN_URI},
            "collect_labels": {
                "labels": 40,
                "invalid": 0,
                "missing": 0,
                "labellers": ["worker-simulated-1", "worker-simulated-2"],
                "report_html_uri": f"{RUN_URI}/report/report.html",
            },
        }

    def check(self) -> list[str]:
        return []

    def find_dag(self, dag_id: str) -> Any:
        return {"dag_id": dag_id}

    def trigger(self, dag_id: str, run_id: str, *, logical_date: str, conf: Any) -> None:
        self.triggered.append((dag_id, conf))

    def task_ids(self, dag_id: str) -> list[str]:
        return ["draw_sample", "workers.submit", "workers.wait", "collect_labels"]

    def run_state(self, dag_id: str, run_id: str) -> str:
        return next(self.states)

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        fields = {"map_index": -1, "try_number": 1, "start_date": None, "end_date": None}
        return [{**fields, "task_id": "workers.wait", "state": "deferred"}]

    def questions(self, dag_id: str, run_id: str) -> list[Any]:
        return []

    def returned(self, dag_id: str, run_id: str, task_id: str) -> Any:
        return self.results[task_id]


@pytest.fixture
def label(simulator: RunningSimulator, tmp_path: Path, use_case_file: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    client = boto3.client("s3")
    for bucket in ("bedrock-distill-training", "bedrock-distill-output"):
        client.create_bucket(Bucket=bucket)
    report = {"run_key": "r-1", "agreement": [JUDGES, AGREEMENT]}
    for name, body in (
        ("source/evaluation.jsonl", json.dumps(ROW)),
        ("report/report.json", json.dumps(report)),
        ("report/report.html", "<html>"),
    ):
        client.put_object(Bucket="bedrock-distill-training", Key=f"distill/runs/human/r-1/{name}", Body=body.encode())
    layout = Layout(state=tmp_path / "state")
    layout.report.mkdir(parents=True)
    (layout.report / "report.json").write_text(json.dumps({"run_key": "r-1"}))
    asked: list[Any] = []
    answered = iter([20, 0])
    monkeypatch.setattr(labeling, "answer_open_tasks", lambda *given: asked.append(given) or next(answered))
    monkeypatch.setattr("tools.local_airflow.runs.POLL_SECONDS", 0.0)

    def run(end: str) -> Any:
        stack = FakeStack(layout.state, simulator, end)
        use_case = asks_workers(use_case_file, VARIABLES)
        assert use_case is not None
        return stack, asked, label_with_simulated_workers(stack, use_case, {}, 60)

    return run


def test_the_labels_and_the_agreement_are_printed_and_marked_as_simulated(
    label: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    stack, asked, (succeeded, text) = label("success")
    assert stack.triggered == [("distill_label__human", {"run_key": "r-1", "how": ASK_WORKERS, "examples": 20})]
    assert asked[0][1:] == ("arn:job", {"Question:\nq\n\nDocument:\nd": "a"})
    assert succeeded
    assert "Labels of human workers (SIMULATED): 40, from worker-simulated-1, worker-simulated-2" in text
    assert "too few labels" in text
    assert "the same verdict on 15 of 20 (75%)" in text
    assert "mistral" not in text  # the judges' agreement with each other was printed before
    output = capsys.readouterr().out
    assert "SIMULATED: the workers simulated-1 and simulated-2 answered 20 examples. No person has seen them." in output
    assert (stack.layout.report / "report.html").read_text() == "<html>"


def test_a_labeling_that_failed_fails_the_command(label: Any) -> None:
    _, _, (succeeded, text) = label("failed")
    assert not succeeded
    assert text.startswith("The labeling FAILED:")


def test_a_run_of_a_use_case_without_workers_is_not_labeled(simulator: RunningSimulator, tmp_path: Path) -> None:
    stack: Any = FakeStack(tmp_path, simulator, "success")
    stack.environment = VARIABLES
    assert label_if_asked(stack, RunRequest(), {}, 60) == (True, "")
    assert stack.triggered == []
