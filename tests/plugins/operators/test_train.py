from __future__ import annotations

import asyncio
import datetime
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from bedrock_distill.operators.train import BedrockSubmitCustomizationJobOperator
from bedrock_distill.sensors.customization_job import BedrockCustomizationJobSensor
from bedrock_distill.triggers.polling import CustomizationJobTrigger
from include.distill.config.use_case import UseCase
from include.distill.core.errors import (
    ExpiredCredentialsError,
    JobFailedError,
    NotFoundError,
    RefusedError,
    ServiceError,
    ThrottledError,
    TransientError,
    WaitTimeoutError,
)
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import RUN_URI, freeze

DATASET = {
    "train_uri": "s3://b/datasets/d/train.jsonl",
    "validation_uri": None,
    "sha256": "d" * 64,
    "records": 40,
    "tokens": 1000,
}
NEVER = datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC).isoformat()


def submit_task(equip: Any, **changes: Any) -> Any:
    return equip(
        BedrockSubmitCustomizationJobOperator(
            task_id="submit", arm="tuned", run_uri=RUN_URI, dataset={**DATASET, **changes}
        )
    )


class TestSubmit:
    def test_it_buys_a_job_named_by_its_data(self, equip: Any, bedrock: FakeBedrock, context: Any) -> None:
        manifest = submit_task(equip).execute(context)
        assert bedrock.bought == [manifest["job_name"]]
        assert manifest["job_name"].startswith(f"aws-docs-qa-tuned-{manifest['fingerprint'][:12]}")
        assert bedrock.tags_of[manifest["job_arn"]]["run-key"] == "manual-1-abcdef01"

    def test_the_same_data_buy_nothing_again(self, equip: Any, bedrock: FakeBedrock, context: Any) -> None:
        first, second = (submit_task(equip).execute(context) for _ in range(2))
        assert len(bedrock.bought) == 1
        assert (first["bought"], second["bought"]) == (True, False)

    def test_other_data_are_another_job(self, equip: Any, bedrock: FakeBedrock, context: Any) -> None:
        submit_task(equip).execute(context)
        submit_task(equip, sha256="e" * 64).execute(context)
        assert len(set(bedrock.bought)) == 2

    def test_a_lost_answer_is_adopted(self, equip: Any, bedrock: FakeBedrock, context: Any) -> None:
        bedrock.lose_next_answer = TransientError("connection lost")
        assert submit_task(equip).execute(context)["job_name"] in bedrock.jobs
        assert len(bedrock.bought) == 1

    @pytest.mark.parametrize(
        ("status", "why"), [("Stopped", None), ("Failed", "Encountered an internal error when processing the request.")]
    )
    def test_a_job_that_ended_for_no_fault_of_the_data_is_bought_as_the_next_attempt(
        self, equip: Any, bedrock: FakeBedrock, context: Any, status: str, why: str | None
    ) -> None:
        first = submit_task(equip).execute(context)["job_name"]
        bedrock.put_job(first, status, failure_message=why)
        assert submit_task(equip).execute(context)["job_name"] == f"{first}-a2"

    def test_a_job_that_failed_on_its_data_is_refused_with_bedrocks_reason(
        self, equip: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        first = submit_task(equip).execute(context)["job_name"]
        bedrock.put_job(first, "Failed", failure_message="Unable to parse Amazon S3 file: train.jsonl.")
        with pytest.raises(JobFailedError, match=r"Unable to parse Amazon S3 file.*not bought again"):
            submit_task(equip).execute(context)
        assert bedrock.bought == [first]

    def test_a_completed_job_whose_model_was_deleted_is_bought_again(
        self, equip: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        first = submit_task(equip).execute(context)["job_name"]
        bedrock.put_job(first, "Completed")
        bedrock.models.clear()
        assert submit_task(equip).execute(context)["attempt"] == 2

    @pytest.mark.parametrize(("answered", "attempt"), [(True, 1), (False, 2)])
    def test_a_deleted_loser_that_has_answered_everything_is_not_trained_again(
        self,
        equip: Any,
        bedrock: FakeBedrock,
        store: MemoryStore,
        use_case: UseCase,
        context: Any,
        monkeypatch: pytest.MonkeyPatch,
        answered: bool,
        attempt: int,
    ) -> None:
        freeze(store, use_case, promotion={"delete_losers": True})
        first = submit_task(equip).execute(context)["job_name"]
        bedrock.put_job(first, "Completed")
        bedrock.models.clear()
        monkeypatch.setattr(store, "exists", lambda uri: answered and "/responses/" in uri)
        assert submit_task(equip).execute(context)["attempt"] == attempt

    def test_attempts_end(self, equip: Any, bedrock: FakeBedrock, context: Any) -> None:
        for _ in range(3):
            bedrock.put_job(submit_task(equip).execute(context)["job_name"], "Stopped")
        with pytest.raises(JobFailedError, match="All 3 attempts"):
            submit_task(equip).execute(context)

    def test_a_refusal_buys_nothing(self, equip: Any, bedrock: FakeBedrock, context: Any) -> None:
        bedrock.refuse["create_job"] = RefusedError("iam:PassRole")
        with pytest.raises(RefusedError, match="PassRole"):
            submit_task(equip).execute(context)
        assert bedrock.bought == []


def sensor_task(equip: Any, *, deferrable: bool) -> Any:
    return equip(
        BedrockCustomizationJobSensor(
            task_id="trained",
            run_uri=RUN_URI,
            submitted={"job_name": "job", "at_most_usd": 2.5},
            poll_interval_seconds=0.01,
            timeout_seconds=0.03,
            deferrable=deferrable,
        )
    )


@pytest.mark.parametrize("deferrable", [True, False])
class TestTrained:
    def test_a_completed_job_returns_its_model_at_once(
        self, equip: Any, context: Any, bedrock: FakeBedrock, deferrable: bool
    ) -> None:
        bedrock.put_job("job", "Completed", output_uri="s3://out/")
        manifest = sensor_task(equip, deferrable=deferrable).execute(context)
        assert manifest["model_arn"] == "arn:model/job"
        assert manifest["status"] == "Completed"

    @pytest.mark.parametrize(
        ("status", "what_next"), [("Failed", "Correct the data"), ("Stopped", r"Clear submit.*at most \$2\.50")]
    )
    def test_failed_and_stopped_fail_with_bedrocks_reason(
        self, equip: Any, context: Any, bedrock: FakeBedrock, deferrable: bool, status: str, what_next: str
    ) -> None:
        bedrock.put_job("job", status, failure_message="Input size exceeded")
        with pytest.raises(JobFailedError, match=f"{status}: Input size exceeded.*{what_next}"):
            sensor_task(equip, deferrable=deferrable).execute(context)

    def test_a_job_that_does_not_exist_says_to_clear_submit(self, equip: Any, context: Any, deferrable: bool) -> None:
        with pytest.raises(NotFoundError, match="Clear submit"):
            sensor_task(equip, deferrable=deferrable).execute(context)


class TestWaiting:
    def test_a_time_out_in_the_worker_says_that_the_job_is_still_billed(
        self, equip: Any, context: Any, bedrock: FakeBedrock
    ) -> None:
        bedrock.put_job("job", "InProgress")
        with pytest.raises(WaitTimeoutError, match=r"still running and billed, at most \$2\.50"):
            sensor_task(equip, deferrable=False).execute(context)

    @pytest.mark.parametrize("fault", [ThrottledError("429"), TransientError("500"), ExpiredCredentialsError("403")])
    def test_passing_faults_are_waited_out_in_the_worker_too(
        self, equip: Any, context: Any, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch, fault: ServiceError
    ) -> None:
        bedrock.put_job("job", "InProgress")
        looks = iter([None, fault, fault])

        def shaky(name: str) -> Any:
            if (error := next(looks, "done")) == "done":
                bedrock.put_job(name, "Completed")
            elif isinstance(error, ServiceError):
                raise error
            return bedrock.jobs[name]

        monkeypatch.setattr(bedrock, "find_job", shaky)
        sensor = sensor_task(equip, deferrable=False)
        sensor.timeout_seconds = 5
        assert sensor.execute(context)["status"] == "Completed"

    def test_a_running_job_defers(self, equip: Any, context: Any, bedrock: FakeBedrock) -> None:
        bedrock.put_job("job", "InProgress")
        with pytest.raises(TaskDeferred) as deferred:
            sensor_task(equip, deferrable=True).execute(context)
        path, arguments = deferred.value.trigger.serialize()
        assert CustomizationJobTrigger(**arguments).serialize() == (path, arguments)
        assert deferred.value.method_name == "execute_complete"

    @pytest.mark.parametrize("status", ["InProgress", "Stopping"])
    def test_the_deadline_is_never_a_success(self, equip: Any, bedrock: FakeBedrock, status: str) -> None:
        bedrock.put_job("job", status)
        with pytest.raises(WaitTimeoutError, match="Clear trained to continue"):
            sensor_task(equip, deferrable=True).execute_complete(
                {}, {"end": "deadline", "message": "", "deadline": NEVER}
            )

    def test_an_event_is_only_a_hint_the_job_is_looked_up_again(self, equip: Any, bedrock: FakeBedrock) -> None:
        bedrock.put_job("job", "InProgress")
        with pytest.raises(TaskDeferred):
            sensor_task(equip, deferrable=True).execute_complete({}, {"end": "ended", "message": "", "deadline": NEVER})

    def test_a_refusal_in_the_triggerer_reaches_the_task(self, equip: Any, bedrock: FakeBedrock) -> None:
        bedrock.put_job("job", "InProgress")
        with pytest.raises(RefusedError, match="denied"):
            sensor_task(equip, deferrable=True).execute_complete(
                {}, {"end": "refused", "message": "denied", "deadline": NEVER}
            )


def first_event(trigger: CustomizationJobTrigger) -> dict[str, Any]:
    async def next_event() -> Any:
        async for event in trigger.run():
            return event.payload
        return None

    payload: dict[str, Any] = asyncio.run(asyncio.wait_for(next_event(), timeout=10))
    return payload


class TestTrigger:
    @pytest.fixture
    def trigger(self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.setattr("bedrock_distill.triggers.polling.BedrockDistillHook", lambda *_: bedrock)

        def make(deadline: str = NEVER) -> CustomizationJobTrigger:
            return CustomizationJobTrigger(
                name="job",
                deadline=deadline,
                poll_interval_seconds=0.01,
                aws_conn_id="aws_default",
                region_name=None,
                stall_after_seconds=3600,
                at_most_usd=2.5,
            )

        return make

    def test_it_fires_when_the_job_has_ended(self, trigger: Any, bedrock: FakeBedrock) -> None:
        bedrock.put_job("job", "Completed")
        assert first_event(trigger()) == {"end": "ended", "message": "", "deadline": NEVER}

    def test_it_survives_passing_faults(
        self, trigger: Any, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        faults = iter([TransientError("500"), TransientError("expired token")])
        look = bedrock.find_job

        def shaky(name: str) -> Any:
            if (fault := next(faults, None)) is not None:
                raise fault
            bedrock.put_job("job", "Failed")
            return look(name)

        monkeypatch.setattr(bedrock, "find_job", shaky)
        assert first_event(trigger())["end"] == "ended"

    def test_it_fires_at_its_deadline(self, trigger: Any, bedrock: FakeBedrock) -> None:
        bedrock.put_job("job", "InProgress")
        past = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC).isoformat()
        assert first_event(trigger(past))["end"] == "deadline"

    def test_a_refusal_is_handed_to_the_task(
        self, trigger: Any, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_: str) -> None:
            raise RefusedError("denied")

        monkeypatch.setattr(bedrock, "find_job", refuse)
        assert first_event(trigger()) == {"end": "refused", "message": "denied", "deadline": NEVER}
