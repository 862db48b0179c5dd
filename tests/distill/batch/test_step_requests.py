from __future__ import annotations

from typing import Any

import pytest

from include.distill.batch.step_requests import StepRequests, batch_problems, inference_mode, models_of_step
from include.distill.config.catalog import load_catalog
from include.distill.config.layout import RunFolder
from include.distill.config.prompt_loader import load_prompts
from include.distill.config.use_case import UseCase
from include.distill.core.storage import write_jsonl
from tests.distill.conftest import make_row, make_use_case
from tests.fakes.memory_store import MemoryStore
from tools.aws_simulator.models.delimiters import section

FOLDER = RunFolder("s3://training/distill/runs/run-1")
USE_CASE = make_use_case(judges=["claude-haiku-4-5", "llama-3-3-70b"])
IN_BATCHES = {"synthesis": {"inference": "batch"}, "judging": {"inference": "batch"}}


def step_requests(store: MemoryStore, shards: list[int] | None = None) -> StepRequests:
    prompts = load_prompts(USE_CASE.prompts, store)[1]
    return StepRequests(USE_CASE, store, FOLDER, prompts, shards or [])


class TestModels:
    def test_synthesize_calls_the_teacher_and_judge_calls_every_judge(self) -> None:
        assert [model.key for model in models_of_step(USE_CASE, "synthesize")] == [USE_CASE.teacher]
        assert [model.key for model in models_of_step(USE_CASE, "judge")] == list(USE_CASE.judges)

    def test_each_step_has_its_own_inference_mode(self) -> None:
        use_case = make_use_case(judging={"inference": "batch"})
        assert (inference_mode(use_case, "synthesize"), inference_mode(use_case, "judge")) == ("on_demand", "batch")


class TestProblems:
    def test_there_is_no_problem_if_the_models_support_batch_jobs_in_the_region(self) -> None:
        assert batch_problems(make_use_case(**IN_BATCHES)) == []

    def test_there_is_no_problem_for_a_step_that_calls_its_model_on_demand(self) -> None:
        assert batch_problems(elsewhere(make_use_case())) == []

    def test_a_model_without_batch_jobs_in_this_region_is_named_once_with_its_batch_regions(self) -> None:
        use_case = make_use_case(**IN_BATCHES, judges=["claude-sonnet-4-6"])  # the teacher is a judge too
        (problem,) = batch_problems(elsewhere(use_case))
        assert problem == (
            "model claude-sonnet-4-6 supports batch jobs only in us-east-1, us-east-2, us-west-2, but aws.region is"
            " eu-west-3; set inference: on_demand for the step that uses this model"
        )

    def test_a_model_without_batch_jobs_is_named_with_the_setting_to_change_and_models_that_have_them(self) -> None:
        use_case = make_use_case(synthesis={"inference": "batch"}, teacher="claude-sonnet-5-5")
        assert batch_problems(use_case, {"nova-lite": 1.0}) == [
            "model claude-sonnet-5-5 does not support batch jobs; set inference: on_demand for the step that uses this"
            " model, or name another model in the use-case file, such as claude-sonnet-4-6, nova-lite, llama-3-1-70b"
        ]


def elsewhere(use_case: UseCase) -> UseCase:
    return use_case.model_copy(update={"aws": use_case.aws.model_copy(update={"region": "eu-west-3"})})


class TestSynthesis:
    def test_there_is_one_request_for_each_row_of_the_given_shards_in_row_order(self, store: MemoryStore) -> None:
        for shard in range(3):
            rows = [make_row(10 * shard + number) for number in range(2)]
            write_jsonl(store, FOLDER.shard("train", shard), rows)
        (teacher,) = models_of_step(USE_CASE, "synthesize")
        requests = list(step_requests(store, shards=[0, 2]).first_requests("synthesize", teacher))
        assert [section(request.user, "question") for request in requests] == [
            make_row(number)["question"] for number in (0, 1, 20, 21)
        ]
        assert {(request.identity, request.sample) for request in requests} == {(teacher.inference_id, 0)}


class TestJudging:
    JUDGE = load_catalog().model("llama-3-3-70b")

    def answer(self, store: MemoryStore, arm: str, rows: list[dict[str, Any]], answers: list[str]) -> None:
        for shard, (row, text) in enumerate(zip(rows, answers, strict=True)):  # each shard has one row
            record = {"row_id": row["row_id"], "arm": arm, "question": "q", "answer": text, "second_answer": text}
            write_jsonl(store, FOLDER.answers(arm, shard), [record])

    @pytest.fixture
    def rows(self, store: MemoryStore) -> list[dict[str, Any]]:
        rows = [make_row(number) for number in range(2)]
        write_jsonl(store, FOLDER.source("evaluation"), rows)
        return rows

    def test_every_pair_of_arms_is_judged_in_both_orders(self, store: MemoryStore, rows: list[dict[str, Any]]) -> None:
        for arm in USE_CASE.arms:
            self.answer(store, arm.name, rows, [f"{arm.name} {number}" for number in range(2)])
        requests = list(step_requests(store).first_requests("judge", self.JUDGE))
        shown = {(section(request.user, "answer_a"), section(request.user, "answer_b")) for request in requests}
        for pair in USE_CASE.judged_pairs:
            if pair.candidate != USE_CASE.noise_control_arm:
                for number in range(2):
                    candidate, baseline = f"{pair.candidate} {number}", f"{pair.baseline} {number}"
                    assert {(candidate, baseline), (baseline, candidate)} <= shown
        assert {request.identity for request in requests} == {self.JUDGE.inference_id}

    def test_equal_answers_are_not_sent_to_a_judge(self, store: MemoryStore, rows: list[dict[str, Any]]) -> None:
        for arm in USE_CASE.arms:
            self.answer(store, arm.name, rows, ["the same", f"{arm.name}'s own"])
        requests = list(step_requests(store).first_requests("judge", self.JUDGE))
        assert requests
        assert all("the same" not in request.user for request in requests)
