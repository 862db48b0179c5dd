"""Check that every error that reaches a task's log ends with the same four lines."""

from __future__ import annotations

import copy
import inspect
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowRuntimeError,
    AirflowSkipException,
    DownstreamTasksSkipped,
    ErrorType,
)
from airflow.sdk.execution_time.comms import ErrorResponse
from botocore.exceptions import ClientError

from bedrock_distill.hooks.aws_errors import from_client_error
from bedrock_distill.lifecycle.abandoned_jobs import record_error
from bedrock_distill.operators.serve import BedrockProvisionThroughputOperator
from bedrock_distill.policies.retry import fails_at_once, next_attempt
from bedrock_distill.run.four_lines import BILLED, HAPPENED, LEFT, TO_DO
from bedrock_distill.run.task_ids import OUTCOME
from include.distill.config.form_fields import FORM_FIELDS
from include.distill.core import errors
from include.distill.core.errors import (
    FAILED_TASK,
    DistillError,
    InputError,
    PossiblyBilledError,
    RefusedError,
    ServiceError,
    SpendCapError,
    ThrottledError,
    TransientError,
    UnexpectedError,
    UseCaseError,
)
from tests.fakes.airflow_versions import WITH_POLICY, needs_policies
from tests.fakes.each_case import each_case
from tests.plugins.operators.test_every_operator import CONCRETE, new_task

ERRORS = [error for _, error in inspect.getmembers(errors, inspect.isclass) if issubclass(error, DistillError)]
UNEXPECTED = [KeyError("x"), OSError(28, "No space left on device"), ValueError("two\nlines"), AirflowException("odd")]


def failing(task_class: type[BaseOperator], error: BaseException, **changes: Any) -> Any:
    """Return a task of a class whose ``execute`` raises an error."""

    def execute(self: Any, context: Any) -> None:
        raise error

    broken = type(task_class.__name__, (task_class,), {"execute": execute})
    return new_task(broken, **{"retries": 2, **WITH_POLICY, **changes})


def explained(task: Any, context: Any) -> BaseException:
    with pytest.raises(Exception) as raised:  # noqa: PT011 - the class differs
        task.execute(context)
    return raised.value


def four(error: BaseException) -> dict[str, str]:
    """Return the last four lines of an error's text by their labels."""
    lines = str(error).splitlines()[-4:]
    return dict(line.split(": ", 1) for line in lines)


def attempt(context: Any, number: int, *, retries: int = 2, conf: dict[str, Any] | None = None) -> Any:
    context["ti"].try_number, context["ti"].max_tries = number, retries
    context["dag_run"].conf = conf
    return context


@pytest.mark.parametrize("task_class", CONCRETE)
class TestEveryOperator:
    def test_every_error_class_ends_with_four_lines_and_keeps_its_class(self, task_class: Any, context: Any) -> None:
        with each_case() as case:
            for error in ERRORS:
                with case(error):
                    broken = failing(task_class, error("It broke at s3://b/k."))
                    result = explained(broken, copy.deepcopy(context))
                    lines = four(result)
                    assert (type(result).__name__, isinstance(result, error)) == (error.__name__, True)
                    assert list(lines) == [HAPPENED, LEFT, BILLED, TO_DO]
                    assert all(text.strip() for text in lines.values())
                    assert lines[HAPPENED].startswith("task of run r failed in attempt 3 of 3: It broke at s3://b/k.")
                    assert "clear" in lines[TO_DO].lower() or "trigger a new run" in lines[TO_DO].lower()

    def test_an_unexpected_error_ends_with_four_lines_that_name_it(self, task_class: Any, context: Any) -> None:
        with each_case() as case:
            for error in UNEXPECTED:
                with case(error):
                    result = explained(failing(task_class, error), copy.deepcopy(context))
                    assert isinstance(result, UnexpectedError)
                    lines = four(result)
                    assert list(lines) == [HAPPENED, LEFT, BILLED, TO_DO]
                    assert type(error).__name__ in lines[HAPPENED]
                    assert "clear" in lines[TO_DO].lower() or "trigger a new run" in lines[TO_DO].lower()

    def test_exceptions_that_are_no_errors_are_left_alone(self, task_class: Any, context: Any) -> None:
        for signal in (AirflowSkipException("skip"), DownstreamTasksSkipped(tasks=["a"])):
            assert explained(failing(task_class, signal), context) is signal
        assert str(AirflowSkipException("skip")) == "skip"

    def test_an_error_before_the_start_and_after_a_wait_is_explained_too(self, task_class: Any, context: Any) -> None:
        def fail(self: Any, *arguments: Any, **named: Any) -> None:
            raise RefusedError("It broke.")

        broken = type(task_class.__name__, (task_class,), {"pre_execute": fail, "wait_is_over": fail})
        with pytest.raises(RefusedError) as before:
            new_task(broken).pre_execute(context)
        with pytest.raises(RefusedError) as after:
            new_task(broken).resume_execution("wait_is_over", {}, context)
        assert list(four(before.value)) == list(four(after.value)) == [HAPPENED, LEFT, BILLED, TO_DO]

    def test_an_error_of_a_trigger_is_explained(self, task_class: Any, context: Any) -> None:
        with pytest.raises(UnexpectedError) as raised:
            new_task(task_class).resume_execution("__fail__", {"error": "Trigger failure"}, context)
        assert "TaskDeferralError" in str(raised.value)
        assert list(four(raised.value)) == [HAPPENED, LEFT, BILLED, TO_DO]


def provision(error: BaseException, **changes: Any) -> Any:
    return failing(BedrockProvisionThroughputOperator, error, **changes)


class TestRetries:
    @pytest.mark.parametrize("error", [*(error("x") for error in ERRORS), *UNEXPECTED], ids=lambda e: type(e).__name__)
    def test_the_four_lines_do_not_change_the_retry(self, error: Exception, context: Any) -> None:
        task = provision(error)
        before = next_attempt(task, error, attempt(context, 1))
        assert next_attempt(task, explained(task, context), context) == before

    def test_airflows_own_class_of_final_errors_is_kept(self, context: Any) -> None:
        result = explained(provision(AirflowFailException("final")), attempt(context, 1))
        assert type(result) is AirflowFailException
        assert "Airflow repeats" not in four(result)[TO_DO]

    @pytest.mark.parametrize(
        ("number", "error", "says"),
        [
            pytest.param(1, ThrottledError("429"), "repeats the task by itself in 1 min", marks=needs_policies),
            (2, TransientError("500"), "repeats the task by itself in 30 s"),
            (1, KeyError("x"), "repeats the task by itself in 30 s"),
        ],
    )
    def test_the_last_line_says_when_airflow_repeats_the_task(
        self, number: int, error: Exception, says: str, context: Any
    ) -> None:
        task = provision(error, retry_delay=timedelta(seconds=30))
        line = four(explained(task, attempt(context, number)))[TO_DO]
        assert line.startswith("Nothing yet: ")
        assert says in line

    @pytest.mark.parametrize(
        ("number", "error"), [(3, ThrottledError("429")), (3, KeyError("x")), (1, RefusedError("no"))]
    )
    def test_without_a_retry_nothing_promises_one(self, number: int, error: Exception, context: Any) -> None:
        line = four(explained(provision(error), attempt(context, number)))[TO_DO]
        assert "repeat" not in line
        assert "clear task with downstream" in line


def client_error(code: str, message: str, status: int = 400) -> ServiceError:
    response: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return from_client_error(ClientError(response, "Call"), "call tuned-s1")


class TestErrorsOfAws:
    def test_the_last_attempt_that_was_throttled_does_not_promise_a_retry(self, context: Any) -> None:
        error = client_error("ThrottlingException", "Rate exceeded", 429)
        lines = four(explained(provision(error), attempt(context, 3)))
        assert "retry" not in lines[TO_DO]
        assert lines[TO_DO].endswith("clear task with downstream.")

    def test_expired_credentials_say_where_to_renew_them_and_which_task_to_clear(self, context: Any) -> None:
        error = client_error("ExpiredTokenException", "The security token included in the request is expired", 403)
        lines = four(explained(provision(error), attempt(context, 3)))
        assert "Renew the credentials" in lines[TO_DO]
        assert "clear task with downstream" in lines[TO_DO]
        assert "endpoint" in lines[BILLED]

    def test_the_message_of_aws_appears_once(self, context: Any) -> None:
        error = client_error("ServiceQuotaExceededException", "0 model units are allowed")
        error.__cause__ = ClientError({"Error": {"Code": "x", "Message": "0 model units are allowed"}}, "Call")
        result = explained(provision(error), context)
        assert str(result).count("0 model units are allowed") == 1
        assert result.__cause__ is None

    def test_a_lost_answer_may_be_billed(self, context: Any) -> None:
        assert "may also bill the call" in four(explained(provision(PossiblyBilledError("lost")), context))[BILLED]


class TestConfigurationOfTheRun:
    @pytest.mark.parametrize(
        ("error", "conf", "key"),
        [
            (
                InputError("include/data/wrong.csv does not exist.", settings=["training_csv"]),
                {"training_csv": "include/data/wrong.csv"},
                "training_csv",
            ),
            (
                UseCaseError("$900 is above the cap.", settings=["max_spend_usd"]),
                {"max_spend_usd": 900},
                "max_spend_usd",
            ),
            (SpendCapError("The cost is too high.", settings=["max_spend_usd"]), {"max_spend_usd": 1}, "max_spend_usd"),
            (UseCaseError("0 is too small.", settings=["documents"]), {"documents": 0}, "documents"),
        ],
    )
    def test_a_wrong_value_of_the_form_needs_a_new_run(
        self, error: Exception, conf: dict[str, Any], key: str, context: Any
    ) -> None:
        line = four(explained(provision(error), attempt(context, 3, conf=conf)))[TO_DO]
        assert line.startswith(f"Trigger a new run with another value of {FORM_FIELDS[key].name}, now {conf[key]}.")
        assert "Clearing a task of this run keeps the value" in line

    @pytest.mark.parametrize("conf", [None, {}, {"training_csv": "other.csv"}, {"documents": None}, {"dry_run": True}])
    def test_a_wrong_value_of_the_file_needs_a_cleared_preflight(
        self, conf: dict[str, Any] | None, context: Any
    ) -> None:
        error = InputError("include/data/wrong.csv does not exist.")
        line = four(explained(provision(error), attempt(context, 3, conf=conf)))[TO_DO]
        assert "clear preflight with downstream" in line
        assert "new run" not in line

    def test_a_value_is_not_wrong_because_the_message_contains_its_name(self, context: Any) -> None:
        error = InputError("a.csv does not exist. The documents are missing.", settings=["training_csv"])
        context = attempt(context, 3, conf={"documents": 8, "training_csv": "a.csv"})
        line = four(explained(provision(error), context))[TO_DO]
        assert line.startswith("Trigger a new run with another value of Training CSV (training_csv), now a.csv.")
        assert line.endswith("correct the file and clear preflight with downstream.")
        assert "documents" not in line

    @pytest.mark.parametrize("name", ["DrawLabelSampleOperator", "ListLeftoversOperator", "CollectLabelsOperator"])
    def test_a_dag_whose_form_is_its_only_input_needs_a_new_run(self, name: str, context: Any) -> None:
        task_class = next(parameter.values[0] for parameter in CONCRETE if parameter.id == name)
        line = four(explained(failing(task_class, InputError("The form is wrong.")), context))[TO_DO]  # type: ignore[arg-type]
        assert line.startswith("Trigger a new run")


class TestOtherTasksOfTheRun:
    STATES: ClassVar[dict[str, str | None]] = {
        "preflight": "success",
        "base.answer": "success",
        "tuned.submit": "success",
        "tuned.trained": "success",
        "tuned.provision": "success",
        "tuned.in_service": "success",
        "tuned.release": None,
        "mixed.submit": "success",
        "mixed.trained": "deferred",
        "mixed.provision": None,
        "mixed.release": None,
        "judge_batch.submit": "success",
        "judge_batch.wait": "deferred",
        OUTCOME: None,
    }
    RESULTS: ClassVar[dict[str, dict[str, Any]]] = {
        "tuned.provision": {"throughput_name": "tuned-s1", "usd_per_hour": 24.0},
        "mixed.submit": {"at_most_usd": 3.5},
    }

    def billed(self, context: Any, task_id: str = "merge", **states: str | None) -> str:
        ti = context["ti"]
        all_states = {**self.STATES, **{task.replace("__", "."): state for task, state in states.items()}}
        ti.get_task_states = lambda dag_id, run_ids: {ti.run_id: all_states}
        ti.xcom_pull = lambda task_ids, key="return_value": self.RESULTS.get(task_ids)
        task = provision(RefusedError("no"))
        task.task_id = task_id
        return four(explained(task, context))[BILLED]

    def test_endpoints_and_jobs_of_other_tasks_are_named_with_their_price(self, context: Any) -> None:
        text = self.billed(context)
        assert "The endpoint of arm tuned is billed at $24.00 per hour until tuned.release deletes it." in text
        assert "The training job of arm mixed is running, and its training is billed, at most $3.50 in all." in text
        assert "The batch jobs of judge are running" in text

    def test_the_own_arm_is_not_named_twice(self, context: Any) -> None:
        assert "The endpoint of arm tuned is" not in self.billed(context, "tuned.provision")

    def test_an_endpoint_that_could_not_be_released_may_still_be_billed(self, context: Any) -> None:
        assert "tuned.release failed, so the endpoint of arm tuned may still be billed" in self.billed(
            context, tuned__release="failed"
        )

    def test_if_nothing_is_running_the_line_says_so(self, context: Any) -> None:
        text = self.billed(context, tuned__release="success", mixed__trained="success", judge_batch__wait="success")
        assert "No other task of this run has an endpoint or a job that is billed." in text


def test_the_details_of_a_long_error_come_before_the_four_lines(context: Any) -> None:
    error = InputError("Two problems:\n  1. one\n  2. two", billed="Nothing was bought.", to_do="Clear preflight.")
    result = explained(provision(error), context)
    assert str(result).startswith("Two problems:\n  1. one\n  2. two\n\nWhat happened: ")
    assert four(result)[HAPPENED].endswith("Two problems. The details are listed above.")
    assert four(result)[TO_DO] == "Clear preflight."


def test_parts_that_an_error_states_are_used(context: Any) -> None:
    error = RefusedError(
        "It broke.", left="All is well.", billed="Nothing.", to_do="Wait.", then_clear=FAILED_TASK, effect="tries again"
    )
    assert four(explained(provision(error), context)) == {
        HAPPENED: "task of run r failed in attempt 3 of 3: It broke.",
        LEFT: "All is well.",
        BILLED: "Nothing.",
        TO_DO: "Wait. Then clear task with downstream, which tries again.",
    }


@pytest.mark.parametrize("number", [1, 3])
def test_the_note_for_outcome_is_the_advice_after_the_last_attempt(number: int, context: Any) -> None:
    error = ThrottledError("429", billed="Nothing.", to_do="Wait.", then_clear=FAILED_TASK)
    explained(provision(error), attempt(context, number))
    advice = {"to_do": "Wait. Then clear task with downstream.", "billed": "Nothing."}
    assert context["ti"].xcoms["failure"] == {**advice, "happened": "429"}


def test_an_error_is_explained_even_if_its_note_cannot_be_stored(context: Any) -> None:
    del context["ti"].xcoms
    assert list(four(explained(provision(RefusedError("no")), context))) == [HAPPENED, LEFT, BILLED, TO_DO]


def test_an_error_that_cannot_be_explained_is_raised_as_it_is(context: Any) -> None:
    error = RefusedError("It broke.")
    task = provision(error)
    task.__dict__["task_id"] = SimpleNamespace()
    del context["ti"].max_tries
    assert explained(task, context) is error
    assert fails_at_once(error)


class TestAirflowsOwnApi:
    """Airflow's API gives no answer to a read or write inside a task's own code."""

    ERROR = AirflowRuntimeError(
        ErrorResponse(
            error=ErrorType.API_SERVER_ERROR,
            detail={"status_code": None, "message": "timed out", "exception_type": "ReadTimeout"},
        )
    )

    @pytest.mark.parametrize("task_class", CONCRETE)
    def test_the_error_has_four_lines_wherever_our_code_meets_it(
        self, task_class: type[BaseOperator], context: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def hang(*_: Any, **__: Any) -> Any:
            raise self.ERROR

        for name in ("xcom_pull", "xcom_push", "get_task_states"):
            monkeypatch.setattr(type(context["ti"]), name, hang, raising=False)
        with each_case() as case:
            for method in ("render_template_fields", "pre_execute", "execute", "resume_execution"):
                with case(method):
                    self.assert_four_lines(task_class, method, hang, copy.deepcopy(context))

    def assert_four_lines(self, task_class: type[BaseOperator], method: str, hang: Any, context: Any) -> None:
        inner = {"later": hang} if method == "resume_execution" else {method: hang}
        task = new_task(type(task_class.__name__, (task_class,), inner), **WITH_POLICY)
        arguments = ("later", {}, context) if method == "resume_execution" else (context,)
        with pytest.raises(UnexpectedError) as raised:
            getattr(task, method)(*arguments)
        lines = str(raised.value).splitlines()[-4:]
        assert [line.partition(":")[0] for line in lines] == [HAPPENED, LEFT, BILLED, TO_DO]
        assert "API_SERVER_ERROR" in lines[0]
        assert "ReadTimeout" in lines[0]
        if task.task_id != OUTCOME:
            assert "Check the API server and Airflow's database" in lines[3]

    def test_airflow_repeats_the_task(self) -> None:
        assert not fails_at_once(self.ERROR)

    def test_an_error_that_cannot_be_recorded_keeps_its_own_advice(self, context: Any) -> None:
        class Silent:
            def xcom_push(self, **_: Any) -> None:
                raise TestAirflowsOwnApi.ERROR

        with pytest.raises(TransientError, match="no answer"), record_error({**context, "ti": Silent()}):
            raise TransientError("no answer")
