from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from airflow.sdk.api.client import Client, ServerResponseError
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse

from bedrock_distill.run.state import run_state
from include.distill.cleanup.tag_values import to_tags

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


class AirflowClient:
    """A task's access to Airflow through its real HTTP client, to an API with some runs of DAG ``d``."""

    def __init__(self, runs: dict[str, str]) -> None:
        self.runs = runs
        self.client = Client(base_url="http://airflow.example", token="", transport=httpx.MockTransport(self.answer))

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/dag-runs/count":
            (run_id,), (state,) = request.url.params.get_list("run_ids"), request.url.params.get_list("states")
            assert request.url.params["dag_id"] == "d"
            return httpx.Response(200, json=int(self.runs.get(run_id) == state))
        parts = request.url.path.removeprefix("/dag-runs/d/").split("/")  # httpx decodes the path, as the server does
        if parts[0] not in self.runs:
            return httpx.Response(404, json={"detail": {"reason": "not_found"}})
        return httpx.Response(200, json={"state": self.runs[parts[0]]})

    def get_dagrun_state(self, dag_id: str, run_id: str) -> str:
        return self.client.dag_runs.get_state(dag_id, run_id).state

    def get_dr_count(self, dag_id: str, *, run_ids: list[str], states: list[str]) -> int:
        return self.client.dag_runs.get_count(dag_id, run_ids=run_ids, states=states).count


ODD_RUN_IDS = [
    *(
        "nightly~2",
        "scheduled__2026-11-26T00:00:00+00:00",
        "a b",
        "a?b",
        "a#b",
        "a/b",
        "a%7Eb",
        "a%",
        "a\\b",
        "..",
        ".",
    ),
    *("..", ".", "été", "日本", "a&b=c", "a;b", "a\tb", "[a]", "{a}", 'a"b', "a|b", "x" * 250),
]


@pytest.mark.parametrize("run_id", ODD_RUN_IDS)
@pytest.mark.parametrize("state", ["queued", "running", "success", "failed"])
def test_a_run_with_an_odd_id_is_not_mistaken_for_another_run(run_id: str, state: str) -> None:
    other = "failed" if state in ("queued", "running") else "running"
    runs = {"a": other, "a~b": other, run_id: state}
    context: Any = {"ti": AirflowClient(runs)}
    assert run_state(to_tags("dag-id", "d") | to_tags("run-id", run_id), context) == state
    del runs[run_id]
    assert run_state(to_tags("dag-id", "d") | to_tags("run-id", run_id), context) is None


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
