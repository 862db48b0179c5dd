"""Build a use case, a run folder with rows, and operators with fakes in place of AWS."""

from __future__ import annotations

import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from bedrock_distill.lifecycle.rollback_place import RollbackPlace
from bedrock_distill.run import metrics
from bedrock_distill.run.access import RunAccess
from include.distill.config.approval_rule import Approval
from include.distill.config.layout import RunFolder
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.use_case import UseCase
from include.distill.core.storage import write_json, write_jsonl
from include.distill.evaluation.champion import Champion, save_champion_snapshot
from include.distill.inference import paced_client
from tests.distill.conftest import make_row
from tests.fakes.fake_bedrock import RUN_KEY, FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.recorded_stats import RecordedStats
from tests.fakes.training_set import TRAINING_FILE, TRAINING_URI, VALIDATION_FILE, VALIDATION_URI
from tests.fakes.variables import VARIABLES

RUN_URI = f"s3://bedrock-distill-training/distill/runs/aws_docs_qa/{RUN_KEY}"
FOLDER = RunFolder(RUN_URI)


def freeze(store: MemoryStore, use_case: UseCase, **changes: Any) -> None:
    """Store the use case in the run's folder as ``preflight`` does. ``changes`` replace whole sections."""
    raw = {**use_case.model_dump(mode="json"), **changes}
    store.write(FOLDER.use_case, yaml.safe_dump(raw).encode())


def make_champion(**changes: Any) -> Champion:
    """Return a champion that an earlier run promoted."""
    stated = {
        "use_case": "aws_docs_qa",
        "model_arn": "arn:model/champion",
        "student": "nova-micro",
        "arm": "tuned",
        "run_key": "manual-0-00000000",
        "dag_id": "distill_aws_docs_qa",
        "run_id": "manual__0",
        "verdict": "tuned is better",
        "promoted_at": "2026-11-21T02:00:00+00:00",
        "simulated": True,
        "report_uri": "s3://bedrock-distill-training/distill/runs/manual-0-00000000/report/report.json",
    }
    return Champion(**{**stated, **changes})


@pytest.fixture
def use_case() -> UseCase:
    """The sample use case without approval, with a patience so short that tests of throttling do not wait."""
    sample = load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment=VARIABLES)
    sample = sample.model_copy(update={"approval": Approval(before_hourly="never")})
    return sample.model_copy(update={"fan_out": sample.fan_out.model_copy(update={"patience_seconds": 0.6})})


@pytest.fixture(autouse=True)
def fail_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise transient errors at once, without repeating calls or pausing."""
    monkeypatch.setattr(paced_client, "MAX_ATTEMPTS", 1)


@pytest.fixture
def store(use_case: UseCase) -> MemoryStore:
    """A run's folder after ``preflight`` and ``ingest``, with ten training rows and four evaluation rows."""
    store = MemoryStore()
    freeze(store, use_case)
    save_champion_snapshot(store, FOLDER, None)
    train, evaluation = [make_row(n) for n in range(1, 11)], [make_row(n) for n in range(101, 105)]
    write_jsonl(store, FOLDER.source("train"), train)
    write_jsonl(store, FOLDER.source("evaluation"), evaluation)
    for number, row in enumerate(train):
        write_jsonl(store, FOLDER.shard("train", number), [row])
    for number, row in enumerate(evaluation):
        write_jsonl(store, FOLDER.shard("evaluation", number), [row])
    return store


@pytest.fixture
def training_set(store: MemoryStore) -> None:
    """Store the files of a training set, as ``upload`` does."""
    store.objects.update({TRAINING_URI: TRAINING_FILE, VALIDATION_URI: VALIDATION_FILE})


@pytest.fixture
def bedrock() -> FakeBedrock:
    return FakeBedrock()


@pytest.fixture
def equip(store: MemoryStore, bedrock: FakeBedrock) -> Any:
    """Return a function that gives a task the fakes in place of its hook and its store."""

    def put(task: RunAccess) -> Any:
        task.__dict__["store"] = store
        task.__dict__["hook"] = bedrock
        return task

    return put


@pytest.fixture
def sent_metrics(monkeypatch: pytest.MonkeyPatch) -> RecordedStats:
    """The metrics that tasks send."""
    recorded = RecordedStats()
    monkeypatch.setattr(metrics, "Stats", recorded)
    return recorded


class FakeTaskInstance(SimpleNamespace):
    """The part of a task instance that the operators use."""

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = value

    def xcom_pull(self, task_ids: str, key: str = "return_value") -> Any:
        return None

    def get_task_states(self, *, dag_id: str, run_ids: list[str], task_ids: list[str]) -> Any:
        return {run_id: dict.fromkeys(task_ids, "running") for run_id in run_ids}


@pytest.fixture
def context() -> dict[str, Any]:
    started = datetime.datetime(2026, 11, 22, 2, 0, tzinfo=datetime.UTC)
    return {
        "ti": FakeTaskInstance(task_id="t", try_number=3, max_tries=2, map_index=-1, xcoms={}, dag_id="d", run_id="r"),
        "params": {},
        "dag_run": SimpleNamespace(start_date=started, run_after=started, dag_id="d", run_id="r"),
    }


@pytest.fixture
def run(
    store: MemoryStore,
    bedrock: FakeBedrock,
    context: dict[str, Any],
    use_case: UseCase,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """A rollback of a use case whose third champion answers on a deployment."""
    from tests.fakes import rollback_run as fakes  # it uses functions of this module

    monkeypatch.setattr(RollbackPlace, "use_cases", tmp_path)
    fakes.write_use_case(tmp_path, use_case, serve="on_demand")
    champions = [fakes.champion(name) for name in ("new", "old", "older")]
    fakes.record(store, *champions, endpoint=fakes.ENDPOINT)
    write_json(store, fakes.SMOKE, {"prompts": [fakes.PROMPT]})
    bedrock.models |= {one.model_arn for one in champions}
    bedrock.say = lambda request: "An answer."
    fakes.put_endpoint(bedrock, champions[0].model_arn)
    return fakes.RollbackRun(store, bedrock, context)


@pytest.fixture
def judged(store: MemoryStore) -> MemoryStore:
    """A run with answers, verdicts and a report."""
    from tests.plugins.labeled_run import judge_run  # it uses functions of this module

    judge_run(store)
    return store


@pytest.fixture
def draw(equip: Any, judged: MemoryStore, use_case: UseCase, tmp_path: Path, context: Any) -> Any:
    from bedrock_distill.operators.label_sample import DrawLabelSampleOperator  # many tests do not need it

    (tmp_path / "aws_docs_qa.yaml").write_text(
        yaml.safe_dump(use_case.model_dump(mode="json", exclude={"environment"}))
    )

    def run(**params: Any) -> Any:
        context["params"] = {"examples": 3, **params}
        task = DrawLabelSampleOperator(task_id="draw_sample", use_case_name="aws_docs_qa", use_cases=tmp_path)
        return equip(task).execute(context)

    return run


@pytest.fixture
def workers(
    judged: MemoryStore,
    use_case: UseCase,
    tmp_path: Path,
    context: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """A finished run in the account of an AWS simulator, whose use case names human workers."""
    from tests.plugins.workers_run import start_workers_run  # it uses constants of this module

    folder = tmp_path / "use_cases"
    folder.mkdir()
    with start_workers_run(tmp_path / "state", judged, use_case, folder, context, monkeypatch) as running:
        yield running
