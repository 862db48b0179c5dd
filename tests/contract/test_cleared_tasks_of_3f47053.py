# ruff: noqa: F811 - the fixtures of another module are arguments of the tests
"""
Check what happens if a person clears a task of the run that commit 3f47053 left, after an upgrade.

The state is described in ``tests/data/state_3f47053/README.md``. ``results.json`` has the results of the run's
tasks, as Airflow stored them.
"""

from __future__ import annotations

import copy
import datetime
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.s3 import S3ObjectStore
from bedrock_distill.operators.answer import BedrockAnswerOperator
from bedrock_distill.operators.curate import CuratePairsOperator
from bedrock_distill.operators.dataset import MergeDatasetOperator, UploadDatasetOperator
from bedrock_distill.operators.estimate import EstimateCostOperator
from bedrock_distill.operators.ingest import IngestCsvOperator, ShardRowsOperator
from bedrock_distill.operators.judge import BedrockJudgeOperator
from bedrock_distill.operators.preflight import BedrockPreflightOperator
from bedrock_distill.operators.report import RenderReportOperator
from bedrock_distill.operators.serve import BedrockProvisionThroughputOperator
from bedrock_distill.operators.synthesize import BedrockSynthesizeOperator
from bedrock_distill.operators.train import BedrockSubmitCustomizationJobOperator
from bedrock_distill.sensors.customization_job import BedrockCustomizationJobSensor
from bedrock_distill.sensors.provisioned_throughput import BedrockProvisionedThroughputSensor
from include.distill.config.frozen_use_case import load_frozen
from include.distill.config.layout import run_uri
from include.distill.config.loader import USE_CASES_FOLDER
from include.distill.core.errors import EarlierVersionError
from include.distill.core.formats import FORMAT, Mark
from include.distill.core.naming import run_key
from include.distill.core.storage import read_json, read_jsonl
from include.distill.core.version import VERSION
from tests.contract.test_state_of_3f47053 import (  # noqa: F401 - the fixtures
    DATASET,
    FIRST,
    JOB,
    JUDGES,
    ROOT,
    SHARDS,
    STATE,
    aws,
    bought,
    hook,
    same_figures,
    store,
)
from tests.fakes.aws_simulator import RunningSimulator
from tests.plugins.conftest import FakeTaskInstance

DAG_ID, RUN_ID = "distill_aws_docs_qa", "local__20261126T041540"
RUN_URI = run_uri(ROOT, "aws_docs_qa", run_key(DAG_ID, RUN_ID))
PATIENCE = {"poll_interval_seconds": 1, "timeout_seconds": 1, "deferrable": False}
BATCH_COUNTS = ("batch_calls", "batch_input_tokens", "batch_output_tokens")


@pytest.fixture
def results() -> Any:
    """The results of the first run's tasks, by task id; a list for mapped tasks."""
    return json.loads((STATE / "results.json").read_text(encoding="utf-8"))


def clear(operator: Any, hook: BedrockDistillHook, *, params: Any = None, **arguments: Any) -> Any:
    """Carry out a task of the first run again, as Airflow does after the task was cleared."""
    started = datetime.datetime(2026, 11, 26, 4, 15, 40, tzinfo=datetime.UTC)
    ti = FakeTaskInstance(task_id="t", try_number=2, max_tries=1, map_index=-1, xcoms={}, dag_id=DAG_ID, run_id=RUN_ID)
    context = {
        "ti": ti,
        "params": params or {},
        "dag_run": SimpleNamespace(start_date=started, run_after=started, dag_id=DAG_ID, run_id=RUN_ID),
    }
    task = operator(task_id="step", run_uri=RUN_URI, **arguments)
    task.__dict__["hook"] = hook
    task.pre_execute(context)
    result = task.execute(context)
    assert task.run_uri == FIRST.uri
    return result


def clear_report(results: Any, hook: BedrockDistillHook) -> Any:
    tuned = {"provisioned": "tuned.provision", "dataset": "tuned.upload", "trained": "tuned.trained"}
    return clear(
        RenderReportOperator,
        hook,
        ingested=results["ingest"],
        synthesis=[results["curate"]],
        arms={
            "base": {"answers": results["base.answer"]},
            "tuned": {"answers": results["tuned.answer"], **{key: results[task] for key, task in tuned.items()}},
        },
        judgments=results["judge"],
    )


def without(value: Any, keys: tuple[str, ...]) -> Any:
    """Return a copy of a JSON value in which no object has one of the keys."""
    if isinstance(value, dict):
        return {key: without(item, keys) for key, item in value.items() if key not in keys}
    return [without(item, keys) for item in value] if isinstance(value, list) else value


class TestClearReport:
    @pytest.mark.parametrize("missing", [(), BATCH_COUNTS], ids=["3f47053", "before batch jobs"])
    def test_the_report_is_written_again_with_the_same_figures_and_nothing_is_bought(
        self,
        aws: RunningSimulator,
        hook: BedrockDistillHook,
        store: S3ObjectStore,
        results: Any,
        missing: tuple[str, ...],
    ) -> None:
        before, first = bought(aws), read_json(store, FIRST.report("json"), dict)
        reported = clear_report(without(results, missing), hook)
        report = json.loads(store.read(reported["report_json_uri"]))
        assert (report["format"], report["version"]) == (FORMAT, VERSION)
        assert report["synthesis"] == {**first["synthesis"], "undecided": 0}  # 3f47053 did not count these pairs
        for part in ("source", "comparisons", "agreement", "noise_control", "disagreements"):
            assert same_figures(report[part], first[part]), part
        # 3f47053 did not count these calls, and did not know which prices are verified.
        known_before = {**without(first["cost"], ("unverified",)), "lost_calls": 0}
        assert without(report["cost"], ("unverified",)) == known_before
        assert [line["what"] for line in report["cost"]["lines"] if "unverified" in line] == [
            "throughput tuned: nova-micro"
        ]
        assert report.keys() >= first.keys()
        assert bought(aws) == before

    @pytest.mark.parametrize(
        ("change", "task"),
        [
            ({"ingest": None}, "ingest"),
            ({"base.answer": []}, "base.answer"),
            ({"tuned.answer": []}, "tuned.answer"),
            ({"judge": [[], []]}, f"judge.{JUDGES[0]}"),
            ({"judge": []}, f"judge.{JUDGES[0]}"),
        ],
    )
    def test_a_deleted_result_names_the_task_to_clear_and_the_report_is_kept(
        self, results: Any, hook: BedrockDistillHook, store: S3ObjectStore, change: dict[str, Any], task: str
    ) -> None:
        """``airflow db clean`` deletes results. Airflow then passes no result, or an empty list for a mapped task."""
        before = store.read(FIRST.report("json"))
        with pytest.raises(
            EarlierVersionError, match=rf"(?s)of the task {task} is missing.*Clear {task} with downstream"
        ):
            clear_report({**results, **change}, hook)
        assert store.read(FIRST.report("json")) == before

    def test_mapped_results_that_are_partly_deleted_name_the_task_to_clear_and_the_report_is_kept(
        self, results: Any, hook: BedrockDistillHook, store: S3ObjectStore
    ) -> None:
        before, left = store.read(FIRST.report("json")), results["tuned.answer"][1:]
        assert left
        with pytest.raises(
            EarlierVersionError, match=r"(?s)tuned\.answer is missing for 1 of its .*Clear tuned\.answer with"
        ):
            clear_report({**results, "tuned.answer": left}, hook)
        assert store.read(FIRST.report("json")) == before

    def test_a_partly_missing_part_of_a_result_names_the_key_and_the_task_to_clear(
        self, results: Any, hook: BedrockDistillHook
    ) -> None:
        ingested = {**results["ingest"], "changes": {"since": None}}
        with pytest.raises(
            EarlierVersionError, match=r"(?s)task ingest has no changes\.added.*Clear ingest with downstream"
        ):
            clear_report({**results, "ingest": ingested}, hook)

    @pytest.mark.parametrize(
        ("task", "key"),
        [("curate", "accepted"), ("curate", "dropped"), ("tuned.provision", "model_arn"), ("judge", "verdicts_uri")],
    )
    def test_a_result_without_a_needed_key_names_the_task_to_clear(
        self,
        aws: RunningSimulator,
        hook: BedrockDistillHook,
        store: S3ObjectStore,
        results: Any,
        task: str,
        key: str,
    ) -> None:
        before, stored = bought(aws), store.read(FIRST.report("json"))
        earlier = copy.deepcopy(results)
        earlier[task] = without(earlier[task], (key,))
        with pytest.raises(EarlierVersionError, match=rf"(?s)task {task} has no '{key}'.*Clear {task} with downstream"):
            clear_report(earlier, hook)
        assert (bought(aws), store.read(FIRST.report("json"))) == (before, stored)


@pytest.fixture
def use_cases(tmp_path: Path, store: S3ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The present use-case file with the prompts of 3f47053, as the decision on prompts recommends to keep a model."""
    monkeypatch.setenv("DISTILL_INPUT_ROOTS", str(tmp_path))
    raw = yaml.safe_load((USE_CASES_FOLDER / "aws_docs_qa.yaml").read_text(encoding="utf-8"))
    frozen = read_json(store, FIRST.prompts, dict)
    for role in ("synthesis", "answering", "judging"):
        (tmp_path / f"{role}.j2").write_text(frozen[f"{role}.j2"]["template"], encoding="utf-8")
        raw["prompts"][role] = str(tmp_path / f"{role}.j2")
    (tmp_path / "aws_docs_qa.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    return tmp_path


def test_clearing_preflight_freezes_the_run_again_and_buys_nothing_if_nothing_changed(
    aws: RunningSimulator,
    hook: BedrockDistillHook,
    store: S3ObjectStore,
    use_cases: Path,
) -> None:
    before = bought(aws)
    rows = read_jsonl(store, FIRST.source("train"), dict)
    params = {"documents": 8, "evaluation_rows": 12}

    def step(operator: Any, **arguments: Any) -> Any:
        return clear(operator, hook, params=params, **arguments)

    step(BedrockPreflightOperator, use_case_name="aws_docs_qa", use_cases=use_cases)
    assert load_frozen(store.read(FIRST.use_case), FIRST.use_case)[0] == Mark(FORMAT, VERSION)
    step(IngestCsvOperator)
    assert [row["row_id"] for row in read_jsonl(store, FIRST.source("train"), dict)] == [row["row_id"] for row in rows]
    estimate = read_json(store, step(EstimateCostOperator)["estimate_uri"], dict)
    (purchase,) = estimate["bought_again"]  # a new version may always filter pairs in another way
    assert (purchase["what"], purchase["certain"]) == ("training and serving tuned", False)
    shards = {side: step(ShardRowsOperator, rows=side, max_tasks=tasks) for side, tasks in SHARDS.items()}
    pairs = step(CuratePairsOperator, synthesis=[step(BedrockSynthesizeOperator, shard=n) for n in shards["train"]])
    merged = step(MergeDatasetOperator, arm="tuned", synthesis=[pairs])
    dataset = step(UploadDatasetOperator, arm="tuned", merged=merged)
    submitted = step(BedrockSubmitCustomizationJobOperator, arm="tuned", dataset=dataset)
    trained = step(BedrockCustomizationJobSensor, submitted=submitted, **PATIENCE)
    provisioned = step(BedrockProvisionThroughputOperator, arm="tuned", trained=trained)
    serving = step(BedrockProvisionedThroughputSensor, provisioned=provisioned, **PATIENCE)
    for arm, by in (("base", None), ("tuned", serving)):
        for shard in shards["evaluation"]:
            step(BedrockAnswerOperator, arm=arm, shard=shard, serving=by)
    for judge in JUDGES:
        step(BedrockJudgeOperator, judge=judge, candidate="tuned", baseline="base")
    assert (dataset["sha256"], dataset["uploaded"]) == (DATASET, False)
    assert (submitted["job_arn"], submitted["bought"], provisioned["missing_answers"]) == (JOB, False, 0)
    assert bought(aws) == before


def test_the_estimate_says_what_is_bought_again_why_and_at_what_price_if_the_present_prompts_are_frozen(
    aws: RunningSimulator,
    hook: BedrockDistillHook,
    store: S3ObjectStore,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before, params = bought(aws), {"documents": 8, "evaluation_rows": 12}
    clear(BedrockPreflightOperator, hook, params=params, use_case_name="aws_docs_qa")
    clear(IngestCsvOperator, hook, params=params)
    capsys.readouterr()
    estimated = clear(EstimateCostOperator, hook, params=params)
    estimate = read_json(store, estimated["estimate_uri"], dict)
    purchases = {purchase["what"]: purchase for purchase in estimate["bought_again"]}
    assert {what: purchase["count"] for what, purchase in purchases.items()} == {
        "synthesis": 8,
        "answers base": 12,
        "training and serving tuned": 1,
        "judging": 48,
    }
    usd = {what: purchase["usd"] for what, purchase in purchases.items()}
    assert sum(usd.values()) == pytest.approx(estimated["estimated_usd"], rel=1e-3)
    assert "prompts.synthesis changed" in purchases["synthesis"]["reasons"]
    assert "prompts.answering changed" in purchases["answers base"]["reasons"]
    assert "the teacher writes new pairs" in purchases["training and serving tuned"]["reasons"]
    assert "prompts.judging changed" in purchases["judging"]["reasons"]
    assert all(purchase["certain"] for purchase in purchases.values())
    assert "synthesis is bought again (8, about $0.0" in capsys.readouterr().out
    assert bought(aws) == before
