from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from airflow.sdk.api.client import ServerResponseError
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse

from bedrock_distill.run.state import run_state

TAGS = {"dag-id": "d", "run-id": "r"}


def in_a_task(code: int | None) -> AirflowRuntimeError:
    return AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"status_code": code}))


def in_dag_test(code: int) -> ServerResponseError:
    request = httpx.Request("GET", "http://airflow.example/state")
    return ServerResponseError("error", request=request, response=httpx.Response(code, request=request))


def asked(answer: Any) -> Any:
    """Return a context in which Airflow gives this answer about run ``r`` of DAG ``d``."""

    def state(dag_id: str, run_id: str) -> Any:
        assert (dag_id, run_id) == ("d", "r")
        if isinstance(answer, Exception):
            raise answer
        return answer

    return {"ti": SimpleNamespace(get_dagrun_state=state)}


def test_the_state_belongs_to_the_run_in_the_tags() -> None:
    assert run_state(TAGS, asked("running")) == "running"


@pytest.mark.parametrize("tags", [{}, {"dag-id": "d"}, {"run-id": "r"}])
def test_tags_without_a_run_have_no_state(tags: dict[str, str]) -> None:
    assert run_state(tags, asked(AssertionError("nobody is asked"))) is None


@pytest.mark.parametrize("error", [in_a_task(404), in_dag_test(404)], ids=["task", "dag.test"])
def test_a_run_that_airflow_does_not_know_has_no_state(error: Exception) -> None:
    assert run_state(TAGS, asked(error)) is None


@pytest.mark.parametrize("error", [in_a_task(500), in_a_task(None), in_dag_test(500)])
def test_a_failed_look_up_is_an_error_and_not_an_unknown_run(error: Exception) -> None:
    with pytest.raises(type(error)):
        run_state(TAGS, asked(error))
