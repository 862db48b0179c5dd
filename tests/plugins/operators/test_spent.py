"""Check the bill of a run that has no report: what it paid for calls, training and endpoints."""

from __future__ import annotations

import datetime
import json
from types import SimpleNamespace
from typing import Any

import pytest

from bedrock_distill.hooks.batch_jobs import BatchJob
from bedrock_distill.operators.outcome import RunOutcomeOperator
from bedrock_distill.operators.spent import UNCOLLECTED, Spent, spent, spent_sentence
from include.distill.batch.pending_jobs import BatchJobPlan, BatchOutcome, PendingBatchJobs
from include.distill.config.arms import Arm
from include.distill.config.run_record import RunIdentity, claim_run_folder
from include.distill.config.use_case import UseCase
from include.distill.core.errors import RefusedError, StoredRecordError
from include.distill.core.naming import throughput_names
from include.distill.core.storage import write_json, write_jsonl
from include.distill.cost.bought_jobs import BoughtJobs
from include.distill.cost.job_price import JobTokens
from include.distill.cost.prices import BillLine, load_prices
from include.distill.evaluation.champion import save_champion_snapshot
from include.distill.inference.answer_store import AnswerStore
from include.distill.inference.requests import Completion
from tests.distill.conftest import make_request
from tests.fakes.fake_batch_jobs import FakeBatchJobs
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.standing_run import NAME
from tests.plugins.conftest import FOLDER, RUN_URI, freeze, make_champion

PRICES = load_prices()
HOURLY = PRICES.price("nova-micro", "throughput_per_hour")
JOB: Any = SimpleNamespace(arn="arn:job/1", name="job-1")


def spent_lines(task: Any, jobs: Any) -> list[BillLine]:
    return spent(task, jobs).lines


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
        [line] = spent_lines(task, [("tuned", JOB, JobTokens(5.0))])
        assert line.what == "calls: claude-sonnet-4-6 batch input"


class TestTraining:
    @pytest.mark.parametrize("buyer", [FOLDER.run_key, "another-run", None])
    def test_a_job_is_billed_to_the_run_that_bought_it(
        self, task: Any, bedrock: FakeBedrock, buyer: str | None
    ) -> None:
        bedrock.tags_of["arn:job/1"] = {"run-key": buyer} if buyer else {}
        expected = [PRICES.training_line("tuned", "nova-micro", 2 * 3_000_000)] if buyer == FOLDER.run_key else []
        assert spent_lines(task, [("tuned", JOB, JobTokens(3_000_000))]) == expected

    def test_each_job_of_an_arm_is_billed(self, task: Any, bedrock: FakeBedrock) -> None:
        """A second job is bought if the first one fails. Both may be billed."""
        jobs: list[Any] = [
            ("tuned", SimpleNamespace(arn=f"arn:job/{number}", name=f"job-{number}"), JobTokens(5.0))
            for number in (1, 2)
        ]
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


class TestEndpointsThatExist:
    """The cost counts until now while no deletion is recorded."""

    @pytest.fixture
    def created(self) -> datetime.datetime:
        """The time of the purchase, three hours before the test."""
        return datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=3)

    def name(self, ordinal: int = 1) -> str:
        return throughput_names("test", "aws_docs_qa", "tuned", FOLDER.run_key, ordinal).name

    def test_an_endpoint_whose_deletion_failed_is_billed_until_now(
        self, created: datetime.datetime, task: Any, store: MemoryStore, bedrock: FakeBedrock
    ) -> None:
        bedrock.put_throughput(self.name(), "InService", created=created)
        found = [{"name": self.name(), "created": created.isoformat(), "units": 1}]
        record = {"released_at": (created + datetime.timedelta(hours=1)).isoformat(), "found": found}
        write_json(store, FOLDER.release_record("tuned", 1), record)
        bill = spent(task, [], {"tuned": None})
        assert [line.quantity for line in bill.lines] == [pytest.approx(3, abs=0.1)]
        assert (bill.failed, bill.hourly, bill.failed_hourly) == ([], HOURLY, 0)
        assert f" for endpoints. Endpoints that still exist cost ${HOURLY:.2f} per hour until" in spent_sentence(bill)

    def test_an_endpoint_without_any_release_record_is_billed_until_now(
        self, created: datetime.datetime, task: Any, bedrock: FakeBedrock
    ) -> None:
        bedrock.put_throughput(self.name(), "Creating", created=created)
        assert [line.quantity for line in spent(task, [], {"tuned": None}).lines] == [pytest.approx(3, abs=0.1)]

    def test_what_provision_bought_is_counted_if_bedrock_does_not_answer(
        self, created: datetime.datetime, task: Any, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_: str) -> Any:
            raise RefusedError("AccessDenied")

        monkeypatch.setattr(bedrock, "find_throughput", refuse)
        bought: Any = {"throughput_name": self.name(), "created": created.isoformat()}
        bill = spent(task, [], {"tuned": bought})
        assert ([line.quantity for line in bill.lines], bill.hourly) == ([pytest.approx(3, abs=0.1)], HOURLY)
        assert spent(task, [], {"tuned": None}) == Spent()
        assert spent(task, [], {"tuned": {**bought, "throughput_name": None}}) == Spent()

    def test_an_endpoint_that_was_deleted_is_billed_until_its_release(self, task: Any, store: MemoryStore) -> None:
        release(store, "tuned")
        bill = spent(task, [], {"tuned": None})
        assert ([line.quantity for line in bill.lines], bill.hourly) == ([2.0], 0)

    def test_an_endpoint_that_failed_is_no_certain_cost(
        self, created: datetime.datetime, task: Any, store: MemoryStore, bedrock: FakeBedrock
    ) -> None:
        bedrock.put_throughput(self.name(), "Failed", created=created)
        bill = spent(task, [], {"tuned": None})
        assert (bill.lines, bill.hourly, bill.failed_hourly) == ([], 0, HOURLY)
        assert [line.quantity for line in bill.failed] == [pytest.approx(3, abs=0.1)]
        text = spent_sentence(bill)
        assert text.startswith("This run has paid for nothing. If Bedrock bills endpoints that failed, add at most $")
        assert text.endswith(f", and ${HOURLY:.2f} per hour until they are deleted.")

    def test_a_failed_endpoint_that_was_released_is_no_certain_cost(
        self, created: datetime.datetime, task: Any, store: MemoryStore
    ) -> None:
        found = [{"name": "pt", "created": "2026-11-22T02:00:00+00:00", "units": 1, "failed": True}]
        record = {"released_at": "2026-11-22T04:00:00+00:00", "found": found}
        write_json(store, FOLDER.release_record("tuned", 1), record)
        assert spent(task, []) == Spent(failed=[PRICES.throughput_line("tuned", "nova-micro", 2.0)])


class TestBatchJobs:
    ARN = "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/job7"

    @pytest.fixture
    def batches(self, store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> FakeBatchJobs:
        fake = FakeBatchJobs(store)
        monkeypatch.setattr("bedrock_distill.operators.spent.BatchJobs", lambda _: fake)
        return fake

    def buy(self, store: MemoryStore, batches: FakeBatchJobs, status: str, *, run_key: str = FOLDER.run_key) -> None:
        """Buy a job with 100 records, of which it has answered 30."""
        plan = BatchJobPlan(
            name="job",
            step="synthesize",
            model="claude-haiku-4-5",
            identity="id",
            sha256="f" * 64,
            records=100,
            max_tokens=50,
            run_key=run_key,
            input_uri="s3://bedrock-distill-training/distill/batches/f/input.jsonl",
            output_uri="s3://bedrock-distill-output/distill/batches/f/",
        )
        write_jsonl(
            store, plan.input_uri, [{"recordId": f"{n}", "modelInput": {"text": "words " * n}} for n in range(100)]
        )
        PendingBatchJobs(store, FOLDER).add(plan)
        batches.jobs[self.ARN] = BatchJob(
            *("job", self.ARN, status),
            **{"processed": 31, "successes": 30, "total": 100},
            **{"input_uri": plan.input_uri, "output_uri": plan.output_uri},
        )

    def summarize(self, store: MemoryStore, **counts: int) -> None:
        store.write("s3://bedrock-distill-output/distill/batches/f/job7/manifest.json.out", json.dumps(counts).encode())

    def test_an_ended_job_is_billed_for_the_tokens_in_its_summary(
        self, task: Any, store: MemoryStore, batches: FakeBatchJobs
    ) -> None:
        self.buy(store, batches, "Stopped")
        self.summarize(store, inputTokenCount=3000, outputTokenCount=700)
        assert spent_lines(task, []) == PRICES.token_lines(UNCOLLECTED, "claude-haiku-4-5", 3000, 700, batch=True)

    @pytest.mark.parametrize(("status", "records"), [("Stopped", 30), ("InProgress", 100), ("Stopping", 100)])
    def test_a_job_without_a_summary_is_billed_for_the_most_that_it_can_cost(
        self, task: Any, store: MemoryStore, batches: FakeBatchJobs, status: str, records: int
    ) -> None:
        self.buy(store, batches, status)
        lines = spent_lines(task, [])
        assert [line.quantity for line in lines][1] == records * 50
        assert lines[0].quantity > 0
        assert f"for {UNCOLLECTED} (at most)" in spent_sentence(Spent(lines))

    def test_a_running_job_is_not_billed_for_an_early_summary(
        self, task: Any, store: MemoryStore, batches: FakeBatchJobs
    ) -> None:
        self.buy(store, batches, "InProgress")
        self.summarize(store, inputTokenCount=1, outputTokenCount=1)
        assert spent_lines(task, [])[1].quantity == 5000

    @pytest.mark.parametrize("run_key", [FOLDER.run_key, "another-run"])
    def test_only_jobs_that_this_run_bought_are_billed(
        self, task: Any, store: MemoryStore, batches: FakeBatchJobs, run_key: str
    ) -> None:
        self.buy(store, batches, "InProgress", run_key=run_key)
        assert bool(spent_lines(task, [])) is (run_key == FOLDER.run_key)

    def test_a_job_that_was_planned_but_not_bought_costs_nothing(
        self, task: Any, store: MemoryStore, batches: FakeBatchJobs
    ) -> None:
        self.buy(store, batches, "InProgress")
        batches.jobs.clear()
        assert spent_lines(task, []) == []

    def test_a_collected_job_is_not_billed_twice(self, task: Any, store: MemoryStore, batches: FakeBatchJobs) -> None:
        self.buy(store, batches, "Completed")
        pending = PendingBatchJobs(store, FOLDER)
        [plan] = pending.all()
        pending.mark_collected(plan, BatchOutcome(100, 30, 0))
        assert spent_lines(task, []) == []


class TestSentence:
    def test_nothing_spent(self) -> None:
        assert spent_sentence(Spent()) == "This run has paid for nothing."

    def test_each_kind_of_purchase_has_one_amount(self) -> None:
        lines = [
            *(BillLine("calls: m input", 100, "token", 0.01), BillLine("calls: m output", 100, "token", 0.02)),
            BillLine("calls without an answer (at most): m input", 1, "token", 0.5),
            *(BillLine("training tuned: m", 1000, "token", 1.0), BillLine("throughput tuned: m", 2, "unit-hour", 24.0)),
            BillLine("throughput best: m", 1, "unit-hour", 24.0),
        ]
        assert spent_sentence(Spent(lines)) == (
            "This run has spent about $1,075.50 so far: $3.50 for model calls, $1,000.00 for training (at most), $72.00"
            " for endpoints. Answers and models stay stored and are reused when the tasks are cleared."
        )


class TestStandingEndpoint:
    """A standing endpoint counts only as far as this run pays for it."""

    def test_the_calls_of_the_smoke_prompts_are_part_of_the_bill(self, task: Any, store: MemoryStore) -> None:
        usage = {"model": "nova-micro", "deployed": True, "calls": 5, "input_tokens": 1000, "output_tokens": 200}
        write_json(store, FOLDER.smoke_usage(1), usage)
        assert {line.what: line.quantity for line in spent_lines(task, [])} == {
            "smoke prompts: nova-micro custom model input": 1000,
            "smoke prompts: nova-micro custom model output": 200,
        }

    @pytest.mark.parametrize(("run_key", "hourly"), [(FOLDER.run_key, HOURLY), ("manual-0-00000000", 0.0)])
    def test_throughput_is_billed_to_the_run_that_bought_it(
        self, task: Any, store: MemoryStore, use_case: UseCase, bedrock: FakeBedrock, run_key: str, hourly: float
    ) -> None:
        freeze(store, use_case, promotion={"serve": "provisioned"})
        bedrock.put_throughput(NAME, "InService")
        bedrock.tags_of[f"arn:throughput/{NAME}"] = {
            "project": "bedrock-distill", "environment": "test", "use-case": "aws_docs_qa", "role": "standing",
            "run-key": run_key,
        }  # fmt: skip
        bill = spent(task, [])
        assert bill.hourly == hourly
        assert [line.what for line in bill.standing] == (["throughput standing endpoint: nova-micro"] if hourly else [])
        assert ("for endpoints" in spent_sentence(bill)) is bool(hourly)
        assert bill.lines == [], "a monthly budget counts the hours of the standing endpoint itself"

    def test_throughput_that_bedrock_does_not_show_is_left_out(
        self, task: Any, store: MemoryStore, use_case: UseCase, bedrock: FakeBedrock
    ) -> None:
        freeze(store, use_case, promotion={"serve": "provisioned"})
        bedrock.put_throughput(NAME, "InService")  # with the tags of another owner
        assert spent(task, []).hourly == 0.0


@pytest.mark.parametrize(("run_key", "is_billed"), [(FOLDER.run_key, True), ("another-run", False)])
def test_an_evaluation_job_is_billed_to_the_run_that_bought_it(
    task: Any, bedrock: FakeBedrock, run_key: str, is_billed: bool
) -> None:
    bedrock.tags_of["arn:evaluation"] = {"run-key": run_key}
    job: Any = {
        "job_name": "evaluation",
        "job_arn": "arn:evaluation",
        "arm": "tuned",
        "evaluator": "nova-pro",
        "bought": False,
        "input_tokens": 1_000_000,
        "output_tokens": 10,
    }
    bill = spent(task, [], evaluations=[job])
    assert [line.what for line in bill.lines] == (
        ["scores tuned (estimated): nova-pro input", "scores tuned (estimated): nova-pro output"] if is_billed else []
    )
    assert ("for evaluation jobs (estimated)" in spent_sentence(bill)) is is_billed


@pytest.mark.parametrize(("run_key", "is_billed"), [(FOLDER.run_key, True), ("another-run", False)])
def test_a_prompt_optimization_job_is_billed_to_the_run_that_bought_it(
    task: Any, bedrock: FakeBedrock, run_key: str, is_billed: bool
) -> None:
    bedrock.tags_of["arn:optimization"] = {"run-key": run_key}
    tokens = {"student_input": 0, "student_output": 0, "judge_input": 1_000_000, "judge_output": 0}
    job: Any = {"job_name": "job", "job_arn": "arn:optimization", "arm": "prompted", "bought": False, "tokens": tokens}
    bill = spent(task, [], optimizations=[job])
    assert [(line.what, line.usd) for line in bill.lines] == (
        [("prompt optimization prompted (estimated), judge: claude-sonnet-4-6 input", 3.3)] if is_billed else []
    )
    assert ("$3.30 for prompt optimization jobs (estimated)" in spent_sentence(bill)) is is_billed


def test_jobs_that_no_task_names_any_more_are_billed_once(task: Any, bedrock: FakeBedrock, store: MemoryStore) -> None:
    """A person changed the data, so `submit` names another job."""
    training = PRICES.training_line("tuned", "nova-micro", 5.0)
    for name in ("before", "now"):
        BoughtJobs(store, FOLDER).add("training", name, [training])
        bedrock.put_job(name, "Stopped")
        bedrock.tags_of[bedrock.jobs[name].arn] = {"run-key": FOLDER.run_key}
    bill = spent(task, [("tuned", bedrock.jobs["now"], JobTokens(2.5))])
    assert [(line.what, line.quantity) for line in bill.lines] == [
        (training.what, 5.0),
        ("training tuned without results (at most): nova-micro", 5.0),
    ]
    assert "for training (at most)" in spent_sentence(bill)


def test_a_distillation_job_is_a_part_of_its_own_because_bedrock_may_add_prompts() -> None:
    lines = [
        PRICES.training_line("tuned", "nova-micro", 1_000_000),
        *PRICES.token_lines("teacher managed", "nova-pro", 1_000_000, 1_000_000),
        PRICES.training_line("managed", "nova-micro", 1_000_000),
    ]
    sentence = spent_sentence(Spent(lines))
    assert "$1.00 for training (at most)" in sentence
    assert "$5.00 for distillation jobs (estimated)" in sentence
