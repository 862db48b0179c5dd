"""
Check that the current code finds everything that commit 3f47053 bought, and buys nothing again.

``tests/data/state_3f47053/README.md`` describes how the state was made. The pipeline's operators carry out the next run
of the same use case on the same rows, step by step, against the AWS simulator.
"""

from __future__ import annotations

import datetime
import math
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.s3 import S3ObjectStore
from bedrock_distill.operators.answer import BedrockAnswerOperator
from bedrock_distill.operators.curate import CuratePairsOperator
from bedrock_distill.operators.dataset import MergeDatasetOperator, UploadDatasetOperator
from bedrock_distill.operators.estimate import EstimateCostOperator
from bedrock_distill.operators.ingest import ShardRowsOperator
from bedrock_distill.operators.judge import BedrockJudgeOperator
from bedrock_distill.operators.report import RenderReportOperator
from bedrock_distill.operators.serve import BedrockProvisionThroughputOperator
from bedrock_distill.operators.synthesize import BedrockSynthesizeOperator
from bedrock_distill.operators.train import BedrockSubmitCustomizationJobOperator
from bedrock_distill.sensors.customization_job import BedrockCustomizationJobSensor
from bedrock_distill.sensors.provisioned_throughput import BedrockProvisionedThroughputSensor
from include.distill.config.layout import Layout, RunFolder
from include.distill.core.paths import PROJECT_ROOT
from include.distill.core.storage import read_json, read_jsonl
from include.distill.cost.throughput_hours import unit_hours
from include.distill.curation import filters
from include.distill.curation.incomplete_pairs import find_incomplete_parts
from include.distill.curation.records import Pair
from include.distill.dataset.row_changes import compare_with_last_run
from include.distill.evaluation.champion import (
    champion_before_run,
    champion_snapshot,
    read_champion,
    save_champion_snapshot,
)
from include.distill.report.past_runs import list_page, newest_entries, read_entry
from include.distill.report.schema import check_report
from tests.fakes.aws_simulator import RunningSimulator, start_simulator
from tests.plugins.conftest import FakeTaskInstance
from tools.local_airflow.settings import Layout as Checkout
from tools.local_airflow.stack import move_earlier_state

STATE = PROJECT_ROOT / "tests" / "data" / "state_3f47053"
ROOT = "s3://bedrock-distill-training/distill"
FIRST, NEXT = RunFolder(f"{ROOT}/runs/local-20261126t041540-3222a226"), RunFolder(f"{ROOT}/runs/manual-2-abcdef01")
ELSEWHERE = RunFolder("s3://bedrock-distill-training/elsewhere/runs/manual-3-abcdef02")  # has no stored answers
MODEL = "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-micro-v1:0:128k/e14f24684afd"
JOB = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-micro-v1:0:128k/6e472b158377"
# Sections of the use case with settings that 3f47053 did not have. A new setting changes the hash of its section, so
# the first report after an update names the section. This is right, because the setting can change what is bought.
SECTIONS_WITH_NEW_SETTINGS: list[str] = []
DATASET = "89ddbba4baa0a02c20cc33bf46287ec29c866464c4ce596cdbb03d396e0f9de4"
SHARDS = {"train": 8, "evaluation": 4}
JUDGES = ("claude-haiku-4-5", "llama-3-3-70b")
STORED_ANSWERS = 8 + 12 + 12 + 22 + 22  # of teacher, base, tuned and two judges; equal answers are not judged


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    """The AWS simulator with a copy of the state, which is moved from its old folder as in an updated checkout."""
    checkout = Checkout(state=tmp_path_factory.mktemp("local"))
    shutil.copytree(STATE / "stand_in", checkout.state / "stand_in")
    dump = checkout.state / "stand_in" / "bedrock.sql"
    with closing(sqlite3.connect(dump.with_suffix(".sqlite"))) as database:
        database.executescript(dump.read_text())
    move_earlier_state(checkout)
    with start_simulator(checkout.aws_simulator) as simulator, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", simulator.url)
        # 3f47053 did not reject incomplete pairs. Their rejection changes the training set on purpose, and with it the
        # name of the job, so the names could not be compared.
        patch.setattr(filters, "find_incomplete_parts", lambda pair: iter(()))
        patch.setenv("AIRFLOW_CONN_AWS_DEFAULT", "aws://?region_name=us-east-1")
        yield simulator


@pytest.fixture(scope="module")
def hook(aws: RunningSimulator) -> BedrockDistillHook:
    """One hook for all steps, because creating a boto3 client takes longer than a step."""
    return BedrockDistillHook("aws_default", "us-east-1")


@pytest.fixture(scope="module")
def store(hook: BedrockDistillHook) -> S3ObjectStore:
    return S3ObjectStore(hook)


@dataclass
class NextRun:
    """The results of the next run's steps, and the account's bill before and after the steps."""

    pairs: dict[str, Any]
    dataset: dict[str, Any]
    submitted: dict[str, Any]
    provisioned: dict[str, Any]
    answers: dict[str, list[dict[str, Any]]]
    judgments: list[dict[str, Any]]
    report: dict[str, Any]
    bought_before: dict[str, Any]
    bought_after: dict[str, Any]

    @property
    def asked(self) -> list[dict[str, Any]]:
        """The results of the steps that call models."""
        return [self.pairs, *self.answers["base"], *self.answers["tuned"], *self.judgments]


def carry_out(operator: Any, hook: BedrockDistillHook, folder: RunFolder = NEXT, **arguments: Any) -> Any:
    """Carry out one step of a run and return its manifest."""
    started = datetime.datetime(2026, 11, 27, 2, tzinfo=datetime.UTC)
    run = SimpleNamespace(start_date=started, run_after=started, dag_id="d", run_id="r")
    ti = FakeTaskInstance(task_id="t", try_number=1, max_tries=0, map_index=-1, xcoms={}, dag_id="d", run_id="r")
    context = {"ti": ti, "params": {}, "dag_run": run}
    task = operator(task_id="step", run_uri=folder.uri, **arguments)
    task.__dict__["hook"] = hook
    return task.execute(context)


def copy_inputs(store: S3ObjectStore, folder: RunFolder) -> None:
    """Copy the rows, the use case and the prompts of the first run to another run."""
    store.copy(FIRST.use_case, folder.use_case)
    store.copy(FIRST.prompts, folder.prompts)
    for rows in ("train", "evaluation", "rejected"):
        store.copy(FIRST.source(rows), folder.source(rows))


def bought(aws: RunningSimulator) -> dict[str, Any]:
    """Return the items that the account has been billed for so far."""
    ledger: dict[str, Any] = aws.ledger
    return {name: ledger[name] for name in ("calls", "by_model", "jobs", "custom_models", "throughputs")}


@pytest.fixture(scope="module")
def run(aws: RunningSimulator, hook: BedrockDistillHook, store: S3ObjectStore) -> NextRun:
    """Carry out the next run."""
    step = partial(carry_out, hook=hook)
    before = bought(aws)
    copy_inputs(store, NEXT)
    store.copy(FIRST.row_list, NEXT.row_list)
    save_champion_snapshot(store, NEXT, champion_before_run(store, NEXT, "aws_docs_qa"))
    step(EstimateCostOperator)
    shards = {rows: step(ShardRowsOperator, rows=rows, max_tasks=tasks) for rows, tasks in SHARDS.items()}
    synthesis = [step(BedrockSynthesizeOperator, shard=shard) for shard in shards["train"]]
    pairs = step(CuratePairsOperator, synthesis=synthesis)
    merged = step(MergeDatasetOperator, arm="tuned", synthesis=[pairs])
    dataset = step(UploadDatasetOperator, arm="tuned", merged=merged)
    submitted = step(BedrockSubmitCustomizationJobOperator, arm="tuned", dataset=dataset)
    patience = {"poll_interval_seconds": 1, "timeout_seconds": 1, "deferrable": False}
    trained = step(BedrockCustomizationJobSensor, submitted=submitted, **patience)
    provisioned = step(BedrockProvisionThroughputOperator, arm="tuned", trained=trained)
    serving = step(BedrockProvisionedThroughputSensor, provisioned=provisioned, **patience)
    answers = {
        arm: [step(BedrockAnswerOperator, arm=arm, shard=shard, serving=by) for shard in shards["evaluation"]]
        for arm, by in (("base", None), ("tuned", serving))
    }
    judgments = [step(BedrockJudgeOperator, judge=judge, candidate="tuned", baseline="base") for judge in JUDGES]
    reported = step(
        RenderReportOperator,
        ingested=read_json(store, FIRST.report("json"), dict)["source"],
        synthesis=[pairs],
        arms={
            "base": {"answers": answers["base"]},
            "tuned": {
                "answers": answers["tuned"],
                "provisioned": provisioned,
                "dataset": dataset,
                "trained": trained,
            },
        },
        judgments=[[judgment] for judgment in judgments],
    )
    report = read_json(store, reported["report_json_uri"], dict)
    return NextRun(pairs, dataset, submitted, provisioned, answers, judgments, report, before, bought(aws))


def test_every_answer_is_found_and_no_model_is_called(run: NextRun, store: S3ObjectStore) -> None:
    assert sum(manifest["calls"] for manifest in run.asked) == 0
    assert [run.pairs["cache_hits"], *(judgment["cache_hits"] for judgment in run.judgments)] == [8, 22, 22]
    assert {arm: sum(shard["cache_hits"] for shard in shards) for arm, shards in run.answers.items()} == {
        "base": 12,
        "tuned": 12,
    }
    assert len(store.list(f"{NEXT.responses}/")) == STORED_ANSWERS
    assert run.bought_after["calls"] == run.bought_before["calls"] == STORED_ANSWERS


def test_nothing_is_bought(run: NextRun) -> None:
    assert run.bought_after == run.bought_before
    assert len(run.bought_after["jobs"]) == len(run.bought_after["throughputs"]) == 1


def test_pairs_answers_and_verdicts_are_unchanged(run: NextRun, store: S3ObjectStore) -> None:
    for number in range(SHARDS["train"]):
        assert read_jsonl(store, NEXT.synthetic(number), dict) == read_jsonl(store, FIRST.synthetic(number), dict)
        assert read_jsonl(store, NEXT.synthetic_texts(number), dict) == read_jsonl(
            store, FIRST.synthetic_texts(number), dict
        )
    # Messages are for people and may be reworded.
    repeated = [read_jsonl(store, folder.synthetic_repeated, dict) for folder in (FIRST, NEXT)]
    assert [{**pair, "message": ""} for pair in repeated[0]] == [{**pair, "message": ""} for pair in repeated[1]]
    for judge in JUDGES:
        verdicts = [read_jsonl(store, folder.judgments(judge, "tuned", "base"), dict) for folder in (FIRST, NEXT)]
        assert verdicts[0] == verdicts[1]
    for arm in ("base", "tuned"):
        for number in range(SHARDS["evaluation"]):
            assert read_jsonl(store, NEXT.answers(arm, number), dict) == read_jsonl(
                store, FIRST.answers(arm, number), dict
            )


def test_the_filter_for_incomplete_pairs_rejects_few_of_the_stored_pairs(run: NextRun, store: S3ObjectStore) -> None:
    pairs = [pair for number in range(SHARDS["train"]) for pair in read_jsonl(store, FIRST.synthetic(number), Pair)]
    incomplete = [pair for pair in pairs if list(find_incomplete_parts(pair))]
    assert 0 < len(incomplete) <= 0.2 * len(pairs)
    assert all(pair["answer"].rstrip().endswith(":") for pair in incomplete)


def test_the_training_file_is_unchanged_and_its_job_is_found_by_name(run: NextRun) -> None:
    assert (run.dataset["train_uri"], run.dataset["uploaded"]) == (f"{ROOT}/datasets/{DATASET}/train.jsonl", False)
    assert run.submitted["job_name"] == "aws-docs-qa-tuned-d36291266392"
    assert (run.submitted["job_arn"], run.submitted["attempt"], run.submitted["bought"]) == (JOB, 1, False)


def test_the_model_is_found_and_needs_no_endpoint(run: NextRun) -> None:
    assert (run.provisioned["model_arn"], run.provisioned["missing_answers"]) == (MODEL, 0)
    assert (run.provisioned["bought"], run.provisioned["throughput_arn"]) == (False, None)


def test_the_next_run_finds_the_champion_but_the_run_that_promoted_it_does_not(store: S3ObjectStore) -> None:
    champion = read_champion(store, f"{ROOT}/champions/aws_docs_qa.json")
    assert champion is not None
    assert (champion.model_arn, champion.arm, champion.simulated) == (MODEL, "tuned", True)
    assert champion_before_run(store, RunFolder(f"{ROOT}/runs/another"), "aws_docs_qa") == champion
    assert champion_before_run(store, FIRST, "aws_docs_qa") is None
    assert champion_snapshot(store, FIRST) is None


def test_the_throughput_and_its_release_record_agree_on_the_time(aws: RunningSimulator, store: S3ObjectStore) -> None:
    (throughput,) = aws.ledger["throughputs"]
    assert (throughput["name"], throughput["alive"]) == ("aws-docs-qa-tuned-3222a226-s1", False)
    tombstones = [read_json(store, uri, dict) for uri in store.list(FIRST.release_records("tuned"))]
    assert unit_hours(tombstones) == pytest.approx(throughput["seconds"] / 3600, rel=0.01)


def test_the_stored_report_is_valid_and_listed(store: S3ObjectStore) -> None:
    report = read_json(store, FIRST.report("json"), dict)
    assert check_report(report)["verdict"] == report["verdict"]
    frozen = EstimateCostOperator(task_id="step", run_uri=FIRST.uri)
    listed = store.list(Layout(frozen.use_case.storage).reports("aws_docs_qa"))
    entries = [read_entry(store.read(uri)) for uri in newest_entries(listed, 50)]
    assert FIRST.run_key in [entry["run_key"] for entry in entries]
    assert "distill_aws_docs_qa/local__20261126T041540" in list_page(entries)


def same_figures(one: Any, other: Any) -> bool:
    """Compare two JSON values. Python 3.12 sums floats more exactly than 3.11, so the last digits may differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_figures(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_figures, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-12)
    return bool(one == other)


def test_the_next_report_has_the_same_figures_as_the_first_report(run: NextRun, store: S3ObjectStore) -> None:
    first = read_json(store, FIRST.report("json"), dict)
    for part in ("source", "comparisons", "agreement", "noise_control", "disagreements", "pair_sample", "loss_curves"):
        assert same_figures(run.report[part], first[part]), part
    assert run.report.keys() >= first.keys()
    # 3f47053 served every arm with provisioned throughput, for $60.50, and estimated one token for every four
    # characters.
    by_token = first["cost"]["estimated_usd"] - 60.50
    assert run.report["cost"]["estimated_usd"] == pytest.approx(by_token, rel=0.2)
    assert run.report["cost"]["actual_usd"] == 0


def test_the_next_run_has_the_rows_and_settings_of_the_first_run(run: NextRun, store: S3ObjectStore) -> None:
    frozen = EstimateCostOperator(task_id="step", run_uri=NEXT.uri)
    changes = compare_with_last_run(store, NEXT, use_case=frozen.use_case, prompts=frozen.prompts)
    settings = changes.pop("settings")
    assert changes == {"since": FIRST.run_key, "added": 0, "changed": 0, "gone": 0}
    assert settings == SECTIONS_WITH_NEW_SETTINGS, (
        f"The report names {settings} as changed since 3f47053; SECTIONS_WITH_NEW_SETTINGS in this file is"
        f" {SECTIONS_WITH_NEW_SETTINGS}. A setting that 3f47053 did not have changes the hash of its section. If you"
        " added a setting, add its section to the list. Otherwise a hash has changed by accident, and every deployment"
        " would report a change of its settings that nobody made."
    )


def test_the_simulated_models_give_the_same_answers_as_before(
    run: NextRun, hook: BedrockDistillHook, store: S3ObjectStore
) -> None:
    """The fixture ``run`` only sets the order: these calls are billed, so they must come after the run."""
    step = partial(carry_out, hook=hook, folder=ELSEWHERE)
    copy_inputs(store, ELSEWHERE)
    asked = []
    for rows, tasks in SHARDS.items():
        step(ShardRowsOperator, rows=rows, max_tasks=tasks)
    for number in range(SHARDS["train"]):
        asked.append(step(BedrockSynthesizeOperator, shard=number))
        pairs = read_jsonl(store, ELSEWHERE.synthetic(number), Pair)
        for pair, earlier in zip(pairs, read_jsonl(store, FIRST.synthetic(number), Pair), strict=True):
            if earlier["answer"].endswith(":"):  # today's teacher continues with the list that the answer announces
                assert pair["answer"].startswith(earlier["answer"])
                assert not pair["answer"].endswith(":")
            else:
                assert pair == earlier
    for number in range(SHARDS["evaluation"]):
        asked.append(step(BedrockAnswerOperator, arm="base", shard=number))
        assert read_jsonl(store, ELSEWHERE.answers("base", number), dict) == read_jsonl(
            store, FIRST.answers("base", number), dict
        )
        store.copy(FIRST.answers("tuned", number), ELSEWHERE.answers("tuned", number))
    for judge in JUDGES:
        asked.append(step(BedrockJudgeOperator, judge=judge, candidate="tuned", baseline="base"))
        verdicts = read_jsonl(store, ELSEWHERE.judgments(judge, "tuned", "base"), dict)
        assert verdicts == read_jsonl(store, FIRST.judgments(judge, "tuned", "base"), dict)
    assert sum(manifest["calls"] for manifest in asked) == 8 + 12 + 22 + 22
    assert sum(manifest["cache_hits"] for manifest in asked) == 0
