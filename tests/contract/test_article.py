"""
The use case ``article`` runs on the AWS simulator of the day on which its models existed, with the real hook and store.

On the simulator of today, preflight refuses it with the days on which Bedrock retired its models.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.operators.answer import BedrockAnswerOperator
from bedrock_distill.operators.curate import CuratePairsOperator
from bedrock_distill.operators.dataset import MergeDatasetOperator, UploadDatasetOperator
from bedrock_distill.operators.estimate import EstimateCostOperator
from bedrock_distill.operators.ingest import IngestCsvOperator, ShardRowsOperator
from bedrock_distill.operators.judge import BedrockJudgeOperator
from bedrock_distill.operators.preflight import BedrockPreflightOperator
from bedrock_distill.operators.report import RenderReportOperator
from bedrock_distill.operators.serve import BedrockProvisionThroughputOperator, BedrockReleaseThroughputOperator
from bedrock_distill.operators.synthesize import BedrockSynthesizeOperator
from bedrock_distill.operators.train import BedrockSubmitCustomizationJobOperator
from bedrock_distill.sensors.customization_job import BedrockCustomizationJobSensor
from bedrock_distill.sensors.provisioned_throughput import BedrockProvisionedThroughputSensor
from include.distill.config.layout import run_uri
from include.distill.core.errors import InputError
from include.distill.core.naming import run_key
from include.distill.core.storage import read_json
from tests.fakes.aws_simulator import RunningSimulator, start_simulator
from tests.fakes.variables import VARIABLES
from tests.plugins.conftest import FakeTaskInstance
from tools.local_airflow.settings import Layout

FOLDER = Layout().past_use_cases
DAG_ID, RUN_ID = "distill_article", "manual__1"
ROOT = "s3://bedrock-distill-training-us-west-2/distill"
RUN_URI = run_uri(ROOT, "article", run_key(DAG_ID, RUN_ID))
PATIENCE = {"poll_interval_seconds": 0.1, "timeout_seconds": 60, "deferrable": False}
SMALL = {"documents": 60, "evaluation_rows": 6}
# Fewer rows than in the file, so that the test is fast. Claude 3 Haiku needs at least 32 records.
ARMS = [
    {"name": "base", "kind": "base"},
    {"name": "few", "originals": 33, "synthetic": 0},
    {"name": "many", "originals": 40, "synthetic": 0},
    {"name": "mixed", "originals": 33, "synthetic": 20},
]


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSimulator]:
    with start_simulator(tmp_path / "state", model_units=4, as_of="2025-02-12") as simulator:
        monkeypatch.setenv("AWS_ENDPOINT_URL", simulator.url)
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", "aws://any:any@?region_name=us-west-2")
        yield simulator


class ArticleRun:
    """A run of the use case, whose tasks are carried out one after another."""

    def __init__(self, use_cases: Path) -> None:
        self.use_cases, self.hook = use_cases, BedrockDistillHook("aws_default", "us-west-2")

    def do(self, operator: Any, **arguments: Any) -> Any:
        started = datetime.datetime.now(datetime.UTC)
        ti = FakeTaskInstance(task_id="t", try_number=1, max_tries=1, map_index=-1, xcoms={})
        ti.dag_id, ti.run_id = DAG_ID, RUN_ID
        dag_run = SimpleNamespace(start_date=started, run_after=started, dag_id=DAG_ID, run_id=RUN_ID)
        task = operator(**{"task_id": "step", "run_uri": RUN_URI, **arguments})
        task.__dict__["hook"] = self.hook
        context = {"ti": ti, "params": {}, "dag_run": dag_run}
        task.pre_execute(context)
        return task.execute(context)

    def preflight(self) -> Any:
        return self.do(BedrockPreflightOperator, use_case_name="article", use_cases=self.use_cases)

    def arm(self, name: str, synthesis: Any, shards: list[int]) -> dict[str, Any]:
        merged = self.do(MergeDatasetOperator, arm=name, synthesis=synthesis)
        dataset = self.do(UploadDatasetOperator, arm=name, merged=merged)
        submitted = self.do(BedrockSubmitCustomizationJobOperator, arm=name, dataset=dataset)
        trained = self.do(BedrockCustomizationJobSensor, submitted=submitted, **PATIENCE)
        provisioned = self.do(BedrockProvisionThroughputOperator, arm=name, trained=trained)
        serving = self.do(
            BedrockProvisionedThroughputSensor, task_id=f"{name}.in_service", provisioned=provisioned, **PATIENCE
        )
        answers = [self.do(BedrockAnswerOperator, arm=name, serving=serving, shard=n) for n in shards]
        self.do(BedrockReleaseThroughputOperator, arm=name)
        return {"dataset": dataset, "trained": trained, "provisioned": provisioned, "answers": answers}

    def until_report(self) -> dict[str, Any]:
        """Carry out all tasks, and return ``report.json``."""
        self.preflight()
        ingested = self.do(IngestCsvOperator)
        self.do(EstimateCostOperator)
        training = self.do(ShardRowsOperator, rows="train", max_tasks=2)
        shards = self.do(ShardRowsOperator, rows="evaluation", max_tasks=4)
        written = [self.do(BedrockSynthesizeOperator, shard=n) for n in training]
        synthesis = [self.do(CuratePairsOperator, synthesis=written)]
        base = [self.do(BedrockAnswerOperator, arm="base", shard=n) for n in shards]
        arms = {
            "base": {"answers": base},
            **{name: self.arm(name, synthesis, shards) for name in ("few", "many", "mixed")},
        }
        raw = yaml.safe_load((self.use_cases / "article.yaml").read_text(encoding="utf-8"))
        judgments = [
            [self.do(BedrockJudgeOperator, judge=judge, **pair) for judge in raw["judges"]]
            for pair in raw["comparisons"]
        ]
        manifest = self.do(RenderReportOperator, ingested=ingested, synthesis=synthesis, arms=arms, judgments=judgments)
        return read_json(self.store, manifest["report_json_uri"], dict)

    @property
    def store(self) -> Any:
        from bedrock_distill.hooks.s3 import S3ObjectStore

        return S3ObjectStore(self.hook)


@pytest.fixture
def run(account: RunningSimulator, tmp_path: Path) -> ArticleRun:
    raw = yaml.safe_load((FOLDER / "article.yaml").read_text(encoding="utf-8"))
    raw["source"] |= SMALL
    raw["aws"]["role_arn"] = VARIABLES["DISTILL_ROLE_ARN"]  # the account of this test is not the one of `make run`
    raw["arms"] = ARMS
    raw["approval"] = {"before_spending": "never", "before_hourly": "never"}
    folder = tmp_path / "use_cases"
    folder.mkdir()
    (folder / "article.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    return ArticleRun(folder)


def test_on_the_day_of_the_article_preflight_accepts_its_models(
    account: RunningSimulator, capsys: pytest.CaptureFixture[str]
) -> None:
    warnings = ArticleRun(FOLDER).preflight()["warnings"]
    (day,) = [warning for warning in warnings if "SIMULATED" in warning]
    assert day.startswith("As of 2025-02-12, SIMULATED: this account has the models and operations of that day.")
    assert not any("include/models.yaml lists" in warning for warning in warnings)
    assert "As of 2025-02-12, SIMULATED" in capsys.readouterr().out
    buckets = {bucket["Name"] for bucket in account.boto("s3").list_buckets()["Buckets"]}
    assert buckets == {"bedrock-distill-training-us-west-2", "bedrock-distill-output-us-west-2"}


def test_today_preflight_refuses_the_retired_models_with_their_ends_of_life(account: RunningSimulator) -> None:
    account.admin("PUT", "settings", {"as_of": None})
    with pytest.raises(InputError) as raised:
        ArticleRun(FOLDER).preflight()
    message = str(raised.value)
    assert "Problems (2)" in message
    assert "Bedrock retired model claude-3-sonnet on 2026-07-30" in message
    assert "Bedrock retired model claude-3-haiku on 2026-09-10" in message
    assert "model llama-3-70b" not in message, "Bedrock still has Llama 3 70B"

    assert "AS_OF" not in message, "a real account has no such variable"
    assert "Nothing was bought." in message


def test_a_run_on_the_day_of_the_article_ends_with_a_report_that_names_the_day(
    run: ArticleRun, account: RunningSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        report = run.until_report()
    assert (report["simulated"], report["simulated_as_of"]) == (True, "2025-02-12")
    assert [arm["records"] for arm in report["arms"]][1:] == [33, 40, 53]
    assert report["published"]["figures"][0]["ci95"]
    unverified = {line["what"] for line in report["cost"]["lines"] if line.get("unverified")}
    assert "training mixed: claude-3-haiku" in unverified
    assert any("throughput" in what or "endpoint" in what or "serving" in what for what in unverified)
    ledger = account.ledger
    assert [throughput["alive"] for throughput in ledger["throughputs"]] == [False] * 3
    assert ledger["deployments"] == []


def test_where_bedrock_cannot_count_tokens_the_estimate_says_that_it_is_estimated(
    run: ArticleRun, capsys: pytest.CaptureFixture[str]
) -> None:
    run.preflight()
    run.do(IngestCsvOperator)
    run.do(EstimateCostOperator)
    printed = capsys.readouterr().out
    assert "because CountTokens failed" in printed
    assert "Unknown operation CountTokens" in printed
    assert "Prices that are not verified" in printed
