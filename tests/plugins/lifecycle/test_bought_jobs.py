from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.lifecycle.bought_jobs import other_job_lines
from bedrock_distill.operators.spent import spent
from include.distill.core.errors import TransientError
from include.distill.cost.bought_jobs import BoughtJobs
from include.distill.cost.evaluation_lines import token_lines
from include.distill.cost.optimization_lines import job_lines
from include.distill.cost.prices import load_prices
from include.distill.managed_evaluation.ended_jobs import EndedEvaluationJobs
from include.distill.prompt_optimization.ended_jobs import EndedOptimizationJobs
from tests.fakes.fake_bedrock import CREATED, FakeBedrock
from tests.fakes.fake_evaluation_jobs import FakeEvaluationJobs
from tests.fakes.fake_prompt_optimizations import FILE
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER
from tests.plugins.operators import conftest

answer, evaluations, submit_evaluation = conftest.answer, conftest.evaluations, conftest.submit_evaluation
optimizations, submit_optimization = conftest.optimizations, conftest.submit_optimization
PRICES = load_prices()
SCORES = token_lines(PRICES, "tuned", "nova-pro", 1000, 100)
TRAINING = [PRICES.training_line("tuned", "nova-micro", 1000)]
AT_MOST = " without results (at most)"


@pytest.fixture
def job(submit_evaluation: Any, evaluations: FakeEvaluationJobs, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An evaluation job that this run bought."""
    monkeypatch.setattr("bedrock_distill.lifecycle.bought_jobs.EvaluationJobs", lambda hook: evaluations)
    return submit_evaluation()


@pytest.fixture
def optimization(submit_optimization: Any, optimizations: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A prompt optimization job that this run bought."""
    monkeypatch.setattr("bedrock_distill.lifecycle.bought_jobs.PromptOptimizationJobs", lambda hook: optimizations)
    return submit_optimization()


def names(bedrock: FakeBedrock, store: MemoryStore, *counted: str) -> set[str]:
    return {line.what.partition(":")[0] for line in other_job_lines(bedrock, store, FOLDER, counted)}  # type: ignore[arg-type]


class TestEvaluation:
    @pytest.mark.parametrize(
        ("status", "billed"),
        [
            ("Completed", "scores tuned (estimated)"),
            ("Stopped", f"scores tuned{AT_MOST}"),
            ("Failed", f"scores tuned{AT_MOST}"),
            ("InProgress", f"scores tuned{AT_MOST}"),
        ],
    )
    def test_a_job_that_no_result_names_is_billed_also_after_it_was_deleted(
        self, job: Any, bedrock: FakeBedrock, store: MemoryStore, evaluations: FakeEvaluationJobs, status: str,
        billed: str,
    ) -> None:  # fmt: skip
        evaluations.end(job["job_arn"], status)
        assert names(bedrock, store) == {billed}
        assert names(bedrock, store, job["job_name"]) == set()
        ended = {"job_name": job["job_name"], "job_arn": job["job_arn"], "status": status, "message": None}
        EndedEvaluationJobs(store, FOLDER).add({**ended, "output_uri": ""})  # type: ignore[typeddict-item]
        evaluations.delete([job["job_arn"]])
        assert names(bedrock, store) == {billed}

    def test_the_lines_are_those_of_the_whole_job(
        self, job: Any, bedrock: FakeBedrock, store: MemoryStore, evaluations: FakeEvaluationJobs
    ) -> None:
        evaluations.end(job["job_arn"], "Stopped")
        lines: Any = other_job_lines(bedrock, store, FOLDER, ())  # type: ignore[arg-type]
        assert [line.quantity for line in lines] == [job["input_tokens"], job["output_tokens"]]

    def test_a_job_that_was_deleted_before_its_end_was_seen_is_billed_once_it_is_known_to_be_missing(
        self, job: Any, bedrock: FakeBedrock, store: MemoryStore, evaluations: FakeEvaluationJobs
    ) -> None:
        evaluations.delete([job["job_arn"]])
        assert names(bedrock, store) == set()
        EndedEvaluationJobs(store, FOLDER).note_missing(job["job_name"], None, CREATED)
        assert names(bedrock, store) == {f"scores tuned{AT_MOST}"}

    def test_a_job_that_another_run_bought_is_not_billed(
        self, job: Any, bedrock: FakeBedrock, store: MemoryStore
    ) -> None:
        bedrock.tags_of[job["job_arn"]]["run-key"] = "another-run"
        assert names(bedrock, store) == set()

    def test_a_job_that_bedrock_refused_is_not_billed(
        self, job: Any, bedrock: FakeBedrock, store: MemoryStore, evaluations: FakeEvaluationJobs
    ) -> None:
        BoughtJobs(store, FOLDER).add("evaluation", "refused", SCORES)
        assert names(bedrock, store, job["job_name"]) == set()

    def test_a_job_that_cannot_be_looked_up_is_billed_at_most(
        self, job: Any, bedrock: FakeBedrock, store: MemoryStore, evaluations: FakeEvaluationJobs, monkeypatch: Any
    ) -> None:
        def fail(name: str) -> None:
            raise TransientError("no connection")

        monkeypatch.setattr(evaluations, "find", fail)
        assert names(bedrock, store) == {f"scores tuned{AT_MOST}"}


class TestOptimization:
    @pytest.mark.parametrize(
        ("status", "ending"),
        [
            ("Completed", " (estimated)"),
            ("PartiallyCompleted", " (estimated)"),
            ("Stopped", AT_MOST),
            ("Failed", AT_MOST),
        ],
    )
    def test_a_job_that_no_result_names_is_billed_also_after_it_was_deleted(
        self, optimization: Any, bedrock: FakeBedrock, store: MemoryStore, optimizations: Any, status: str, ending: str
    ) -> None:
        optimizations.put(optimization["job_arn"], status=status)
        judge = (
            "prompt optimization prompted (estimated), judge"
            if ending != AT_MOST
            else (f"prompt optimization prompted, judge{AT_MOST}")
        )
        billed = {f"prompt optimization prompted{ending}", judge}
        assert names(bedrock, store) == billed
        assert names(bedrock, store, optimization["job_name"]) == set()
        ended = {"job_name": optimization["job_name"], "job_arn": "a", "status": status, "message": None}
        EndedOptimizationJobs(store, FOLDER).add({**ended, "output_uri": ""})  # type: ignore[typeddict-item]
        optimizations.delete([optimization["job_arn"]])
        assert names(bedrock, store) == billed

    def test_the_lines_are_those_of_the_whole_job(
        self, optimization: Any, bedrock: FakeBedrock, store: MemoryStore
    ) -> None:
        lines: Any = other_job_lines(bedrock, store, FOLDER, ())  # type: ignore[arg-type]
        assert sorted(line.quantity for line in lines) == sorted(optimization["tokens"].values())

    def test_each_attempt_of_a_run_is_billed_once(
        self, optimization: Any, bedrock: FakeBedrock, store: MemoryStore, optimizations: Any, submit_optimization: Any
    ) -> None:
        optimizations.end(optimization["job_arn"], "Stopped")
        second = submit_optimization()
        optimizations.end(second["job_arn"])
        store.delete(f"{optimizations.folder(second['job_arn'])}/{FILE}")
        third = submit_optimization()
        optimizations.end(third["job_arn"])
        attempts = [optimization, second, third]
        assert [(job["attempt"], job["bought"]) for job in attempts] == [(1, True), (2, True), (3, True)]
        lines = spent(submit_optimization.task, [], optimizations=[third]).lines
        whole = sum(line.usd for line in job_lines(submit_optimization.task.use_case, "", third["tokens"], PRICES))
        stopped = sum(line.usd for line in lines if AT_MOST in line.what)
        assert stopped == pytest.approx(whole)
        assert sum(line.usd for line in lines) == pytest.approx(3 * whole)


class TestTraining:
    @pytest.mark.parametrize(
        ("status", "billed"),
        [("Completed", {"training tuned"}), ("Stopped", {f"training tuned{AT_MOST}"}), (None, set())],
    )
    def test_a_job_that_was_replaced_is_billed_if_it_exists(
        self, bedrock: FakeBedrock, store: MemoryStore, status: str | None, billed: set[str]
    ) -> None:
        BoughtJobs(store, FOLDER).add("training", "job", TRAINING)
        if status:
            bedrock.put_job("job", status)
            bedrock.tags_of[bedrock.jobs["job"].arn] = {"run-key": FOLDER.run_key}
        assert names(bedrock, store) == billed
        assert names(bedrock, store, "job") == set()

    def test_a_job_of_another_run_is_not_billed(self, bedrock: FakeBedrock, store: MemoryStore) -> None:
        BoughtJobs(store, FOLDER).add("training", "job", TRAINING)
        bedrock.put_job("job", "Stopped")
        bedrock.tags_of[bedrock.jobs["job"].arn] = {"run-key": "another-run"}
        assert names(bedrock, store) == set()
