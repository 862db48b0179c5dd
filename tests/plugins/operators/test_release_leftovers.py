"""The nets under what is billed by the hour, beside teardown: the trigger's on_kill and the sweeper."""

from __future__ import annotations

import asyncio
import datetime
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.api.datamodels._generated import DagRunState
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse

from bedrock_distill.hooks.bedrock import CustomizationJob
from bedrock_distill.operators.release_leftovers import ReleaseLeftoversOperator
from bedrock_distill.triggers.polling import CustomizationJobTrigger, ProvisionedThroughputTrigger
from include.distill.core.errors import OutcomeError, TransientError
from tests.fakes.fake_bedrock import FakeBedrock

COMMON: dict[str, Any] = {
    "deadline": "2100-01-01T00:00:00+00:00",
    "poll_interval_seconds": 0.01,
    "aws_conn_id": "aws_default",
    "region_name": None,
}


@pytest.fixture
def bedrock(monkeypatch: pytest.MonkeyPatch) -> FakeBedrock:
    fake = FakeBedrock()
    fake.put_job("job", "InProgress")
    fake.put_throughput("endpoint", "Creating")
    for place in ("triggers.polling", "operators.release_leftovers"):
        monkeypatch.setattr(f"bedrock_distill.{place}.BedrockDistillHook", lambda *_: fake)
    return fake


def kill(trigger: Any, state: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    states = {} if state is None else {"trained": state}
    monkeypatch.setattr(
        "bedrock_distill.triggers.polling.RuntimeTaskInstance.get_task_states", lambda **_: {"run": states}
    )
    trigger.task_instance = SimpleNamespace(dag_id="dag", task_id="trained", run_id="run", map_index=-1)
    asyncio.run(trigger.on_kill())


def job_trigger(**more: Any) -> CustomizationJobTrigger:
    return CustomizationJobTrigger(name="job", stall_after_seconds=3600, at_most_usd=2.5, **COMMON, **more)


class TestOnKill:
    def test_a_task_marked_failed_stops_its_job_and_says_what_is_billed(
        self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        kill(job_trigger(), "failed", monkeypatch)
        assert bedrock.stopped == ["job"]
        assert "is billed, at most $2.50" in capsys.readouterr().out

    @pytest.mark.parametrize("state", ["deferred", "scheduled", "success", "skipped", None])
    def test_a_clear_or_any_other_end_leaves_the_job_to_who_adopted_it(
        self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch, state: str | None
    ) -> None:
        kill(job_trigger(), state, monkeypatch)
        assert bedrock.stopped == []

    def test_the_use_case_can_say_that_jobs_go_on(self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch) -> None:
        kill(job_trigger(give_up_when_failed=False), "failed", monkeypatch)
        assert bedrock.stopped == []

    def test_a_job_that_has_ended_is_not_stopped(self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch) -> None:
        bedrock.put_job("job", "Completed")
        kill(job_trigger(), "failed", monkeypatch)
        assert bedrock.stopped == []

    def test_a_waiting_endpoint_marked_failed_is_deleted(
        self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kill(ProvisionedThroughputTrigger(name="endpoint", **COMMON), "failed", monkeypatch)
        assert bedrock.throughputs == {}

    def test_it_is_a_courtesy_a_fault_is_logged_and_left_to_the_other_nets(
        self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        bedrock.refuse["delete_throughput"] = TransientError("500")
        kill(ProvisionedThroughputTrigger(name="endpoint", **COMMON), "failed", monkeypatch)
        assert "could not be given up" in capsys.readouterr().out

    def test_the_triggerer_cancels_it_every_second_and_the_job_is_stopped_all_the_same(
        self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looking, let_go = threading.Event(), threading.Event()

        def slow(**_: Any) -> dict[str, dict[str, str]]:
            looking.set()
            let_go.wait(5)
            return {"run": {"trained": "failed"}}

        monkeypatch.setattr("bedrock_distill.triggers.polling.RuntimeTaskInstance.get_task_states", slow)
        trigger = job_trigger()
        trigger.task_instance = SimpleNamespace(dag_id="dag", task_id="trained", run_id="run", map_index=-1)

        async def cancelled_again_and_again() -> None:
            killing = asyncio.ensure_future(trigger.on_kill())
            await asyncio.to_thread(looking.wait, 5)
            for _ in range(3):
                killing.cancel("a person did it")
                await asyncio.sleep(0.01)
            let_go.set()
            await killing

        asyncio.run(cancelled_again_and_again())
        assert bedrock.stopped == ["job"]


class TestStall:
    def job(self, *, hours: float, training: str) -> CustomizationJob:
        created = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=hours)
        return CustomizationJob("job", "arn", "InProgress", created, details=(("trainingDetails", training),))

    def test_running_for_long_without_training_is_named(self) -> None:
        stall = self.job(hours=7, training="NotStarted").stalled_for(6 * 3600)
        assert stall is not None
        assert "stalls: InProgress for 7.0 h and training has not started" in stall

    @pytest.mark.parametrize(("hours", "training"), [(5, "NotStarted"), (7, "InProgress"), (7, "Completed")])
    def test_anything_else_is_none(self, hours: float, training: str) -> None:
        assert self.job(hours=hours, training=training).stalled_for(6 * 3600) is None

    def test_the_trigger_names_it_while_it_lasts_and_goes_on_waiting(
        self, bedrock: FakeBedrock, capsys: pytest.CaptureFixture[str]
    ) -> None:
        bedrock.jobs["job"] = self.job(hours=7, training="NotStarted")
        assert job_trigger().has_ended(bedrock) is False  # type: ignore[arg-type]
        assert "stalls" in capsys.readouterr().out


def ours(**more: str) -> dict[str, str]:
    return {
        "project": "bedrock-distill",
        "dag-id": "dag",
        "run-id": "run",
        "expires-at": "2026-01-01T00:00:00Z",
        **more,
    }


class TestSweeper:
    def sweep(self, run_state: str | None, *, code: int = 404) -> Any:
        def state(dag_id: str, run_id: str) -> str:
            if run_state is None:
                raise AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"status_code": code}))
            return DagRunState(run_state)  # what Airflow returns, though it says str

        context: Any = {"ti": SimpleNamespace(get_dagrun_state=state)}
        return ReleaseLeftoversOperator(task_id="sweep").execute(context)

    @pytest.mark.parametrize("run_state", ["success", "failed", None])
    def test_what_no_live_run_uses_is_released(self, bedrock: FakeBedrock, run_state: str | None) -> None:
        bedrock.tags_of["arn:throughput/endpoint"] = ours()
        assert self.sweep(run_state)["released"] == ["endpoint"]
        assert bedrock.throughputs == {}

    def test_what_a_live_run_uses_is_kept_and_its_expiry_renewed(self, bedrock: FakeBedrock) -> None:
        bedrock.tags_of["arn:throughput/endpoint"] = ours()
        assert self.sweep("running")["renewed"] == ["endpoint"]
        renewed = datetime.datetime.fromisoformat(bedrock.tags_of["arn:throughput/endpoint"]["expires-at"])
        assert renewed > datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=2)

    def test_when_airflow_cannot_be_asked_the_run_may_be_live_and_nothing_is_released(
        self, bedrock: FakeBedrock
    ) -> None:
        bedrock.tags_of["arn:throughput/endpoint"] = ours()
        with pytest.raises(OutcomeError, match="could not be swept"):
            self.sweep(None, code=500)
        assert list(bedrock.throughputs) == ["endpoint"]

    def test_what_is_not_ours_is_left(self, bedrock: FakeBedrock) -> None:
        bedrock.tags_of["arn:throughput/endpoint"] = {"expires-at": "2020-01-01T00:00:00Z"}
        assert self.sweep(None) == {"released": [], "renewed": [], "left": 1}

    def test_one_that_cannot_be_released_keeps_no_other_and_fails_the_task(self, bedrock: FakeBedrock) -> None:
        bedrock.put_throughput("another", "InService")
        for name in ("endpoint", "another"):
            bedrock.tags_of[f"arn:throughput/{name}"] = ours()
        delete = bedrock.delete_throughput

        def refuse_the_first(arn: str) -> None:
            if arn.endswith("endpoint"):
                raise TransientError("500")
            delete(arn)

        bedrock.delete_throughput = refuse_the_first  # type: ignore[method-assign]
        with pytest.raises(
            OutcomeError, match="1 throughputs could not be swept and may be billed: arn:throughput/end"
        ):
            self.sweep(None)
        assert list(bedrock.throughputs) == ["endpoint"]


class TestCancellation:
    def test_the_message_of_a_cancellation_outlives_a_look_under_way(self, bedrock: FakeBedrock) -> None:
        """Airflow calls ``on_kill`` only when its message arrives; a look in a thread must not swallow it."""
        looking, let_go = threading.Event(), threading.Event()
        trigger = job_trigger()
        trigger.has_ended = lambda _: looking.set() or not let_go.wait(5)  # type: ignore[method-assign]

        async def cancelled_while_looking() -> tuple[Any, ...]:
            task = asyncio.ensure_future(anext(aiter(trigger.run())))
            await asyncio.to_thread(looking.wait, 5)
            task.cancel("a person did it")
            ended, _ = await asyncio.wait({task}, timeout=2)
            let_go.set()
            with pytest.raises(asyncio.CancelledError) as cancelled:
                ended.pop().result()
            return cancelled.value.args

        assert asyncio.run(cancelled_while_looking()) == ("a person did it",)
