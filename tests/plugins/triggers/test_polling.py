"""Triggers poll until the end, and stop what is billed when a person marks the waiting task as failed."""

from __future__ import annotations

import asyncio
import datetime
import inspect
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from bedrock_distill.hooks.bedrock import CustomizationJob
from bedrock_distill.triggers.polling import (
    CustomizationJobTrigger,
    PollingTrigger,
    ProvisionedThroughputTrigger,
    StandingEndpointTrigger,
)
from include.distill.core.errors import ContractError, RefusedError, TransientError
from tests.fakes.fake_bedrock import FakeBedrock

FAR = "2100-01-01T00:00:00+00:00"
PAST = "2020-01-01T00:00:00+00:00"


@pytest.fixture
def bedrock(monkeypatch: pytest.MonkeyPatch) -> FakeBedrock:
    """A running job and an endpoint that is being created."""
    fake = FakeBedrock()
    fake.put_job("job", "InProgress")
    fake.put_throughput("endpoint", "Creating")
    monkeypatch.setattr("bedrock_distill.triggers.polling.BedrockDistillHook", lambda *_: fake)
    return fake


def common(**changes: Any) -> dict[str, Any]:
    return {
        "deadline": FAR,
        "poll_interval_seconds": 0.01,
        "aws_conn_id": "aws_default",
        "region_name": None,
        **changes,
    }


def job_trigger(**changes: Any) -> CustomizationJobTrigger:
    return CustomizationJobTrigger(name="job", stall_after_seconds=3600, at_most_usd=2.5, **common(**changes))


def endpoint_trigger(**changes: Any) -> ProvisionedThroughputTrigger:
    return ProvisionedThroughputTrigger(name="endpoint", **common(**changes))


def standing_trigger(**changes: Any) -> StandingEndpointTrigger:
    return StandingEndpointTrigger(name="standing", **{**common(**changes), "kind": changes.get("kind", "on_demand")})


def first_event(trigger: PollingTrigger) -> dict[str, Any]:
    async def next_event() -> Any:
        async for event in trigger.run():
            return event.payload
        return None

    payload: dict[str, Any] = asyncio.run(asyncio.wait_for(next_event(), timeout=10))
    return payload


def settings_of(trigger: PollingTrigger) -> dict[str, Any]:
    """Return a trigger's arguments by name, including those of its base class."""
    ours = [parent for parent in type(trigger).__mro__ if issubclass(parent, PollingTrigger)]
    names = {name for parent in ours for name in inspect.signature(parent.__init__).parameters}
    return {name: getattr(trigger, name) for name in names - {"self", "common"}}


@pytest.mark.parametrize("make", [job_trigger, endpoint_trigger, standing_trigger])
def test_the_triggerer_makes_the_same_trigger_from_the_stored_arguments(make: Any) -> None:
    trigger = make(poll_interval_seconds=30, region_name="eu-west-1", give_up_when_failed=False)
    path, arguments = trigger.serialize()
    assert path == f"bedrock_distill.triggers.polling.{type(trigger).__name__}"
    again = type(trigger)(**arguments)
    assert again.serialize() == (path, arguments)
    assert settings_of(again) == settings_of(trigger)


class TestRun:
    def test_the_trigger_fires_when_the_job_has_ended(self, bedrock: FakeBedrock) -> None:
        bedrock.put_job("job", "Completed")
        assert first_event(job_trigger()) == {"end": "ended", "message": "", "deadline": FAR}

    def test_the_trigger_sleeps_before_its_first_check(self, bedrock: FakeBedrock) -> None:
        """Airflow 3.3 can fail a deferral that fires at once."""
        bedrock.put_job("job", "Completed")
        with pytest.raises(TimeoutError):
            asyncio.run(asyncio.wait_for(anext(aiter(job_trigger(poll_interval_seconds=60).run())), timeout=0.1))

    def test_transient_errors_do_not_end_the_wait(self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch) -> None:
        faults = iter([TransientError("500"), TransientError("expired token")])
        look = bedrock.find_job

        def shaky(name: str) -> Any:
            if (fault := next(faults, None)) is not None:
                raise fault
            bedrock.put_job("job", "Failed")
            return look(name)

        monkeypatch.setattr(bedrock, "find_job", shaky)
        assert first_event(job_trigger())["end"] == "ended"

    def test_the_trigger_fires_at_its_deadline(self, bedrock: FakeBedrock) -> None:
        assert first_event(job_trigger(deadline=PAST)) == {"end": "deadline", "message": "", "deadline": PAST}

    def test_an_error_at_the_deadline_ends_the_wait(
        self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(_: str) -> None:
            raise TransientError("500")

        monkeypatch.setattr(bedrock, "find_job", fail)
        assert first_event(job_trigger(deadline=PAST))["end"] == "deadline"

    def test_a_refusal_is_passed_to_the_task(self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(_: str) -> None:
            raise RefusedError("denied")

        monkeypatch.setattr(bedrock, "find_job", refuse)
        assert first_event(job_trigger()) == {"end": "refused", "message": "denied", "to_do": "", "deadline": FAR}

    def test_an_unknown_error_of_aws_ends_the_wait(self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(_: str) -> None:
            raise ContractError("418: unknown")

        monkeypatch.setattr(bedrock, "find_job", fail)
        assert first_event(job_trigger()) == {"end": "refused", "message": "418: unknown", "to_do": "", "deadline": FAR}

    def test_a_cancellation_during_a_check_keeps_its_message(self, bedrock: FakeBedrock) -> None:
        """Airflow calls ``on_kill`` only if the message of the cancellation arrives, so a check must not lose it."""
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


class TestHasEnded:
    @pytest.mark.parametrize(
        ("status", "ended"),
        [("InProgress", False), ("Stopping", False), ("Completed", True), ("Failed", True), ("Stopped", True)],
    )
    def test_a_job_has_ended_in_any_final_status(self, bedrock: FakeBedrock, status: str, ended: bool) -> None:
        bedrock.put_job("job", status)
        assert job_trigger().has_ended(bedrock) is ended  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("status", "ended"), [("Creating", False), ("Updating", False), ("InService", True), ("Failed", True)]
    )
    def test_the_wait_for_an_endpoint_ends_when_it_is_in_service_or_has_failed(
        self, bedrock: FakeBedrock, status: str, ended: bool
    ) -> None:
        bedrock.put_throughput("endpoint", status)
        assert endpoint_trigger().has_ended(bedrock) is ended  # type: ignore[arg-type]

    def test_the_wait_for_a_missing_job_or_endpoint_ends(self, bedrock: FakeBedrock) -> None:
        bedrock.jobs.clear()
        bedrock.throughputs.clear()
        assert job_trigger().has_ended(bedrock) is True  # type: ignore[arg-type]
        assert endpoint_trigger().has_ended(bedrock) is True  # type: ignore[arg-type]

    def test_the_wait_for_a_standing_endpoint_ends_when_its_creation_or_update_has_ended(
        self, bedrock: FakeBedrock
    ) -> None:
        trigger = standing_trigger()
        bedrock.put_deployment("standing", "Creating")
        seen = [trigger.has_ended(bedrock)]  # type: ignore[arg-type]
        bedrock.end_change()
        seen.append(trigger.has_ended(bedrock))  # type: ignore[arg-type]
        bedrock.update_deployment("standing", "arn:model/new")
        seen.append(trigger.has_ended(bedrock))  # type: ignore[arg-type]
        assert "is to answer with arn:model/new next" in trigger.checks.status
        bedrock.end_change(fails=True)
        seen.append(trigger.has_ended(bedrock))  # type: ignore[arg-type]
        bedrock.deployments.clear()
        assert [*seen, trigger.has_ended(bedrock)] == [False, True, False, True, True]  # type: ignore[arg-type]

    def test_an_unknown_status_wakes_the_task(self, bedrock: FakeBedrock) -> None:
        bedrock.put_job("job", "Paused")
        assert job_trigger().has_ended(bedrock) is True  # type: ignore[arg-type]

    def test_a_stall_is_logged_once_and_the_wait_continues(
        self, bedrock: FakeBedrock, capsys: pytest.CaptureFixture[str]
    ) -> None:
        created = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=7)
        details = (("trainingDetails", "NotStarted"),)
        bedrock.jobs["job"] = CustomizationJob("job", "arn", "InProgress", created, details=details)
        trigger = job_trigger()
        assert [trigger.has_ended(bedrock) for _ in range(3)] == [False] * 3  # type: ignore[arg-type]
        assert capsys.readouterr().out.count("is stalled: job is in progress, 7 h 00 min after its creation") == 1


def marked(trigger: PollingTrigger, state: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancel the trigger as Airflow does after its task was cleared or marked. The task is then in ``state``."""
    states = {} if state is None else {"trained": state}
    monkeypatch.setattr(
        "bedrock_distill.triggers.polling.RuntimeTaskInstance.get_task_states", lambda **_: {"run": states}
    )
    trigger.task_instance = SimpleNamespace(dag_id="dag", task_id="trained", run_id="run", map_index=-1)  # type: ignore[assignment]
    asyncio.run(trigger.on_kill())


class TestOnKill:
    def test_a_standing_endpoint_is_never_deleted(self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch) -> None:
        bedrock.put_deployment("standing", "Creating")
        marked(standing_trigger(), "failed", monkeypatch)
        assert "standing" in bedrock.deployments

    def test_marking_the_task_as_failed_stops_its_job_and_logs_what_is_billed(
        self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        marked(job_trigger(), "failed", monkeypatch)
        assert bedrock.stopped == ["job"]
        assert "is billed, at most $2.50" in capsys.readouterr().out

    @pytest.mark.parametrize("state", ["deferred", "scheduled", "success", "skipped", None])
    def test_clearing_the_task_or_any_other_end_does_not_stop_the_job(
        self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch, state: str | None
    ) -> None:
        marked(job_trigger(), state, monkeypatch)
        assert bedrock.stopped == []

    def test_a_job_for_which_another_run_waits_is_not_stopped(
        self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        backfill = {"submit": "success", "trained": "deferred"}
        asked = {"run": {"trained": "failed"}, "backfill": backfill}
        polling = "bedrock_distill.triggers.polling"
        monkeypatch.setattr(f"{polling}.RuntimeTaskInstance.get_task_states", lambda **_: asked)
        monkeypatch.setattr(f"{polling}.XCom.get_one", lambda **about: {"job_name": "job"})
        trigger = job_trigger()
        trigger.task_instance = SimpleNamespace(dag_id="dag", task_id="trained", run_id="run", map_index=-1)  # type: ignore[assignment]
        asyncio.run(trigger.on_kill())
        assert bedrock.stopped == []
        assert "because the run backfill waits for it" in capsys.readouterr().out
        backfill["trained"] = "success"
        asyncio.run(trigger.on_kill())
        assert bedrock.stopped == ["job"]

    def test_a_trigger_without_a_task_does_not_stop_the_job(self, bedrock: FakeBedrock) -> None:
        asyncio.run(job_trigger().on_kill())
        assert bedrock.stopped == []

    def test_the_use_case_can_let_jobs_continue(self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch) -> None:
        marked(job_trigger(give_up_when_failed=False), "failed", monkeypatch)
        assert bedrock.stopped == []

    def test_a_job_that_has_ended_is_not_stopped(self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch) -> None:
        bedrock.put_job("job", "Completed")
        marked(job_trigger(), "failed", monkeypatch)
        assert bedrock.stopped == []

    def test_marking_in_service_as_failed_deletes_the_endpoint(
        self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        marked(endpoint_trigger(), "failed", monkeypatch)
        assert bedrock.throughputs == {}

    def test_an_error_while_stopping_is_logged_and_left_to_the_other_safety_nets(
        self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        bedrock.refuse["delete_throughput"] = TransientError("503 from Bedrock")
        marked(endpoint_trigger(), "failed", monkeypatch)
        assert list(bedrock.throughputs) == ["endpoint"]
        assert "503 from Bedrock" in capsys.readouterr().out

    def test_a_trigger_that_is_cancelled_every_second_still_stops_the_job(
        self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looking, let_go = threading.Event(), threading.Event()

        def slow(**_: Any) -> dict[str, dict[str, str]]:
            looking.set()
            let_go.wait(5)
            return {"run": {"trained": "failed"}}

        monkeypatch.setattr("bedrock_distill.triggers.polling.RuntimeTaskInstance.get_task_states", slow)
        trigger = job_trigger()
        trigger.task_instance = SimpleNamespace(dag_id="dag", task_id="trained", run_id="run", map_index=-1)  # type: ignore[assignment]

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
