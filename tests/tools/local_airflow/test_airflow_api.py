"""The client repeats requests that a busy Airflow fails to answer, and reports refusals."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.local_airflow import airflow_api
from tools.local_airflow.airflow_api import AirflowApi, AirflowApiError, in_running_order


class ScriptedAirflow(ThreadingHTTPServer):
    """A server that gives the next of its prepared answers to every request and records the requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[tuple[int, Any]] = []
        self.requests: list[tuple[str, str, Any]] = []
        self.credentials: list[str | None] = []


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedAirflow

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append((self.command, self.path, json.loads(body) if body else None))
        self.server.credentials.append(self.headers.get("Authorization"))
        status, answer = self.server.answers.pop(0)
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = _answer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the name comes from the base class
        """Write no log."""


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedAirflow]:
    monkeypatch.setattr(airflow_api, "FIRST_PAUSE_SECONDS", 0.001)
    server = ScriptedAirflow()
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def api(airflow: ScriptedAirflow) -> AirflowApi:
    return AirflowApi(f"http://127.0.0.1:{airflow.server_address[1]}")


def trigger(api: AirflowApi) -> None:
    api.trigger("d", "run 1", logical_date="2026-01-01T00:00:00+00:00", conf={"documents": 3})


def test_a_trigger_that_meets_a_locked_database_is_repeated_with_the_same_run_id(
    airflow: ScriptedAirflow, api: AirflowApi
) -> None:
    airflow.answers = [(500, "database is locked"), (200, {})]
    trigger(api)
    assert [body["dag_run_id"] for _, _, body in airflow.requests] == ["run 1", "run 1"]
    assert airflow.requests[0][2]["conf"] == {"documents": 3}


def test_a_run_that_already_exists_counts_as_triggered(airflow: ScriptedAirflow, api: AirflowApi) -> None:
    airflow.answers = [(500, "lost"), (409, "already exists")]
    trigger(api)
    assert len(airflow.requests) == 2


def test_a_refusal_is_not_repeated_and_is_quoted(airflow: ScriptedAirflow, api: AirflowApi) -> None:
    airflow.answers = [(422, {"detail": "documents must be at least 1"})]
    with pytest.raises(AirflowApiError, match=r"422.*documents must be at least 1") as refusal:
        trigger(api)
    assert refusal.value.status == 422
    assert len(airflow.requests) == 1


def test_a_dag_that_airflow_has_not_stored_yet_is_not_found(airflow: ScriptedAirflow, api: AirflowApi) -> None:
    airflow.answers = [(404, "no such DAG")]
    assert api.find_dag("d") is None


def test_an_existing_pool_gets_the_settings(airflow: ScriptedAirflow, api: AirflowApi) -> None:
    airflow.answers = [(409, "already exists"), (200, {})]
    api.ensure_pool("teacher", {"slots": 8})
    assert airflow.requests[1] == ("PATCH", "/api/v2/pools/teacher", {"pool": "teacher", "slots": 8})


def test_one_request_changes_several_pools(airflow: ScriptedAirflow, api: AirflowApi) -> None:
    airflow.answers = [(200, {})]
    api.change_pools({"actions": []})
    assert airflow.requests == [("PATCH", "/api/v2/pools", {"actions": []})]


def test_the_status_of_a_page(airflow: ScriptedAirflow, api: AirflowApi) -> None:
    airflow.answers = [(200, "a page"), (404, "none")]
    assert [api.status_of("/distill/"), api.status_of("/other/")] == [200, 404]
    assert airflow.requests[0][:2] == ("GET", "/distill/")
    assert AirflowApi("http://127.0.0.1:9", attempts=1).status_of("/distill/") is None


def test_all_pages_of_task_instances_are_read(airflow: ScriptedAirflow, api: AirflowApi) -> None:
    airflow.answers = [
        (200, {"task_instances": [{"n": 1}, {"n": 2}], "total_entries": 3}),
        (200, {"task_instances": [{"n": 3}], "total_entries": 3}),
    ]
    assert [row["n"] for row in api.task_instances("d", "run+1")] == [1, 2, 3]
    assert "offset=2" in airflow.requests[1][1]
    assert "/dagRuns/run%2B1/" in airflow.requests[1][1]


def test_a_lost_server_is_reported_with_the_request(api: AirflowApi) -> None:
    unreachable = AirflowApi("http://127.0.0.1:9", attempts=2)
    with pytest.raises(AirflowApiError, match=r"GET /api/v2/dags/d/tasks: Airflow did not answer") as lost:
        unreachable.task_ids("d")
    assert lost.value.status is None


def test_no_proxy_of_the_environment_sees_a_request(
    airflow: ScriptedAirflow, api: AirflowApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    airflow.answers = [(200, {"state": "running"})]
    assert AirflowApi(f"http://127.0.0.1:{airflow.server_address[1]}").run_state("d", "r") == "running"


def test_after_a_login_every_request_carries_the_token(airflow: ScriptedAirflow, api: AirflowApi) -> None:
    airflow.answers = [(201, {"access_token": "abc"}), (200, {"state": "queued"}), (200, {"state": "running"})]
    api.sign_in("admin", "secret")
    assert airflow.requests[0] == ("POST", "/auth/token", {"username": "admin", "password": "secret"})
    assert [api.run_state("d", "r"), api.run_state("d", "r")] == ["queued", "running"]
    assert airflow.credentials == [None, "Bearer abc", "Bearer abc"]


def test_a_refused_login_says_why(airflow: ScriptedAirflow, api: AirflowApi) -> None:
    airflow.answers = [(401, {"detail": "Invalid credentials"})]
    with pytest.raises(AirflowApiError, match=r"/auth/token: Airflow answered 401: .*Invalid credentials") as refusal:
        api.sign_in("admin", "wrong")
    assert refusal.value.status == 401


def test_a_server_that_does_not_answer_is_not_up(airflow: ScriptedAirflow) -> None:
    airflow.answers = [(200, {"metadatabase": {"status": "unhealthy"}}), (200, {"metadatabase": {"status": "healthy"}})]
    api = AirflowApi(f"http://127.0.0.1:{airflow.server_address[1]}")
    assert [api.is_up(), api.is_up()] == [False, True]
    assert not AirflowApi("http://127.0.0.1:9").is_up()


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30))
def test_every_task_follows_its_upstream_tasks(pairs: list[tuple[int, int]]) -> None:
    edges = {(str(min(pair)), str(max(pair))) for pair in pairs if pair[0] != pair[1]}
    downstream = {str(task): sorted(b for a, b in edges if a == str(task)) for task in range(10)}
    order = in_running_order(downstream)
    assert sorted(order) == sorted(downstream)
    assert all(order.index(a) < order.index(b) for a, b in edges)


def test_the_tasks_of_a_branch_stay_together() -> None:
    downstream = {"start": ["a.1", "b.1"], "a.1": ["a.2"], "a.2": ["end"], "b.1": ["b.2"], "b.2": ["end"], "end": []}
    assert in_running_order(downstream) == ["start", "a.1", "a.2", "b.1", "b.2", "end"]


def test_the_questions_of_a_run_are_listed_in_the_order_in_which_they_were_asked(
    airflow: ScriptedAirflow, api: AirflowApi
) -> None:
    airflow.answers = [(200, {"hitl_details": [{"created_at": "2026-11-27"}, {"created_at": "2026-11-26"}]})]
    assert [one["created_at"] for one in api.questions("d", "r 1")] == ["2026-11-26", "2026-11-27"]
    assert airflow.requests == [("GET", "/api/v2/dags/d/dagRuns/r%201/hitlDetails", None)]


@pytest.mark.parametrize("answers", [[(200, {})], [(500, "busy"), (409, "already answered")]])
def test_a_question_is_answered_once_as_the_user_of_the_token(
    airflow: ScriptedAirflow, api: AirflowApi, answers: list[Any]
) -> None:
    airflow.answers = answers
    api.as_user("t").answer("d", "r", "approve_spending", "Approve")
    path = "/api/v2/dags/d/dagRuns/r/taskInstances/approve_spending/-1/hitlDetails"
    assert set(airflow.credentials) == {"Bearer t"}
    assert airflow.requests[-1] == ("PATCH", path, {"chosen_options": ["Approve"]})
    assert (api.is_signed_in, api.as_user("t").is_signed_in) == (False, True)


def test_an_answer_that_airflow_refuses_is_an_error(airflow: ScriptedAirflow, api: AirflowApi) -> None:
    airflow.answers = [(403, "not a respondent")]
    with pytest.raises(AirflowApiError, match="not a respondent"):
        api.answer("d", "r", "t", "Approve")
