"""Check the bill of a run that has no report: what it paid for calls, training and endpoints."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bedrock_distill.operators.outcome import RunOutcomeOperator
from bedrock_distill.operators.spent import spent_lines, spent_sentence
from include.distill.config.run_record import RunIdentity, claim_run_folder
from include.distill.config.sections import Arm
from include.distill.config.use_case import UseCase
from include.distill.core.errors import StoredRecordError
from include.distill.core.storage import write_json
from include.distill.cost.prices import BillLine, load_prices
from include.distill.evaluation.champion import save_champion_snapshot
from include.distill.inference.answer_store import AnswerStore
from include.distill.inference.requests import Completion
from tests.distill.conftest import make_request
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze, make_champion

PRICES = load_prices()
JOB: Any = SimpleNamespace(arn="arn:job/1")


@pytest.fixture
def task(equip: Any, store: MemoryStore) -> Any:
    claim_run_folder(store, FOLDER, RunIdentity("test", "d", "r"), use_case="aws_docs_qa")
    return equip(RunOutcomeOperator(task_id="outcome", run_uri=RUN_URI))


def answer(
    store: MemoryStore, user: str, *, paid_by: str = FOLDER.run_key, tokens: tuple[int, int] = (1000, 100)
) -> None:
    request = make_request("claude-sonnet-4-6", user=user)
    completion = Completion("text", "end_turn", *tokens)
    AnswerStore(store, FOLDER.responses, paid_by).store_batch_answer(
        request.key, completion, identity=request.identity, max_tokens=64
    )


def release(
    store: MemoryStore, arm: str, ordinal: int = 1, *, name: str = "pt", until: str = "04:00", units: int = 1
) -> None:
    found = [{"name": name, "created": "2026-11-22T02:00:00+00:00", "units": units}]
    record = {"released_at": f"2026-11-22T{until}:00+00:00", "found": found}
    write_json(store, FOLDER.release_record(arm, ordinal), record)


class TestCalls:
    def test_a_run_that_bought_nothing_has_no_lines(self, task: Any) -> None:
        assert spent_lines(task, []) == []

    def test_the_answers_of_this_run_are_added_up(self, task: Any, store: MemoryStore) -> None:
        answer(store, "one")
        answer(store, "two")
        answer(store, "three", paid_by="another-run")
        assert spent_lines(task, []) == PRICES.token_lines("calls", "claude-sonnet-4-6", 2000, 200, batch=True)

    @pytest.mark.parametrize("is_frozen", [True, False])
    def test_what_costs_nothing_has_no_line(self, task: Any, store: MemoryStore, *, is_frozen: bool) -> None:
        """A run that failed before it froze its use case bought neither training nor an endpoint."""
        if not is_frozen:
            store.delete(FOLDER.use_case)
        answer(store, "one", tokens=(1000, 0))
        [line] = spent_lines(task, [("tuned", JOB, 5.0)])
        assert line.what == "calls: claude-sonnet-4-6 batch input"


class TestTraining:
    @pytest.mark.parametrize("buyer", [FOLDER.run_key, "another-run", None])
    def test_a_job_is_billed_to_the_run_that_bought_it(
        self, task: Any, bedrock: FakeBedrock, buyer: str | None
    ) -> None:
        bedrock.tags_of["arn:job/1"] = {"run-key": buyer} if buyer else {}
        expected = [PRICES.training_line("tuned", "nova-micro", 3_000_000)] if buyer == FOLDER.run_key else []
        assert spent_lines(task, [("tuned", JOB, 3_000_000)]) == expected

    def test_each_job_of_an_arm_is_billed(self, task: Any, bedrock: FakeBedrock) -> None:
        """A second job is bought if the first one fails. Both may be billed."""
        jobs: list[Any] = [("tuned", SimpleNamespace(arn=f"arn:job/{number}"), 10.0) for number in (1, 2)]
        bedrock.tags_of.update({job.arn: {"run-key": FOLDER.run_key} for _, job, _ in jobs})
        assert spent_lines(task, jobs) == 2 * [PRICES.training_line("tuned", "nova-micro", 10.0)]


class TestEndpoints:
    def test_the_hours_of_all_releases_are_billed_once(self, task: Any, store: MemoryStore) -> None:
        release(store, "tuned", 1, until="03:00")
        release(store, "tuned", 2, until="04:00")  # the same endpoint, of which the first deletion failed
        release(store, "tuned", 3, name="second", until="02:30", units=2)
        assert spent_lines(task, []) == [PRICES.throughput_line("tuned", "nova-micro", 3.0)]

    def test_a_release_without_an_endpoint_costs_nothing(self, task: Any, store: MemoryStore) -> None:
        write_json(store, FOLDER.release_record("tuned", 1), {"released_at": "2026-11-22T04:00:00+00:00", "found": []})
        assert spent_lines(task, []) == []

    @pytest.mark.parametrize(("champion", "student"), [("nova-pro", "nova-pro"), (None, "nova-micro")])
    def test_a_champion_is_billed_at_the_price_of_its_own_student(
        self, task: Any, store: MemoryStore, use_case: UseCase, champion: str | None, student: str
    ) -> None:
        """The report and the task ``provision`` use the same price."""
        arms = [*use_case.arms, Arm(name="best", kind="champion")]
        freeze(store, use_case, arms=[arm.model_dump(mode="json") for arm in arms])
        save_champion_snapshot(store, FOLDER, make_champion(student=champion) if champion else None)
        for arm in ("best", "tuned"):
            release(store, arm)
        expected = {"best": PRICES.throughput_line("best", student, 2.0)}
        expected["tuned"] = PRICES.throughput_line("tuned", "nova-micro", 2.0)
        assert {line.what.split(":")[0].split(" ")[1]: line for line in spent_lines(task, [])} == expected

    def test_a_broken_record_is_an_error_and_not_a_lower_bill(self, task: Any, store: MemoryStore) -> None:
        store.write(FOLDER.release_record("tuned", 1), b"{")
        with pytest.raises(StoredRecordError):
            spent_lines(task, [])


class TestSentence:
    def test_nothing_spent(self) -> None:
        assert spent_sentence([]) == "This run has paid for nothing."

    def test_each_kind_of_purchase_has_one_amount(self) -> None:
        lines = [
            *(BillLine("calls: m input", 100, "token", 0.01), BillLine("calls: m output", 100, "token", 0.02)),
            BillLine("calls without an answer (at most): m input", 1, "token", 0.5),
            *(BillLine("training tuned: m", 1000, "token", 1.0), BillLine("throughput tuned: m", 2, "unit-hour", 24.0)),
            BillLine("throughput best: m", 1, "unit-hour", 24.0),
        ]
        assert spent_sentence(lines) == (
            "This run has spent about $1,075.50 so far: $3.50 for model calls, $1,000.00 for training (at most), $72.00"
            " for endpoints. Answers and models stay stored and are reused when the tasks are cleared."
        )
