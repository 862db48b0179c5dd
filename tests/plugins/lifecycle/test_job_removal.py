from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.hooks.evaluations import EvaluationJob
from bedrock_distill.hooks.prompt_optimizations import OptimizationJob
from bedrock_distill.lifecycle.job_removal import JOB_REMOVALS
from include.distill.cleanup.plan import ResourceKind
from include.distill.core.ended_jobs import EndedJob
from include.distill.core.storage import read_json, write_json
from tests.fakes.fake_bedrock import CREATED, FakeBedrock
from tests.fakes.fake_evaluation_jobs import FakeEvaluationJobs
from tests.fakes.fake_named_jobs import FakeNamedJobs
from tests.fakes.fake_prompt_optimizations import FakePromptOptimizations
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER

ARN = "arn:job/1"
OUTPUT = "s3://output/e/"
ENDED: EndedJob = {
    "job_name": "job",
    "job_arn": ARN,
    "status": "Stopped",
    "message": None,
    "output_uri": OUTPUT,
}
EVALUATION = EvaluationJob("job", ARN, "Stopped", CREATED, OUTPUT, "r", FOLDER.evaluation_dataset("0" * 64))
OPTIMIZATION = OptimizationJob(
    "job", ARN, "Stopped", CREATED, OUTPUT, FOLDER.optimization_dataset("0" * 64), ("nova-micro",)
)


class Removal:
    """A job of one kind in Bedrock, the function that deletes it, and where its record is stored."""

    def __init__(self, kind: ResourceKind, bedrock: FakeBedrock, store: MemoryStore) -> None:
        self.kind, self.bedrock, self.store = kind, bedrock, store
        self.is_evaluation = kind is ResourceKind.EVALUATION_JOB
        fakes: Any = FakeEvaluationJobs if self.is_evaluation else FakePromptOptimizations
        self.fake: FakeNamedJobs[Any, Any] = fakes(store, bedrock)
        self.fake.jobs[ARN] = EVALUATION if self.is_evaluation else OPTIMIZATION
        self.record_uri = (FOLDER.ended_evaluation if self.is_evaluation else FOLDER.ended_optimization)("job")

    def delete(self) -> str | None:
        bedrock: Any = self.bedrock
        store: Any = self.store
        return JOB_REMOVALS[self.kind](bedrock, store, ARN)

    def record(self) -> EndedJob:
        return read_json(self.store, self.record_uri, EndedJob)


@pytest.fixture(params=[ResourceKind.EVALUATION_JOB, ResourceKind.OPTIMIZATION_JOB])
def removal(request: Any, bedrock: FakeBedrock, store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> Removal:
    made = Removal(request.param, bedrock, store)
    client = "EvaluationJobs" if made.is_evaluation else "PromptOptimizationJobs"
    monkeypatch.setattr(f"bedrock_distill.lifecycle.job_removal.{client}", lambda _: made.fake)
    return made


def test_how_the_job_ended_is_recorded_where_the_next_run_looks(removal: Removal) -> None:
    assert removal.delete() is None
    assert removal.fake.jobs == {}
    assert removal.record() == ENDED


def test_an_earlier_record_is_kept(removal: Removal, store: MemoryStore) -> None:
    earlier: EndedJob = {**ENDED, "status": "Completed"}
    write_json(store, removal.record_uri, earlier)
    removal.delete()
    assert removal.record() == earlier


def test_bedrocks_reason_is_returned(removal: Removal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal.fake, "delete", lambda arns: dict.fromkeys(arns, "ConflictException: it runs"))
    assert removal.delete() == "ConflictException: it runs"


def test_a_job_that_is_gone_needs_no_record(removal: Removal, store: MemoryStore) -> None:
    removal.fake.jobs.clear()
    assert removal.delete() is None
    assert not store.exists(removal.record_uri)
