"""Check with a fake clock that every wait of every task writes one line a minute."""

from __future__ import annotations

import asyncio
import datetime
import threading
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from airflow.sdk import BaseOperator

from bedrock_distill.hooks.in_flight import InFlight
from bedrock_distill.operators.judge import BedrockJudgeOperator
from bedrock_distill.run import checks, explained_task
from bedrock_distill.run.heartbeat import Heartbeat
from bedrock_distill.triggers import polling
from bedrock_distill.triggers.batch import BatchJobsTrigger
from bedrock_distill.triggers.polling import CustomizationJobTrigger, PollingTrigger, ProvisionedThroughputTrigger
from bedrock_distill.triggers.prompt_optimization import PromptOptimizationTrigger
from include.distill.core.errors import ExpiredCredentialsError, ThrottledError
from include.distill.inference.call_progress import CallProgress
from include.distill.progress.meter import ProgressMeter
from tests.fakes.fake_bedrock import FakeBedrock
from tests.plugins.operators.test_every_operator import CONCRETE, new_task

INPUTS = {
    "result": {"job_name": "job-1"},
    "submitted": {"job_name": "job-1", "job_arn": "arn:job/1", "job_arns": ["arn:batch/1"], "at_most_usd": 2.5},
    "provisioned": {"throughput_name": "tuned-s1", "throughput_arn": "arn:t/1", "usd_per_hour": 24.0},
}

WAITING_TASK: Any = SimpleNamespace(task_id="tuned.trained")


class FakeTime:
    """A clock that every wait advances."""

    def __init__(self, minutes: float) -> None:
        self.now = 0.0
        self.end = minutes * 60

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        return self.now > self.end


def lines(task: Any, minutes: float) -> list[str]:
    """Return the lines that a task writes while it works for some minutes."""
    time, written = FakeTime(minutes), []  # type: ignore[var-annotated]
    Heartbeat(task.waiting_line, written.append, wait=time.wait, clock=time.clock).run()
    return written


class TestTasks:
    @pytest.mark.parametrize("task_class", CONCRETE)
    def test_every_task_writes_one_line_a_minute(self, task_class: type[BaseOperator]) -> None:
        task = new_task(task_class)
        for name, value in INPUTS.items():
            if hasattr(task, name):
                setattr(task, name, value)
        written = lines(task, 6)
        assert [line.split(" so far")[0] for line in written] == [f"task: {minute} min" for minute in range(1, 7)]
        assert all("waiting for " in line and "Cost so far: " in line for line in written)
        assert all(line.count("\n") == 0 and line.endswith(".") and ".." not in line for line in written)

    @pytest.mark.parametrize("task_class", CONCRETE)
    def test_the_lines_are_written_while_the_task_runs(
        self, task_class: type[BaseOperator], context: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each of the three places where Airflow calls a task starts a heartbeat."""
        started: list[str] = []

        class Beat:
            def __init__(self, line: Any, write: Any) -> None:
                started.append(line(60))

            def __enter__(self) -> None: ...

            def __exit__(self, *_: object) -> None: ...

        monkeypatch.setattr(explained_task, "heartbeat", Beat)
        named = {"execute": lambda *_, **__: None, "pre_execute": lambda *_, **__: None, "over": lambda *_, **__: None}
        task = new_task(type(task_class.__name__, (task_class,), named))
        for name, value in INPUTS.items():
            if hasattr(task, name):
                setattr(task, name, value)
        task.pre_execute(context)
        task.execute(context)
        task.resume_execution("over", {}, context)
        assert len(started) == 3

    def test_throttling_and_the_cost_so_far_are_named(self) -> None:
        time = FakeTime(99)
        progress = CallProgress(clock=time.clock)

        class Asked:
            spent_usd = 1.23456
            call_progress = progress

        task = new_task(BedrockJudgeOperator)
        task.asked = Asked()
        task.meter = ProgressMeter("task", -1, 500, task._counts, clock=time.clock)
        for row in range(41):
            progress.counting_rows(str)(row)
            progress.record_answer(is_new=row > 0)
            progress.record_success()
        progress.record_failure(ThrottledError("slow down"))
        time.now = 352
        progress.record_failure(ThrottledError("slow down"))
        assert task.waiting_line(360) == (
            "task: 6 min so far, waiting for the judge's verdicts. 41 of 500 rows, 40 calls, 1 answer from the store,"
            " about 1 h 05 min left. Bedrock has throttled every call for 352 s (calls: 2). Cost so far: $1.2346 for"
            " these answers."
        )

    def test_s3_that_does_not_answer_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        time = FakeTime(99)
        in_flight = InFlight(time.clock)
        monkeypatch.setattr(explained_task, "IN_FLIGHT", in_flight)
        task = new_task(BedrockJudgeOperator)
        with in_flight.track("get_object s3://bucket/key"):
            time.now = 10
            assert "AWS has not answered" not in task.waiting_line(60)
            time.now = 160
            task.attempt_text = "attempt 2 of 4"
            line = task.waiting_line(160)
            assert "AWS has not answered get_object s3://bucket/key for 160 s (since " in line
            assert "UTC). This is attempt 2 of 4 of the task. Cost so far" in line
        assert "AWS has not answered" not in task.waiting_line(200)


class FakeTimeLoop(asyncio.SelectorEventLoop):
    """An event loop that does not wait for its timers, but advances its clock to the next one."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        select = self._selector.select  # type: ignore[attr-defined]

        def advance(timeout: float | None = None) -> Any:
            events = select(0 if timeout else timeout)
            if not events and timeout:
                self.now += timeout
            return events

        self._selector.select = advance  # type: ignore[attr-defined]

    def time(self) -> float:
        return self.now


class TestFrozenAws:
    """The first check of a trigger gets no answer."""

    COMMON: ClassVar[dict[str, Any]] = {
        "deadline": "2100-01-01T00:00:00+00:00",
        "poll_interval_seconds": 0.001,
        "aws_conn_id": "aws_default",
        "region_name": None,
    }

    @pytest.mark.parametrize("kind", ["training", "deployment", "batch"])
    def test_the_line_names_the_task_its_status_and_the_request_of_this_trigger(
        self, kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        time = FakeTime(99)
        in_flight = InFlight(time.clock)
        asked, let_go, logged = threading.Event(), threading.Event(), threading.Event()

        def write(text: str, *values: Any) -> None:
            written.append(text % values)
            logged.set()

        def hang(*_: Any) -> bool:
            with in_flight.track("get job-1", limit="given up after 3 attempts"):
                asked.set()
                return let_go.wait(10)

        trigger: PollingTrigger = TestTriggers.MAKERS[kind](**self.COMMON, waits_for="job-1 to end", status="it is new")
        trigger.task_instance = WAITING_TASK
        written: list[str] = []
        monkeypatch.setattr(type(trigger), "log", SimpleNamespace(info=write, warning=lambda *_: None))
        monkeypatch.setattr(type(trigger), "has_ended", hang)
        monkeypatch.setattr(polling, "IN_FLIGHT", in_flight)
        monkeypatch.setattr(polling, "BedrockDistillHook", lambda *_: None)
        monkeypatch.setattr(polling, "INTERVAL_SECONDS", 0.05)

        async def frozen() -> None:
            with in_flight.track("get a job of another task"):
                event = asyncio.ensure_future(anext(aiter(trigger.run())))
                await asyncio.to_thread(asked.wait, 5)
                time.now = 90
                await asyncio.to_thread(logged.wait, 5)
                let_go.set()
                await event

        asyncio.run(frozen())
        line = written[0]
        assert line.startswith("tuned.trained: 0 s so far, waiting for job-1 to end. When the wait began: it is new. ")
        assert "AWS has not answered get job-1 for 90 s (since " in line
        assert ", given up after 3 attempts). Cost so far: " in line

    def test_a_trigger_of_an_earlier_version_still_writes_a_line(self) -> None:
        line = CustomizationJobTrigger(name="arn:job", stall_after_seconds=9, **self.COMMON).waiting_line()
        assert line == "the task: 0 s so far, waiting for arn:job. Cost so far: the training so far."

    def test_a_trigger_of_airflow_3_2_names_its_task(self) -> None:
        trigger = CustomizationJobTrigger(name="arn:job", stall_after_seconds=9, **self.COMMON)
        trigger.task_instance = WAITING_TASK
        vars(trigger).pop("task_id", None)
        assert trigger.waiting_line().startswith("tuned.trained: 0 s so far")


class TestTriggers:
    """A task that waits in the triggerer has no process of its own, so its trigger writes the lines."""

    START = datetime.datetime(2026, 11, 22, 2, 0, tzinfo=datetime.UTC)

    def wait(self, make: Any, minutes: int, poll_seconds: float, monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
        loop = FakeTimeLoop()

        async def in_thread(work: Any, *arguments: Any) -> Any:
            return work(*arguments)

        monkeypatch.setattr(polling, "in_thread", in_thread)
        for module in (polling, checks):
            monkeypatch.setattr(module, "utc_now", lambda: self.START + datetime.timedelta(seconds=loop.now))
        trigger: PollingTrigger = make(
            deadline=(self.START + datetime.timedelta(minutes=minutes, seconds=-1)).isoformat(),
            since=self.START.isoformat(),
            poll_interval_seconds=poll_seconds,
            aws_conn_id="aws_default",
            region_name=None,
            waits_for="a job to end",
            status="job is new",
        )
        trigger.task_instance = WAITING_TASK
        written: list[str] = []
        log = SimpleNamespace(info=lambda text, *values: written.append(text % values), warning=lambda *_: None)
        monkeypatch.setattr(type(trigger), "log", log)

        async def first_event() -> Any:
            return (await anext(aiter(trigger.run()))).payload["end"]

        try:
            assert loop.run_until_complete(first_event()) == "deadline"
        finally:
            loop.close()
        return written

    @pytest.fixture(autouse=True)
    def _bedrock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        fake = FakeBedrock()
        fake.put_job(
            "job", "InProgress", details=(("validationDetails", "Completed"), ("trainingDetails", "NotStarted"))
        )
        fake.put_throughput("endpoint", "Creating")
        monkeypatch.setattr(polling, "BedrockDistillHook", lambda *_: fake)
        monkeypatch.setattr("bedrock_distill.triggers.batch.running_jobs", lambda *_: [])
        monkeypatch.setattr(BatchJobsTrigger, "has_ended", lambda *_: False)
        monkeypatch.setattr(PromptOptimizationTrigger, "has_ended", lambda *_: False)

    MAKERS: ClassVar[dict[str, Any]] = {
        "training": lambda **common: CustomizationJobTrigger(
            name="job", stall_after_seconds=1e9, at_most_usd=2.5, **common
        ),
        "deployment": lambda **common: ProvisionedThroughputTrigger(name="endpoint", usd_per_hour=24.0, **common),
        "prompt optimization": lambda **common: PromptOptimizationTrigger(name="arn:job", at_most_usd=2.5, **common),
        "batch": lambda **common: BatchJobsTrigger(name="3 batch jobs", job_arns=["arn:a"], **common),
    }

    @pytest.mark.parametrize("poll_seconds", [7, 60, 100])
    @pytest.mark.parametrize("kind", MAKERS)
    def test_every_trigger_writes_one_line_a_minute_whatever_its_poll_interval(
        self, kind: str, poll_seconds: float, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        written = self.wait(self.MAKERS[kind], 20, poll_seconds, monkeypatch)
        durations = [line.split(" so far, waiting for a job to end. ")[0] for line in written]
        assert durations[:19] == [f"tuned.trained: {minute} min" for minute in range(1, 20)]
        assert len(written) <= 20 + poll_seconds // 60 + 1
        assert all("Cost so far: " in line for line in written)

    def test_failing_checks_are_named_until_they_succeed_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        polls = iter(range(100))

        def has_ended(trigger: PollingTrigger, _: Any) -> bool:
            if 3 <= next(polls) < 8:
                raise ExpiredCredentialsError("get endpoint: ExpiredToken.")
            trigger.checks.status = "endpoint is Creating"
            return False

        monkeypatch.setattr(ProvisionedThroughputTrigger, "has_ended", has_ended)
        written = self.wait(self.MAKERS["deployment"], 15, 60, monkeypatch)
        failing = [index for index, line in enumerate(written) if "The checks have failed" in line]
        assert failing == list(range(failing[0], failing[0] + 5))
        assert "The last error: get endpoint: ExpiredToken." in written[failing[0]]
        assert "the Airflow connection aws_default" in written[failing[0]]
        assert "until 2026-11-22 02:14 UTC" in written[failing[0]]
        assert all("endpoint is Creating. Cost so far" in line for line in written[failing[-1] + 1 :])

    def test_the_line_about_training_names_the_phases_and_the_cost(self, monkeypatch: pytest.MonkeyPatch) -> None:
        line = self.wait(self.MAKERS["training"], 3, 10, monkeypatch)[-1]
        assert "job is in progress, " in line
        assert "(validation completed, training not started)" in line
        assert line.endswith("Cost so far: the training so far, at most $2.50 in all.")

    def test_the_line_about_an_endpoint_gives_its_cost_so_far(self, monkeypatch: pytest.MonkeyPatch) -> None:
        line = self.wait(self.MAKERS["deployment"], 31, 10, monkeypatch)[29]
        assert line == (
            "tuned.trained: 30 min so far, waiting for a job to end. endpoint is Creating. Cost so far: about $12.00,"
            " at $24.00 per hour."
        )
