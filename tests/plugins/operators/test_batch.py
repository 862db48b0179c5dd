"""Check that a step's batch jobs are bought once, and that the step finds their answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bedrock_distill.hooks.batch_jobs import BatchJobRequest
from bedrock_distill.operators.batch import BedrockCollectBatchOperator, BedrockSubmitBatchOperator
from bedrock_distill.operators.synthesize import BedrockSynthesizeOperator
from include.distill.batch.pending_jobs import PendingBatchJobs
from include.distill.config.layout import RunFolder
from include.distill.config.use_case import UseCase
from include.distill.core.errors import (
    ConflictError,
    EndedAttemptError,
    JobFailedError,
    JobStoppingError,
    TransientError,
    WaitTimeoutError,
)
from include.distill.core.storage import read_jsonl, write_json, write_jsonl
from include.distill.inference.lost_calls import lost_call_records
from tests.fakes.dialogue import pairs
from tests.fakes.fake_batch_jobs import FakeBatchJobs
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze, make_row

PAIRS = pairs(type("Asked", (), {"user": "<question>q</question>"})())  # type: ignore[arg-type]
MANY = 120


def rows(store: MemoryStore, count: int) -> None:
    train = [make_row(number) for number in range(1, count + 1)]
    write_jsonl(store, FOLDER.source("train"), train)
    write_jsonl(store, FOLDER.shard("train", 0), train)


@pytest.fixture
def batches(store: MemoryStore, use_case: UseCase) -> FakeBatchJobs:
    rows(store, MANY)
    synthesis = {**use_case.synthesis.model_dump(mode="json"), "inference": "batch"}
    freeze(store, use_case, synthesis=synthesis, teacher="claude-sonnet-4-6")
    return FakeBatchJobs(store, lambda _: PAIRS)


@pytest.fixture
def submit(equip: Any, batches: FakeBatchJobs, context: Any) -> Any:
    def run() -> Any:
        task = equip(
            BedrockSubmitBatchOperator(
                task_id="synthesize_batch.submit", run_uri=RUN_URI, step="synthesize", shards=[0]
            )
        )
        task.__dict__["batch_jobs"] = batches
        return task.execute(context)

    return run


@pytest.fixture
def collect(equip: Any, batches: FakeBatchJobs, context: Any) -> Any:
    def run(submitted: Any) -> Any:
        task = BedrockCollectBatchOperator(
            task_id="synthesize_batch.collect", run_uri=RUN_URI, step="synthesize", submitted=submitted
        )
        equip(task).__dict__["batch_jobs"] = batches
        return task.execute(context)

    return run


@pytest.fixture
def synthesize(equip: Any, bedrock: FakeBedrock, context: Any) -> Any:
    bedrock.say = lambda _: PAIRS
    return lambda: equip(BedrockSynthesizeOperator(task_id="synthesize", run_uri=RUN_URI, shard=0)).execute(context)


def only(batches: FakeBatchJobs) -> str:
    (arn,) = batches.jobs
    return arn


class TestSubmit:
    def test_all_questions_are_submitted_in_one_job_that_is_named_after_the_use_case_and_step(
        self, submit: Any, batches: FakeBatchJobs
    ) -> None:
        manifest = submit()
        arn = only(batches)
        assert manifest == {"job_arns": [arn], "records": MANY, "left_to_ask_on_demand": 0, "bought": 1}
        request = batches.requests[arn]
        assert request.name.startswith("test-aws-docs-qa-synthesize-")
        assert request.tags["run-key"] == FOLDER.run_key
        assert request.timeout_hours == 72
        assert "modelId" not in batches.asked(arn)[0]["modelInput"]
        assert batches.asked(arn)[0]["modelInput"]["max_tokens"] == 4096

    def test_a_second_submit_buys_nothing_while_the_job_runs(self, submit: Any, batches: FakeBatchJobs) -> None:
        first = submit()
        assert submit() == {**first, "records": 0, "bought": 0}

    def test_a_purchase_whose_response_was_lost_is_found(self, submit: Any, batches: FakeBatchJobs) -> None:
        batches.lose_next_answer = TransientError("connection lost")
        assert submit()["job_arns"] == [only(batches)]

    def test_a_task_that_died_after_buying_finds_its_job(self, submit: Any, batches: FakeBatchJobs) -> None:
        batches.lose_next_answer = KeyboardInterrupt()  # type: ignore[assignment]
        with pytest.raises(KeyboardInterrupt):
            submit()
        assert submit()["job_arns"] == [only(batches)]

    def test_a_job_that_bedrock_refuses_to_buy_again_but_does_not_list_yet_is_used_by_the_retry(
        self, submit: Any, batches: FakeBatchJobs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        submit()

        def refuse(request: Any) -> str:
            raise ConflictError("The provided job name is currently in use.")

        with monkeypatch.context() as late:
            late.setattr(batches, "find", lambda name: None)
            late.setattr(batches, "create", refuse)
            with pytest.raises(TransientError, match=r"(?s)lists no such job.*in use.*No other job"):
                submit()
        assert submit()["job_arns"] == [only(batches)]

    def test_questions_that_are_too_few_for_a_job_are_left_for_the_step_to_send_on_demand(
        self, submit: Any, batches: FakeBatchJobs, store: MemoryStore
    ) -> None:
        rows(store, 99)
        assert submit() == {"job_arns": [], "records": 0, "left_to_ask_on_demand": 99, "bought": 0}
        assert batches.jobs == {}

    def test_with_more_rows_only_the_new_questions_are_submitted(
        self, submit: Any, batches: FakeBatchJobs, store: MemoryStore
    ) -> None:
        (first,) = submit()["job_arns"]
        rows(store, MANY + 100)
        manifest = submit()
        assert (manifest["records"], manifest["bought"]) == (100, 1)
        assert first in manifest["job_arns"]

    def test_the_question_of_repeated_rows_is_submitted_once(
        self, submit: Any, batches: FakeBatchJobs, store: MemoryStore
    ) -> None:
        write_jsonl(store, FOLDER.shard("train", 0), [make_row(n % 100) for n in range(MANY)])
        assert submit()["records"] == 100

    def test_an_old_copy_buys_no_job(self, submit: Any, batches: FakeBatchJobs, context: Any) -> None:
        context["ti"].get_task_states = lambda **_: {"r": {"t": "success"}}
        with pytest.raises(EndedAttemptError, match="so this process did not buy batch job"):
            submit()
        assert batches.jobs == {}


class TestTwoUseCases:
    def claim(self, store: MemoryStore, batches: FakeBatchJobs, name: str) -> BatchJobRequest:
        """Let another use case claim the questions of a job, and forget this job."""
        arn = only(batches)
        request, job = batches.requests.pop(arn), batches.jobs.pop(arn)
        sha256 = request.tags["fingerprint"]
        store.delete(f"{FOLDER.pending_batches}{job.name}.json")
        write_json(store, FOLDER.batch_claim(sha256), {"job_name": name, "role_arn": request.role_arn})
        return replace(request, name=name)

    def test_the_job_that_another_use_case_buys_at_the_same_moment_is_used(
        self, submit: Any, batches: FakeBatchJobs, store: MemoryStore
    ) -> None:
        submit()
        theirs = batches.create(self.claim(store, batches, "theirs"))
        assert submit() == {"job_arns": [theirs], "records": MANY, "left_to_ask_on_demand": 0, "bought": 0}
        assert list(batches.jobs) == [theirs]

    def test_a_job_that_another_use_case_did_not_live_to_buy_is_bought_under_its_name(
        self, submit: Any, batches: FakeBatchJobs, store: MemoryStore
    ) -> None:
        submit()
        self.claim(store, batches, "theirs")
        assert submit()["bought"] == 1
        assert [job.name for job in batches.jobs.values()] == ["theirs"]
        assert [plan.run_key for plan in PendingBatchJobs(store, FOLDER).all()] == [FOLDER.run_key]


class TestStoppedMeanwhile:
    def test_the_retry_uses_the_answers_of_a_job_that_is_being_stopped_and_submits_the_other_questions(
        self, submit: Any, batches: FakeBatchJobs
    ) -> None:
        first = submit()["job_arns"][0]
        batches.stop(first)
        with pytest.raises(JobStoppingError, match="are being stopped"):
            submit()
        batches.end(first, "Stopped", answered=20)
        assert submit()["records"] == MANY - 20

    def test_a_job_that_another_run_bought_and_stopped_during_the_purchase_is_not_used(
        self, submit: Any, batches: FakeBatchJobs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        create = batches.create

        def late(request: Any) -> str:
            batches.stop(create(request))
            raise ConflictError("The provided job name is currently in use.")

        monkeypatch.setattr(batches, "create", late)
        with pytest.raises(JobStoppingError, match="are being stopped"):
            submit()


class TestCollect:
    def test_the_step_finds_its_answers_and_calls_no_model(
        self, submit: Any, collect: Any, synthesize: Any, batches: FakeBatchJobs, bedrock: FakeBedrock
    ) -> None:
        submitted = submit()
        batches.end(only(batches))
        counts = {"jobs": 1, "records": MANY, "answered": MANY, "errors": 0, "left_to_ask_on_demand": 0}
        assert collect(submitted) == counts
        manifest = synthesize()
        assert bedrock.asked == []
        assert (manifest["calls"], manifest["batch_calls"], manifest["cache_hits"]) == (MANY, MANY, 0)
        assert (manifest["input_tokens"], manifest["batch_input_tokens"]) == (100 * MANY, 100 * MANY)
        assert manifest["simulated"]

    def test_a_second_collect_returns_the_same_manifest_and_the_next_run_buys_nothing(
        self, submit: Any, collect: Any, batches: FakeBatchJobs
    ) -> None:
        submitted = submit()
        batches.end(only(batches))
        assert collect(submitted) == collect(submitted)
        assert submit() == {"job_arns": [], "records": 0, "left_to_ask_on_demand": 0, "bought": 0}

    @pytest.mark.parametrize("status", ["Completed", "PartiallyCompleted", "Expired"])
    def test_answers_are_stored_and_only_unanswered_questions_are_sent_on_demand(
        self, submit: Any, collect: Any, synthesize: Any, batches: FakeBatchJobs, bedrock: FakeBedrock,
        store: MemoryStore, status: str, capsys: pytest.CaptureFixture[str],
    ) -> None:  # fmt: skip
        submitted = submit()
        batches.end(only(batches), status, answered=70, errors=5)
        manifest = collect(submitted)
        assert (manifest["answered"], manifest["errors"], manifest["left_to_ask_on_demand"]) == (70, 5, 50)
        printed = capsys.readouterr().out
        assert f"ended with status {status}: 70 of {MANY} records are answered. Their answers are stored" in printed
        assert "Records with an error: 5 (400: 5)" in printed
        assert "Records that the job did not process: 45." in printed
        assert "synthesize sends 50 questions again, at the full on-demand price" in printed
        errors = read_jsonl(store, FOLDER.batch_errors(batches.jobs[only(batches)].name), dict)
        assert [(error["reason"], error["message"]) for error in errors] == [("400", "bad record")] * 5
        assert synthesize()["calls"] == MANY
        assert len(bedrock.asked) == 50

    def test_answers_that_bedrock_counted_but_did_not_write_are_billed_and_their_questions_are_sent_on_demand(
        self, submit: Any, collect: Any, synthesize: Any, batches: FakeBatchJobs, bedrock: FakeBedrock,
        store: MemoryStore,
    ) -> None:  # fmt: skip
        submitted = submit()
        batches.end(only(batches), answered=70, errors=5)
        batches.put(only(batches), successes=90)
        collect(submitted)
        lost = list(lost_call_records(store, FOLDER.lost_calls))
        assert (len(lost), all(record["batch"] for record in lost)) == (20, True)
        assert (synthesize()["calls"], len(bedrock.asked)) == (MANY, 50)
        assert len(list(lost_call_records(store, FOLDER.lost_calls))) == 20

    def test_lost_calls_are_billed_to_the_run_that_bought_the_job_also_if_it_is_of_another_use_case(
        self, submit: Any, collect: Any, batches: FakeBatchJobs, store: MemoryStore
    ) -> None:
        submitted = submit()
        jobs = PendingBatchJobs(store, FOLDER)
        (plan,) = jobs.all()
        assert plan.use_case == FOLDER.use_case_name
        buyer = RunFolder(f"{FOLDER.root}/runs/other/manual-{'a' * 32}")
        jobs.add(replace(plan, use_case="other", run_key=buyer.run_key))
        batches.end(only(batches), answered=70, errors=5)
        batches.put(only(batches), successes=90)
        collect(submitted)
        assert len(list(lost_call_records(store, buyer.lost_calls))) == 20
        assert not list(lost_call_records(store, FOLDER.lost_calls))

    @pytest.mark.parametrize("status", ["Failed", "Stopped"])
    def test_the_answers_of_a_failed_job_are_stored_and_the_error_quotes_bedrocks_reason(
        self, submit: Any, collect: Any, batches: FakeBatchJobs, status: str
    ) -> None:
        submitted = submit()
        batches.end(only(batches), status, answered=10)
        batches.put(only(batches), message="Internal trouble")
        for _ in range(2):
            with pytest.raises(JobFailedError) as raised:
                collect(submitted)
            happened, left, billed, to_do = str(raised.value).splitlines()
            assert f"status {status} after 10 of {MANY} records: Internal trouble." in happened
            assert left.endswith(f"are stored: 10. Questions without an answer: {MANY - 10}.")
            assert "half the on-demand price. Nothing more is billed for these jobs." in billed
            assert "Clear synthesize_batch.submit with downstream to submit only the unanswered questions" in to_do
        assert submit()["records"] == MANY - 10

    def test_the_error_about_a_job_with_bad_questions_does_not_say_to_submit_them_again(
        self, submit: Any, collect: Any, batches: FakeBatchJobs
    ) -> None:
        submitted = submit()
        batches.end(only(batches), "Failed", answered=0)
        batches.put(only(batches), message="Batch job contains less records (1) than the required minimum of: 100")
        with pytest.raises(JobFailedError, match=r"(?s)would fail again.*inference: on_demand.*clear preflight"):
            collect(submitted)

    def test_answers_of_an_ended_job_are_stored_before_more_is_bought(
        self, submit: Any, batches: FakeBatchJobs, synthesize: Any, bedrock: FakeBedrock
    ) -> None:
        """The ended job is found when ``submit`` is cleared, or by the next run if a run died while it waited."""
        submit()
        batches.end(only(batches), "Stopped", answered=60)
        assert submit() == {"job_arns": [], "records": 0, "left_to_ask_on_demand": 60, "bought": 0}
        assert synthesize()["batch_calls"] == 60

    def test_a_running_job_whose_wait_was_marked_success_can_be_collected_later(
        self, submit: Any, collect: Any, batches: FakeBatchJobs
    ) -> None:
        submitted = submit()
        with pytest.raises(WaitTimeoutError, match=r"(?s)have not ended.*Clear synthesize_batch.wait with downstream"):
            collect(submitted)
        batches.end(only(batches))
        assert collect(submitted)["answered"] == MANY

    def test_a_stored_answer_is_not_replaced(
        self, submit: Any, collect: Any, synthesize: Any, batches: FakeBatchJobs, store: MemoryStore
    ) -> None:
        submitted = submit()
        synthesize()
        before = dict(store.objects)
        batches.end(only(batches))
        collect(submitted)
        stored = [uri for uri in before if uri.startswith(FOLDER.responses)]
        assert len(stored) == MANY
        assert all(store.objects[uri] == before[uri] for uri in stored)


class TestAttempts:
    @pytest.mark.parametrize(
        ("status", "message"),
        [
            ("Stopped", None),
            ("Expired", None),
            ("Failed", None),
            ("Failed", "Encountered an internal error"),
            ("Failed", "Customer doesn't have permissions to invokeModel"),
            ("Failed", "Could not validate ListBucket permissions for S3URI"),
            ("Failed", "A message that nobody has seen before"),
        ],
    )
    def test_a_job_that_failed_for_a_reason_other_than_its_questions_is_bought_again(
        self, submit: Any, batches: FakeBatchJobs, status: str, message: str | None
    ) -> None:
        submit()
        first = only(batches)
        batches.end(first, status, answered=0)
        batches.put(first, message=message)
        assert submit()["bought"] == 1
        assert [job.name for job in batches.jobs.values()][1] == f"{batches.jobs[first].name}-a2"

    def test_a_job_that_failed_because_of_its_questions_is_not_bought_again(
        self, submit: Any, batches: FakeBatchJobs
    ) -> None:
        submit()
        batches.end(only(batches), "Failed", answered=0)
        batches.put(only(batches), message="Batch job contains less records")
        with pytest.raises(JobFailedError, match=r"(?s)less records.*not bought again.*inference: on_demand"):
            submit()
        assert len(batches.jobs) == 1

    def test_a_job_in_which_every_record_failed_is_not_bought_again(self, submit: Any, batches: FakeBatchJobs) -> None:
        submit()
        batches.end(only(batches), answered=0, errors=MANY)
        assert submit() == {"job_arns": [], "records": 0, "left_to_ask_on_demand": MANY, "bought": 0}

    def test_questions_whose_stored_answers_were_deleted_are_submitted_again(
        self, submit: Any, collect: Any, batches: FakeBatchJobs, store: MemoryStore
    ) -> None:
        """A lifecycle rule on ``responses/`` or a clean-up of paid answers can delete stored answers."""
        submitted = submit()
        batches.end(only(batches))
        collect(submitted)
        for uri in [uri for uri in store.objects if uri.startswith(FOLDER.responses)]:
            store.delete(uri)
        manifest = submit()
        assert (manifest["records"], manifest["left_to_ask_on_demand"], manifest["bought"]) == (MANY, 0, 1)

    def test_a_running_job_whose_record_was_deleted_is_recorded_again(
        self, submit: Any, collect: Any, batches: FakeBatchJobs, store: MemoryStore
    ) -> None:
        submit()
        for plan in list(PendingBatchJobs(store, FOLDER).all()):
            store.delete(f"{FOLDER.pending_batches}{plan.name}.json")
        submitted = submit()
        assert (submitted["bought"], submitted["job_arns"]) == (0, [only(batches)])
        batches.end(only(batches))
        assert collect(submitted)["answered"] == MANY
