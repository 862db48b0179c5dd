from __future__ import annotations

import dataclasses
import datetime
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import DownstreamTasksSkipped

from bedrock_distill.operators import human_approval
from bedrock_distill.operators.human_approval import HumanApprovalOperator, Question
from include.distill.config.promotion_rule import Approver
from include.distill.core.errors import RefusedError
from tests.fakes.airflow_versions import WAITS_FOR_PERSON
from tests.plugins.conftest import RUN_URI
from tests.plugins.operators.conftest import set_task_instance

ADA = {"id": "1", "name": "ada"}


class AskOperator(HumanApprovalOperator):
    """Ask a question that a test sets, and keep the answer in a list."""

    asks: Question | None = Question("s", "{{ ds }} <b>", "hash", (Approver(id="1", name="Ada_B"),), 2, "Nothing.")

    def question(self, context: Any) -> Question | None:
        return self.asks

    def keep_answer(self, context: Any, response: Any) -> None:
        context["kept"] = response


@pytest.fixture
def task(equip: Any) -> Any:
    with DAG("d", schedule=None):
        asked = AskOperator(task_id="ask", run_uri=RUN_URI, ignore_downstream_trigger_rules=True)
        asked >> AskOperator(task_id="later", run_uri=RUN_URI)
    return equip(asked)


def event(*chosen: str, user: Any = ADA) -> dict[str, Any]:
    moment = datetime.datetime(2026, 11, 27, tzinfo=datetime.UTC)
    return {
        "chosen_options": list(chosen), "params_input": {}, "responded_at": moment, "responded_by_user": user,
        "timedout": user is None,
    }  # fmt: skip


def resume(task: Any, context: Any, answered: dict[str, Any]) -> Any:
    context["ti"].map_index = -1
    context["task"] = task
    context["ti"].xcom_pull = lambda task_ids, key="return_value": context["ti"].xcoms.get(key)
    return task.execute_complete(context, answered)


def test_the_question_reaches_airflow_as_it_is_and_waits_without_a_slot(task: Any, sent: Any, context: Any) -> None:
    set_task_instance(context)
    with pytest.raises(WAITS_FOR_PERSON):
        task.execute(context)
    assert task.response_timeout == datetime.timedelta(hours=2)
    assert sent[0]["body"] == "{{ ds }} <b>\n\nOnly these users may answer: Ada\\_B."
    assert sent[0]["defaults"] == ["Reject"]
    assert sent[0]["assigned_users"] == [{"id": "1", "name": "Ada_B"}]
    assert not {"subject", "body"} & set(task.template_fields)
    assert context["ti"].xcoms["asked"] == "hash"


def test_a_notifier_gets_the_question_that_was_asked(task: Any, sent: Any, context: Any) -> None:
    set_task_instance(context)
    seen: list[Any] = []
    task.notifiers = [lambda context: seen.append(task.current_question)]
    with pytest.raises(WAITS_FOR_PERSON):
        task.execute(context)
    assert seen == [AskOperator.asks]
    assert sent


@pytest.mark.parametrize("changed", [{"body": "$2"}, {"subject": "t"}, {"approvers": ()}])
def test_a_question_whose_old_text_airflow_would_show_is_not_asked(
    task: Any, sent: Any, context: Any, changed: dict[str, Any]
) -> None:
    set_task_instance(context)
    for _ in range(2):  # the same question can be asked again
        with pytest.raises(WAITS_FOR_PERSON):
            task.execute(context)
    task.asks = dataclasses.replace(AskOperator.asks, asked="other", **changed)
    with pytest.raises(RefusedError, match="Airflow would show the earlier question again") as refused:
        task.execute(context)
    assert "Trigger a new run" in str(refused.value)
    assert context["ti"].xcoms["asked"] == "hash", "an answer to the old question does not count for the new one"


def test_nobody_is_asked_without_a_question(task: Any, sent: Any, context: Any) -> None:
    task.asks = None
    assert task.execute(context) is None
    assert sent == []


def test_the_answer_is_kept_with_the_hash_of_the_question(task: Any, context: Any) -> None:
    context["ti"].xcoms["asked"] = "hash"
    answer = resume(task, context, event("Approve"))
    assert (answer["asked"], answer["responded_by_user"]) == ("hash", ADA)
    assert context["kept"] == answer


@pytest.mark.parametrize("user", [ADA, None])
def test_a_rejection_is_kept_before_the_later_tasks_are_skipped(task: Any, context: Any, user: Any) -> None:
    context["ti"].xcoms["asked"] = "hash"
    with pytest.raises(DownstreamTasksSkipped) as skipped:
        resume(task, context, event("Reject", user=user))
    assert skipped.value.tasks == ["later"]
    assert context["kept"]["chosen_options"] == ["Reject"]
    assert context["ti"].xcoms["return_value"]["responded_by_user"] == user


def test_an_error_of_airflow_is_no_answer(task: Any, context: Any) -> None:
    with pytest.raises(Exception, match="boom"):
        resume(task, context, {"error": "boom", "error_type": "unknown"})
    assert "kept" not in context


def test_no_person_is_asked_about_a_folder_of_another_run(
    task: Any, sent: Any, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RefusedError("belongs to another run")

    monkeypatch.setattr(human_approval.RunTask, "pre_execute", refuse)
    with pytest.raises(RefusedError, match="belongs to another run"):
        task.execute(context)
    assert sent == []
