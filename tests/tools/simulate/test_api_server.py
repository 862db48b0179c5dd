"""The model of Airflow's database answers the messages of tasks."""

from __future__ import annotations

import datetime
from typing import Any, cast

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowRuntimeError
from airflow.sdk.execution_time.comms import (
    AwaitInputTask,
    CreateHITLDetailPayload,
    DeleteXCom,
    ErrorResponse,
    GetDagRunState,
    GetDRCount,
    GetTaskStates,
    GetXCom,
    GetXComCount,
    GetXComSequenceItem,
    GetXComSequenceSlice,
    RetryTask,
    SetXCom,
    TriggerDagRun,
)

from tools.simulate.account import MemoryAccount
from tools.simulate.api_server import ApiServer
from tools.simulate.clock import START, VirtualClock
from tools.simulate.dag_run import DagRun, Graph, TaskInstance
from tools.simulate.faults import UnknownMessageError
from tools.simulate.planned_runs import PlannedRun
from tools.simulate.wire import Wire

PLACE: dict[str, Any] = {"dag_id": "d", "run_id": "r", "task_id": "t"}


@pytest.fixture
def api() -> ApiServer:
    with DAG("d", schedule=None, start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)) as dag:
        EmptyOperator(task_id="t", retries=1)
    clock = VirtualClock()
    made = ApiServer(Wire(cast(MemoryAccount, None), clock), clock)  # no task calls AWS here
    made.runs["r"] = DagRun(Graph(dag), PlannedRun("r"), clock.now)
    return made


def test_a_result_is_stored_read_and_deleted(api: ApiServer) -> None:
    api.send(SetXCom(key="k", value={"a": [1]}, **PLACE))
    assert api.send(GetXCom(key="k", **PLACE)).value == {"a": [1]}
    api.send(DeleteXCom(key="k", **PLACE))
    assert api.send(GetXCom(key="k", **PLACE)).value is None


def test_the_note_of_a_failed_task_does_not_name_the_call_that_failed(api: ApiServer) -> None:
    note = {"to_do": "Clear t.", "billed": "Nothing.", "happened": "get_object: the connection was closed."}
    api.send(SetXCom(key="failure", value=note, **PLACE))
    assert api.send(GetXCom(key="failure", **PLACE)).value == {**note, "happened": ""}


def test_only_messages_that_change_something_count_as_calls(api: ApiServer) -> None:
    api.send(GetXCom(key="k", **PLACE))
    api.send(SetXCom(key="k", value=1, **PLACE))
    assert [one.what for one in api._wire.calls] == ["SetXCom"]


def test_a_failed_attempt_is_repeated_after_its_delay(api: ApiServer) -> None:
    run = api.runs["r"]
    task = run.tasks["t"]
    run.start(task)
    api.running = run, task
    api.send(RetryTask(end_date=datetime.datetime.now(datetime.UTC), retry_delay_seconds=60.0))
    assert (task.state, task.retry_at) == ("up_for_retry", START + 60)


def test_a_task_that_does_not_run_cannot_send_a_result(api: ApiServer) -> None:
    api.running = api.runs["r"], api.runs["r"].tasks["t"]
    with pytest.raises(RuntimeError, match="does not run"):
        api.send(RetryTask(end_date=datetime.datetime.now(datetime.UTC)))


def test_the_states_of_the_tasks_are_listed(api: ApiServer) -> None:
    api.runs["r"].tasks["t"].state = "success"
    assert api.send(GetTaskStates(dag_id="d", run_ids=["r"])).task_states == {"r": {"t": "success"}}


def test_the_runs_of_another_dag_are_not_counted(api: ApiServer) -> None:
    api.runs["r2"] = DagRun(api.runs["r"].graph, PlannedRun("r2"), START)
    api.runs["r2"].state = "failed"
    assert api.send(GetDRCount(dag_id="d")).count == 2
    assert api.send(GetDRCount(dag_id="d", states=["running"])).count == 1
    assert api.send(GetDRCount(dag_id="d", run_ids=["r2"], states=["running"])).count == 0
    assert api.send(GetDRCount(dag_id="other")).count == 0
    assert api.send(GetTaskStates(dag_id="other", run_ids=["r"])).task_states == {}


def test_a_run_that_the_database_has_lost_is_not_found(api: ApiServer) -> None:
    with pytest.raises(AirflowRuntimeError, match="404"):
        api.send(GetDagRunState(dag_id="d", run_id="gone"))


def test_an_unknown_message_is_an_error(api: ApiServer) -> None:
    with pytest.raises(UnknownMessageError, match="TriggerDagRun"):
        api.send(TriggerDagRun(dag_id="d", run_id="r2"))


def test_each_instance_of_a_mapped_task_has_its_own_results_and_state(api: ApiServer) -> None:
    (first,) = api.runs["r"].instances["t"]
    first.map_index, first.state = 0, "success"
    api.runs["r"].instances["t"].append(TaskInstance("t", 1, map_index=1))
    for index in (0, 1):
        api.send(SetXCom(key="k", value=index, map_index=index, **PLACE))
    assert api.send(GetXCom(key="k", map_index=1, **PLACE)).value == 1
    assert api.send(GetXCom(key="k", **PLACE)).value is None
    assert api.send(GetXComCount(key="k", **PLACE)).len == 2
    assert api.send(GetXComSequenceItem(key="k", offset=1, **PLACE)).root == 1
    assert isinstance(api.send(GetXComSequenceItem(key="k", offset=2, **PLACE)), ErrorResponse)
    whole = GetXComSequenceSlice(key="k", start=None, stop=None, step=None, **PLACE)
    assert api.send(whole).root == [0, 1]
    assert api.send(GetTaskStates(dag_id="d", run_ids=["r"])).task_states == {"r": {"t_0": "success", "t_1": None}}
    one = GetTaskStates(dag_id="d", run_ids=["r"], task_ids=["t"], map_index=0)
    assert api.send(one).task_states == {"r": {"t_0": "success"}}
    with pytest.raises(AirflowRuntimeError, match="xcom_task_instance_fkey"):
        api.send(SetXCom(key="k", value=0, map_index=2, **PLACE))


def test_a_second_question_shows_the_text_of_the_first_and_waits_until_its_time_is_over(api: ApiServer) -> None:
    run = api.runs["r"]
    task = run.tasks["t"]
    run.start(task)
    api.running = run, task

    def ask(subject: str) -> Any:
        return api.send(CreateHITLDetailPayload(ti_id=task.key, options=["Approve"], subject=subject, params={}))

    assert [ask("one").subject, ask("two").subject] == ["one", "one"]
    api.send(AwaitInputTask(timeout=datetime.timedelta(hours=2), next_method="execute_complete", next_kwargs={}))
    assert (task.state, task.next_method, task.answer_by) == ("awaiting_input", "execute_complete", START + 7200)


def test_another_run_may_ask_for_the_state_of_a_run(api: ApiServer) -> None:
    assert api.send(GetDagRunState(dag_id="d", run_id="r")).state == "running"
    for unknown in ({"dag_id": "d", "run_id": "other"}, {"dag_id": "other", "run_id": "r"}):
        with pytest.raises(AirflowRuntimeError, match="not found"):
            api.send(GetDagRunState(**unknown))


def test_only_the_runs_of_the_dag_are_counted(api: ApiServer) -> None:
    counts = [
        api.send(GetDRCount(dag_id=dag_id, run_ids=run_ids, states=states)).count
        for dag_id, run_ids, states in (
            ("d", None, None),
            ("d", ["r"], ["running"]),
            ("d", ["other"], None),
            ("d", None, ["failed"]),
            ("other", None, None),
        )
    ]
    assert counts == [1, 1, 0, 0, 0]
