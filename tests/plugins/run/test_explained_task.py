"""Check that every place where Airflow calls a task explains errors and writes lines about the wait."""

from __future__ import annotations

import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTerminated,
    AirflowTaskTimeout,
)
from structlog.testing import capture_logs

from bedrock_distill.policies import retry
from bedrock_distill.run import explained_task
from bedrock_distill.run.explained_task import ExplainedTask
from include.distill.core.errors import DistillError, InputError, RefusedError, TransientError, UnexpectedError
from tests.plugins.operators.test_every_operator import CONCRETE


class Work(ExplainedTask, BaseOperator):
    """A task that raises an error, or does what it is told, wherever Airflow calls it."""

    template_fields = ("value",)

    def __init__(self, *, value: Any = "", work: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.value, self.work = value, work

    def _do(self, context: Any) -> Any:
        if isinstance(self.work, BaseException):
            raise self.work
        return self.work(self, context) if self.work else None

    def pre_execute(self, context: Any) -> None:
        self._do(context)

    def execute(self, context: Any) -> Any:
        return self._do(context)

    def over(self, context: Any, event: Any = None) -> Any:
        return self._do(context)


def broken_value(context: Any, jinja_env: Any) -> str:
    raise RefusedError("It broke.")


CALLS: dict[str, Any] = {
    "before the start": lambda task, context: task.pre_execute(context),
    "at the start": lambda task, context: task.execute(context),
    "with a named context": lambda task, context: task.execute(context=context),
    "after a wait": lambda task, context: task.resume_execution("over", {"event": {}}, context),
}


@pytest.fixture
def beats(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The heartbeats that were started and stopped."""
    seen: list[str] = []

    @contextmanager
    def beat(line: Any, write: Any) -> Any:
        seen.append("start")
        try:
            yield
        finally:
            seen.append("stop")

    monkeypatch.setattr(explained_task, "heartbeat", beat)
    return seen


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
class TestEveryCall:
    @pytest.mark.parametrize("error", [InputError("x"), TransientError("x")], ids=repr)
    def test_an_error_of_the_project_keeps_its_class(self, call: Any, error: Exception, context: Any) -> None:
        with pytest.raises(type(error), match=r"(?s)What happened: t of run r failed.*What to do: ") as raised:
            call(Work(task_id="t", work=error), context)
        assert raised.value is error

    @pytest.mark.parametrize("explained", [True, False])
    def test_on_airflow_3_2_an_error_that_must_not_be_retried_ends_the_task(
        self, call: Any, context: Any, monkeypatch: pytest.MonkeyPatch, explained: bool
    ) -> None:
        monkeypatch.setattr(retry, "HAS_POLICIES", False)
        if not explained:
            monkeypatch.setattr(explained_task, "four_lines", lambda *_: 1 / 0)
        with pytest.raises(AirflowFailException, match="It broke") as final:
            call(Work(task_id="t", work=RefusedError("It broke.")), context)
        assert isinstance(final.value, RefusedError)
        with pytest.raises(TransientError) as repeated:
            call(Work(task_id="t", work=TransientError("x")), context)
        assert not isinstance(repeated.value, AirflowFailException)

    @pytest.mark.parametrize("kind", [AirflowFailException, AirflowSensorTimeout, AirflowTaskTimeout])
    def test_an_error_whose_class_decides_about_retries_keeps_it(self, call: Any, kind: Any, context: Any) -> None:
        with pytest.raises(kind, match=r"What happened: .*final"):
            call(Work(task_id="t", work=kind("final")), context)

    def test_any_other_error_becomes_an_unexpected_one_and_is_logged_before_it(self, call: Any, context: Any) -> None:
        error = KeyError("x")
        with capture_logs() as records, pytest.raises(UnexpectedError, match=r"What happened: .*KeyError: 'x'"):
            call(Work(task_id="t", work=error), context)
        assert [record["exc_info"] for record in records if record["log_level"] == "error"] == [error]

    @pytest.mark.parametrize("error", [RefusedError("It broke."), KeyError("x")], ids=["expected", "unexpected"])
    def test_nothing_but_the_call_itself_follows_the_four_lines_in_the_log(
        self, call: Any, error: Exception, context: Any
    ) -> None:
        with pytest.raises(DistillError) as raised:
            call(Work(task_id="t", work=error), context)
        last = traceback.extract_tb(raised.value.__traceback__)[-1]
        assert Path(last.filename).name == "explained_task.py"
        assert raised.value.__cause__ is None
        assert raised.value.__suppress_context__

    @pytest.mark.parametrize("kind", [AirflowSkipException, AirflowTaskTerminated, KeyboardInterrupt, SystemExit])
    def test_what_is_no_error_is_left_alone(self, call: Any, kind: Any, context: Any) -> None:
        signal = kind("as it is")
        with pytest.raises(kind) as raised:
            call(Work(task_id="t", work=signal), context)
        assert raised.value is signal
        assert str(signal) == "as it is"

    def test_one_heartbeat_runs_during_each_call(self, call: Any, context: Any, beats: list[str]) -> None:
        task = Work(task_id="t", work=RefusedError("x"))
        with pytest.raises(RefusedError):
            call(task, context)
        task.work = None
        call(task, context)  # the same task is called again, such as after a wait
        assert beats == ["start", "stop", "start", "stop"]

    def test_the_attempt_is_known_before_the_work_begins(self, call: Any, context: Any) -> None:
        seen: list[int] = []
        call(Work(task_id="t", work=lambda task, _: seen.append(task.attempt)), context)
        assert seen == [3]


class TestTemplates:
    def test_an_error_in_a_template_is_explained(self, context: Any) -> None:
        with pytest.raises(RefusedError, match=r"(?s)What happened: .*It broke\..*What to do: "):
            Work(task_id="t", value=broken_value).render_template_fields(context)

    def test_an_error_in_a_template_of_a_mapped_task_is_explained(self, context: Any) -> None:
        with DAG("d", schedule=None) as dag:
            mapped = Work.partial(task_id="t", value=broken_value).expand(work=[None])
        context["dag"], context["dag_run"].conf, context["ti"].map_index = dag, {}, 0
        with pytest.raises(RefusedError, match=r"(?s)What happened: t\[0\] of run r .*It broke\..*What to do: "):
            mapped.render_template_fields(context)

    def test_nothing_is_explained_outside_of_a_run(self) -> None:
        """Airflow's pages and tests fill in templates without a task instance."""
        with pytest.raises(RefusedError, match=r"^It broke\.$"):
            Work(task_id="t", value=broken_value).render_template_fields({})  # type: ignore[typeddict-item]


class TestNestedCalls:
    def test_a_call_inside_another_one_is_not_explained_twice(self, context: Any, beats: list[str]) -> None:
        class Outer(Work):
            def execute(self, context: Any) -> Any:
                return super().execute(context)

        with pytest.raises(RefusedError) as raised:
            Outer(task_id="t", work=RefusedError("x")).execute(context)
        assert str(raised.value).count("What happened") == 1
        assert beats == ["start", "stop"]

    def test_the_result_is_returned(self, context: Any) -> None:
        assert Work(task_id="t", work=lambda task, context: {"rows": 3}).execute(context) == {"rows": 3}


def test_a_task_that_overrides_nothing_buys_nothing_and_names_itself() -> None:
    task, error = Work(task_id="group.t"), InputError("x")
    assert task.task_to_clear == "group.t with downstream"
    assert "unchanged" in task.state_left(error)
    assert task.billed_now(error) == "Nothing by this task: group.t buys nothing."
    assert "clear preflight with downstream" in task.after_wrong_input(error)


@pytest.mark.parametrize(("said", "part"), [("", ""), ("3 of 9 rows.", " 3 of 9 rows."), ("3 of 9", " 3 of 9.")])
def test_the_line_about_a_wait_has_one_full_stop_after_each_part(said: str, part: str) -> None:
    class Waiting(Work):
        def progress(self) -> str:
            return said

    assert Waiting(task_id="t").waiting_line(3900) == (
        f"t: 1 h 05 min so far, waiting for its work to be done.{part} Cost so far: nothing, this task buys nothing."
    )


@pytest.mark.parametrize("task_class", CONCRETE)
def test_no_operator_inherits_what_it_does_from_a_class_that_explains_nothing(task_class: type[BaseOperator]) -> None:
    """Airflow's own operators come after the mixin, so each must override ``execute`` to be explained."""
    owner = next(parent for parent in task_class.__mro__ if "execute" in vars(parent))
    assert owner is BaseOperator or issubclass(owner, ExplainedTask)
