"""Test what a run with an optimized prompt expects to find stored, and what it buys again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from include.distill.config.prompts import Prompt
from include.distill.config.use_case import UseCase
from include.distill.core.ended_jobs import EndedJob
from include.distill.core.naming import optimization_name
from include.distill.core.storage import write_json
from include.distill.core.version import VERSION
from include.distill.cost import bought_again as module
from include.distill.cost.bought_again import Comparison, earlier_run
from include.distill.cost.estimate import estimate
from include.distill.cost.optimization_lines import optimization_lines
from include.distill.cost.prices import load_prices, total_usd
from include.distill.cost.records import RepeatedPurchase
from include.distill.cost.stored_already import repeats_earlier_run, reused_prompts, stored_usd
from include.distill.cost.stored_prompts import StoredPrompts
from include.distill.dataset.records import Row
from include.distill.inference.answer_store import AnswerStore
from include.distill.inference.student import Student
from include.distill.prompt_optimization.dataset import optimization_input
from include.distill.prompt_optimization.ended_jobs import EndedOptimizationJobs
from include.distill.prompt_optimization.plan import optimization_plan
from include.distill.prompt_optimization.records import OptimizedPrompt, PromptFigures
from include.distill.prompt_optimization.results import FILE
from tests.distill.cost import test_bought_again
from tests.distill.cost.test_bought_again import EVALUATION, LAST, NEXT, PROMPTS, TRAIN, read_rows, store_answer
from tests.fakes.memory_store import MemoryStore

complete_run = test_bought_again.store  # pytest finds the fixture by its name
ARMS = [
    {"name": "base", "kind": "base"},
    {"name": "prompted", "kind": "base", "prompt": "optimized"},
    {"name": "tuned"},
]
OPTIMIZED = "Quote.\n<document>{{document}}</document>\n<question>{{question}}</question>"
NOTHING: PromptFigures = {"score": None, "input_tokens": None, "output_tokens": None}
JOB, ANSWERS = "prompt optimization prompted", "answers prompted"


def use_case(**changes: Any) -> UseCase:
    raw = test_bought_again.USE_CASE.model_dump(mode="json")
    return UseCase.model_validate({**raw, "arms": ARMS, "prompt_optimization": {"samples": 5}, **changes})


def job_name(attempt: int = 1) -> str:
    plan = optimization_plan(use_case(), "prompted", optimization_input(TRAIN, use_case(), PROMPTS))
    return optimization_name(use_case().environment, use_case().name, "prompted", plan.fingerprint, attempt)


def prompt(name: str) -> OptimizedPrompt:
    job = {"arm": "prompted", "job_name": name, "job_arn": "arn", "samples": 5, "judge": "claude-sonnet-4-6"}
    return {**job, "original": "o", "optimized": OPTIMIZED, "before": NOTHING, "after": NOTHING}  # type: ignore[typeddict-item]


def result_file() -> bytes:
    """Return the results of a job in Bedrock's format."""
    model = use_case().catalog_model(use_case().student).inference_id
    entry = {"modelId": model, "status": "SUCCESS", "optimizedPromptTemplate": OPTIMIZED}
    return json.dumps({"promptOptimizationResults": [entry]}).encode()


def end_job(store: MemoryStore, attempt: int, status: str, results: bytes | None = None) -> None:
    """Record how a job for this run's input ended, as a task of any run does, and store its results."""
    name, output_uri = job_name(attempt), "s3://output/prompt_optimizations/1f2e/"
    record: EndedJob = {
        "job_name": name,
        "job_arn": f"arn:job/{attempt}",
        "status": status,
        "message": None,
        "output_uri": output_uri,
    }
    EndedOptimizationJobs(store, NEXT).add(record)
    if results is not None:
        store.write(f"{output_uri}{attempt}/{FILE}", results)


@pytest.fixture
def store(complete_run: MemoryStore) -> MemoryStore:
    """A store after a complete run in which a job optimized the prompt of an arm."""
    read_rows(complete_run, LAST, use_case(), PROMPTS, [*TRAIN, *EVALUATION])
    write_json(complete_run, LAST.optimized_prompt("prompted"), prompt(job_name()))
    complete_run.write(LAST.answers("prompted", 0), b"{}")
    student = Student.from_use_case(use_case(), PROMPTS, optimized=OPTIMIZED)
    answers = AnswerStore(complete_run, LAST.responses, LAST.run_key)
    for row in EVALUATION:
        store_answer(answers, student.request(row))
    return complete_run


def lines_of(case: UseCase) -> list[Any]:
    bill = estimate(case, train=TRAIN, evaluation=EVALUATION, prices=load_prices())
    return [*bill, *optimization_lines(case, TRAIN, load_prices())]


def bought_again(
    store: MemoryStore, case: UseCase | None = None, prompts: Any = PROMPTS, train: Sequence[Row] = TRAIN
) -> dict[str, RepeatedPurchase]:
    case = case or use_case()
    read_rows(store, NEXT, case, prompts, [*train, *EVALUATION])
    earlier = earlier_run(store, NEXT, case.name)
    assert earlier is not None
    answers = AnswerStore(store, NEXT.responses, NEXT.run_key)
    rows = {"train": train, "evaluation": EVALUATION}
    found = Comparison(case, prompts, store, answers, earlier, lines_of(case), rows.__getitem__).find()
    return {purchase["what"]: purchase for purchase in found}


class TestBoughtAgain:
    def test_a_second_run_without_changes_buys_nothing_again(self, store: MemoryStore) -> None:
        assert bought_again(store) == {}

    @pytest.mark.parametrize("section", [{"samples": 5, "timeout_hours": 3}, {"samples": 5, "max_attempts": 9}])
    def test_settings_without_an_effect_on_the_job_are_no_reason(
        self, store: MemoryStore, section: dict[str, Any]
    ) -> None:
        assert bought_again(store, use_case(prompt_optimization=section)) == {}

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"prompt_optimization": {"samples": 4}}, "prompt_optimization changed"),
            ({"prompt_optimization": {"samples": 5, "steering_criteria": ["CONCISE"]}}, "prompt_optimization changed"),
            ({"answering": {"max_tokens": 77}}, "answering changed"),
        ],
    )
    def test_a_setting_that_changes_the_job_buys_the_job_again_and_maybe_the_answers(
        self, store: MemoryStore, changes: dict[str, Any], reason: str
    ) -> None:
        case = use_case(**changes)
        found = bought_again(store, case)
        expected = total_usd(optimization_lines(case, TRAIN, load_prices()))
        assert (found[JOB]["count"], found[JOB]["certain"], found[JOB]["reasons"]) == (1, True, [reason])
        assert found[JOB]["usd"] == pytest.approx(expected, abs=1e-3)
        assert (found[ANSWERS]["count"], found[ANSWERS]["certain"]) == (len(EVALUATION), False)
        assert found[ANSWERS]["reasons"] == [
            "a job optimizes the prompt again, and only an answer to the same prompt can be reused"
        ]
        assert "judging" in found
        assert ("answers base" in found) is ("answering" in changes)

    def test_another_answering_prompt_is_named_as_the_reason(self, store: MemoryStore) -> None:
        changed = Prompt("answering.j2", f"{PROMPTS['answering.j2'].template}\nAnswer politely.")
        found = bought_again(store, prompts={**PROMPTS, "answering.j2": changed})
        assert found[JOB]["reasons"] == ["prompts.answering changed"]

    def test_other_samples_are_named_as_the_reason(self, store: MemoryStore) -> None:
        found = bought_again(store, train=TRAIN[::-1])
        assert found[JOB]["reasons"] == ["the first training rows, which are the samples, changed"]
        assert JOB not in bought_again(store, train=[*TRAIN[:5], *TRAIN[:4:-1]])

    def test_another_version_is_named_as_the_reason(self, store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
        write_json(store, LAST.optimized_prompt("prompted"), prompt("a name of another version"))
        monkeypatch.setattr(module, "VERSION", "9.9.9")
        found = bought_again(store)
        (reason,) = found[JOB]["reasons"]
        assert reason.startswith("version 9.9.9 writes a different input for the job than ")
        assert VERSION in reason

    def test_a_deleted_answer_to_the_same_prompt_is_bought_again(self, store: MemoryStore) -> None:
        for uri in store.list(f"{LAST.responses}/"):
            if "nova-micro" in uri:
                store.delete(uri)
        assert (bought_again(store)[ANSWERS]["count"], bought_again(store)[ANSWERS]["certain"]) == (4, True)

    @pytest.mark.parametrize("body", [None, b"{", b"{}"])
    def test_an_earlier_run_without_a_readable_prompt_bought_nothing_that_is_known(
        self, store: MemoryStore, body: bytes | None
    ) -> None:
        store.delete(LAST.optimized_prompt("prompted"))
        if body is not None:
            store.write(LAST.optimized_prompt("prompted"), body)
        assert bought_again(store) == {}


class TestStoredAlready:
    def stored(self, store: MemoryStore, case: UseCase | None = None) -> float:
        case = case or use_case()
        rows = {"train": TRAIN, "evaluation": EVALUATION}.__getitem__
        read_rows(store, NEXT, case, PROMPTS, [*TRAIN, *EVALUATION])
        earlier = earlier_run(store, NEXT, case.name)
        assert earlier is not None
        return stored_usd(
            case,
            PROMPTS,
            AnswerStore(store, NEXT.responses, NEXT.run_key),
            lines=lines_of(case),
            rows=rows,
            repeats_earlier_run=repeats_earlier_run(case, earlier, store, rows),
            optimized=reused_prompts(case, PROMPTS, store, earlier, rows, NEXT),
        )

    def usd(self, *prefixes: str) -> float:
        return sum(line.usd for line in lines_of(use_case()) if line.what.startswith(prefixes))

    def test_a_run_that_repeats_a_complete_run_is_expected_to_pay_nothing(self, store: MemoryStore) -> None:
        assert self.stored(store) == pytest.approx(total_usd(lines_of(use_case())))

    def test_the_job_of_another_attempt_is_found_too(self, store: MemoryStore) -> None:
        write_json(store, LAST.optimized_prompt("prompted"), prompt(job_name(attempt=3)))
        assert self.stored(store) == pytest.approx(total_usd(lines_of(use_case())))

    def test_without_the_job_neither_the_job_nor_its_answers_are_expected_to_be_stored(
        self, store: MemoryStore
    ) -> None:
        write_json(store, LAST.optimized_prompt("prompted"), prompt("another-job"))
        assert self.stored(store) == pytest.approx(self.usd("synthesis:", "answers base:"), abs=1e-3)

    def test_the_job_is_stored_even_if_its_answers_were_deleted(self, store: MemoryStore) -> None:
        for uri in store.list(f"{LAST.responses}/"):
            if "nova-micro" in uri:
                store.delete(uri)
        assert self.stored(store) == pytest.approx(self.usd("synthesis:", JOB), abs=1e-3)

    def test_a_job_of_a_run_before_the_last_one_is_found_by_its_name(self, store: MemoryStore) -> None:
        write_json(store, LAST.optimized_prompt("prompted"), prompt("another-job"))
        end_job(store, 1, "Stopped")
        end_job(store, 2, "Completed", result_file())
        assert bought_again(store) == {}
        assert self.stored(store) == pytest.approx(total_usd(lines_of(use_case())))

    def test_the_job_of_a_run_that_stopped_before_it_read_the_prompt_is_found(self, store: MemoryStore) -> None:
        store.delete(LAST.optimized_prompt("prompted"))
        end_job(store, 1, "PartiallyCompleted", result_file())
        assert self.stored(store) == pytest.approx(total_usd(lines_of(use_case())))

    @pytest.mark.parametrize("body", [b"{", b""])
    def test_a_job_whose_prompt_cannot_be_read_is_stored_without_its_answers(
        self, store: MemoryStore, body: bytes
    ) -> None:
        end_job(store, 1, "Completed", body)
        assert self.stored(store) == pytest.approx(self.usd("synthesis:", "answers base:", JOB), abs=1e-3)
        assert JOB not in bought_again(store)

    @pytest.mark.parametrize("status", ["Completed", "Stopped", "Failed", "Deleted"])
    def test_a_job_without_results_is_expected_to_be_bought_again(self, store: MemoryStore, status: str) -> None:
        end_job(store, 1, status)
        assert self.stored(store) == pytest.approx(self.usd("synthesis:", "answers base:"), abs=1e-3)
        assert bought_again(store)[JOB]["reasons"] == ["the results of the job were deleted"]

    def test_the_first_run_has_no_prompt(self) -> None:
        assert reused_prompts(use_case(), PROMPTS, MemoryStore(), None, lambda _: TRAIN, NEXT) == {}

    def test_a_job_is_found_even_if_no_run_was_recorded(self) -> None:
        store = MemoryStore()
        end_job(store, 3, "Completed", result_file())
        assert reused_prompts(use_case(), PROMPTS, store, None, lambda _: TRAIN, NEXT) == {"prompted": OPTIMIZED}


def test_the_prompt_of_another_environment_or_use_case_is_not_expected_to_be_reused(store: MemoryStore) -> None:
    def reused(**changes: Any) -> str | None:
        job = StoredPrompts(use_case(**changes), PROMPTS, store, lambda _: TRAIN).job(LAST, "prompted")
        return job and job.prompt

    assert reused() == OPTIMIZED
    assert reused(environment="other") is None
    assert reused(name="other") is None
