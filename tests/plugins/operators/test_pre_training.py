"""Run an arm with continued pre-training on the AWS simulator, as of a day on which Bedrock offered Titan Text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.operators.answer import BedrockAnswerOperator
from bedrock_distill.operators.dataset import MergeDatasetOperator, UploadDatasetOperator
from bedrock_distill.operators.preflight import BedrockPreflightOperator
from bedrock_distill.operators.serve import BedrockProvisionThroughputOperator
from bedrock_distill.operators.train import BedrockSubmitCustomizationJobOperator
from include.distill.config.layout import RunFolder
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.use_case import UseCase
from include.distill.core.errors import InputError
from include.distill.core.storage import read_json, read_jsonl, write_jsonl
from include.distill.cost.prices import load_prices
from tests.distill.conftest import make_row
from tests.fakes.aws_simulator import RunningSimulator, connected_simulator
from tests.fakes.patience import wait_until
from tests.fakes.variables import VARIABLES
from tests.plugins.conftest import RUN_URI
from tests.tools.aws_simulator.builders import throughput_status

THEN, LEGACY, TODAY = "2025-02-12", "2025-07-01", "2026-11-27"
FOLDER = RunFolder(RUN_URI)
LONG = "A ferry leaves the pier every hour. " * 400
ROWS = [
    make_row(1, document="A motor burns. Every motor burns. No motor rests."),
    make_row(2, document="A motor burns. Every motor burns. No motor rests."),
    make_row(3, document=LONG),
]
ASKED = make_row(
    101,
    document="The motor of the crane is electric. The motor of the lift is electric. The fuel of the ferry is diesel.",
    question="Which fuel does the motor of the ferry burn?",
)


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSimulator]:
    with connected_simulator(tmp_path / "state", monkeypatch, as_of=THEN) as simulator:
        monkeypatch.setenv("DISTILL_ENVIRONMENT", "test")
        yield simulator


@pytest.fixture
def pre_trained(tmp_path: Path) -> UseCase:
    """The sample use case with Titan Text as the student, and models that Bedrock had on the day of the run."""
    raw = yaml.safe_load((USE_CASES_FOLDER / "aws_docs_qa.yaml").read_text(encoding="utf-8"))
    raw |= {"teacher": "nova-pro", "student": "titan-text-express", "judges": ["nova-lite"]}
    raw["training"] = {"method": "continued_pre_training", "hyperparameters": {"epochCount": 2}}
    raw["arms"] = [{"name": "base", "kind": "base"}, {"name": "tuned", "synthetic": 0}]
    folder = tmp_path / "use_cases"
    folder.mkdir()
    (folder / "aws_docs_qa.yaml").write_text(yaml.safe_dump(raw))
    return load_use_case(folder / "aws_docs_qa.yaml", VARIABLES)


@pytest.fixture
def run(aws: RunningSimulator, context: Any) -> Any:
    """Return a function that executes a task of the arm on the real hook and the simulator's S3."""

    def execute(task_class: Any, **arguments: Any) -> Any:
        return task_class(task_id="tuned.task", run_uri=RUN_URI, region_name="us-east-1", **arguments).execute(context)

    return execute


def preflight(tmp_path: Path, context: Any) -> Any:
    task = BedrockPreflightOperator(
        task_id="preflight",
        run_uri=RUN_URI,
        use_case_name="aws_docs_qa",
        use_cases=tmp_path / "use_cases",
        region_name="us-east-1",
    )
    task.pre_execute(context)
    return task.execute(context)


def put_rows(store: Any) -> None:
    write_jsonl(store, FOLDER.source("train"), ROWS)
    write_jsonl(store, FOLDER.source("evaluation"), [ASKED])
    write_jsonl(store, FOLDER.shard("evaluation", 0), [ASKED])


@pytest.mark.usefixtures("pre_trained")
def test_an_arm_is_trained_on_documents_served_and_answers(
    aws: RunningSimulator, run: Any, tmp_path: Path, context: Any
) -> None:
    preflight(tmp_path, context)
    store = MergeDatasetOperator(task_id="m", run_uri=RUN_URI, arm="tuned", synthesis=[], region_name="us-east-1").store
    put_rows(store)
    merged = run(MergeDatasetOperator, arm="tuned", synthesis=[])
    lines = [record["input"] for record in read_jsonl(store, merged["train_uri"], dict)]
    assert lines[0] == ROWS[0]["document"]
    assert "".join(lines[1:]) == LONG
    assert (merged["originals"], merged["synthetic"], merged["records"]) == (3, 0, len(lines))
    assert merged["documents"] == {"distinct": 2, "repeated": 1, "split": 1}
    card = read_json(store, merged["card_uri"], dict)
    assert (card["method"], card["counts"]["documents"]) == ("continued_pre_training", merged["documents"])

    submitted = run(BedrockSubmitCustomizationJobOperator, arm="tuned", dataset=run_upload(run, merged))
    job = wait_until(lambda: finished(submitted["job_name"]))
    assert job.status == "Completed", job.failure_message
    (entry,) = aws.ledger["jobs"]
    assert entry["type"] == "CONTINUED_PRE_TRAINING"
    price = load_prices().training_line("tuned", "titan-text-express", entry["billed_tokens"]).usd
    assert submitted["at_most_usd"] == pytest.approx(price, rel=0.3)  # the simulator counts tokens in another way

    provisioned = run(BedrockProvisionThroughputOperator, arm="tuned", trained={"model_arn": job.model_arn})
    endpoint = aws.ledger["throughputs"][0]["arn"]
    wait_until(lambda: throughput_status(aws, endpoint) == "InService")
    serving = {**provisioned, "model_arn": job.model_arn, "invoke_id": endpoint}
    answers = {}
    for arm, served in (("tuned", {**serving, "student": "titan-text-express"}), ("base", None)):
        run(BedrockAnswerOperator, arm=arm, shard=0, serving=served)
        (answer,) = read_jsonl(store, FOLDER.answers(arm, 0), dict)
        answers[arm] = answer["answer"]
    assert "ferry" in answers["tuned"]
    assert answers["tuned"] != answers["base"]


def run_upload(run: Any, merged: Any) -> Any:
    return run(UploadDatasetOperator, arm="tuned", merged=merged)


def finished(name: str) -> Any:
    job = BedrockDistillHook(region_name="us-east-1").find_job(name)
    return job if job and job.status != "InProgress" else None


@pytest.mark.usefixtures("pre_trained")
def test_a_second_run_finds_the_job(aws: RunningSimulator, run: Any, tmp_path: Path, context: Any) -> None:
    preflight(tmp_path, context)
    store = MergeDatasetOperator(task_id="m", run_uri=RUN_URI, arm="tuned", synthesis=[], region_name="us-east-1").store
    put_rows(store)
    dataset = run_upload(run, run(MergeDatasetOperator, arm="tuned", synthesis=[]))
    first, second = (run(BedrockSubmitCustomizationJobOperator, arm="tuned", dataset=dataset) for _ in range(2))
    assert (first["bought"], second["bought"]) == (True, False)
    assert len(aws.ledger["jobs"]) == 1
    wait_until(lambda: finished(first["job_name"]))


@pytest.mark.parametrize(
    ("day", "happened"),
    [
        (LEGACY, "model titan-text-express is LEGACY, not ACTIVE, and its end of life is 2025-12-18"),
        (TODAY, "Bedrock retired model titan-text-express on 2025-12-18, according to include/models.yaml, checked on"),
    ],
    ids=["legacy", "retired"],
)
@pytest.mark.usefixtures("pre_trained")
def test_preflight_refuses_the_method_once_and_says_that_no_other_model_has_it(
    aws: RunningSimulator, tmp_path: Path, context: Any, day: str, happened: str
) -> None:
    aws.admin("PUT", "settings", {"as_of": day})
    with pytest.raises(InputError) as refused:
        preflight(tmp_path, context)
    (problem,) = [line for line in str(refused.value).splitlines() if line.startswith("  ")]
    assert problem.startswith(f"  1. {happened}")
    assert (
        "; set training.method: fine_tuning and name another student in the use-case file. According"
        " to include/models.yaml, checked on 2026-11-27, only titan-text-express and titan-text-lite support"
        " continued_pre_training, and their end of life is 2025-12-18; AWS's guide names no other model"
        " (https://docs.aws.amazon.com/bedrock/latest/userguide/custom-model-fine-tuning.html"
    ) in problem
    assert "aws.region" not in problem
    assert aws.ledger["jobs"] == []
