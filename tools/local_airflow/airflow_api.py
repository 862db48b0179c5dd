"""
Call the parts of Airflow's REST API that local commands need.

A request is retried for a while if the connection is lost or the status is 5xx. Airflow answers 500 when SQLite is
busy. Every request can safely be repeated: each object that is created has a unique name, and the answer "already
exists" counts as success.

httpx is imported inside the methods, because ``make clean`` imports this module before anything is installed.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from include.distill.core.errors import DistillError

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_SECONDS = 30.0
ATTEMPTS = 6
FIRST_PAUSE_SECONDS = 0.5
PAGE_ROWS = 500
QUOTED_CHARACTERS = 2000  # maximum number of characters of Airflow's response in an error message
FINISHED_RUN_STATES = ("success", "failed")

JsonObject = dict[str, Any]


class AirflowApiError(DistillError):
    """Airflow's API refused a request or did not answer; ``status`` is None if it did not answer."""

    def __init__(self, message: str, status: int | None) -> None:
        super().__init__(message)
        self.status = status

    @property
    def is_temporary(self) -> bool:
        """Return whether a later request may succeed: Airflow did not answer, or its answer was 5xx."""
        return self.status is None or self.status >= 500


class AirflowApi:
    """
    A client for one api-server. Without :meth:`sign_in`, it sends no credentials; a local stack needs none.

    :param url: address of the api-server, without a path.
    """

    def __init__(self, url: str, *, attempts: int = ATTEMPTS) -> None:
        import httpx

        self._attempts = attempts
        # The api-server listens on loopback, so these requests must not go through a proxy from the environment.
        self._client = httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS, trust_env=False)

    def sign_in(self, user: str, password: str) -> None:
        """
        Get a token, which is valid for a day, and send it with every later request.

        :raises AirflowApiError: Airflow refused the password or did not answer.
        """
        token = self._send("POST", "/auth/token", {"username": user, "password": password})["access_token"]
        self._client.headers["Authorization"] = f"Bearer {token}"

    def as_user(self, token: str) -> AirflowApi:
        """Return a client that sends ``token`` with every request."""
        other = AirflowApi(str(self._client.base_url), attempts=self._attempts)
        other._client.headers["Authorization"] = f"Bearer {token}"
        return other

    def is_up(self) -> bool:
        """Return whether the api-server answers and reaches its database; never raises."""
        return bool((self.health() or {}).get("metadatabase", {}).get("status") == "healthy")

    def health(self) -> JsonObject | None:
        """Return the status and the last heartbeat of each component; None if the api-server does not answer."""
        try:
            return self._once("GET", "/monitor/health", None)
        except AirflowApiError:
            return None

    def ensure_pool(self, name: str, settings: Mapping[str, Any]) -> None:
        """Create a pool with these settings, or apply them to an existing pool."""
        body = {"name": name, **settings}
        try:
            self._call("POST", "/pools", body)
        except AirflowApiError as error:
            if error.status != 409:
                raise
            self._call("PATCH", f"/pools/{quote(name, safe='')}", {"pool": name, **settings})

    def change_pools(self, body: Mapping[str, Any]) -> None:
        """Send one request that changes several pools."""
        self._call("PATCH", "/pools", body)

    def status_of(self, path: str) -> int | None:
        """Return the status of a page; None if the api-server does not answer."""
        import httpx

        try:
            return self._client.get(path).status_code
        except httpx.HTTPError:
            return None

    def find_dag(self, dag_id: str) -> JsonObject | None:
        """Return Airflow's description of a DAG; None until the dag-processor has stored the DAG."""
        try:
            return self._call("GET", f"/dags/{quote(dag_id, safe='')}")
        except AirflowApiError as error:
            if error.status == 404:
                return None
            raise

    def import_errors(self) -> list[tuple[str, str]]:
        """List the DAG files that could not be loaded, each with its stack trace."""
        errors = self._call("GET", "/importErrors")["import_errors"]
        return [(str(error["filename"]), str(error["stack_trace"])) for error in errors]

    def task_ids(self, dag_id: str) -> list[str]:
        """List the tasks of a DAG in the order in which they can run."""
        tasks = self._call("GET", f"/dags/{quote(dag_id, safe='')}/tasks")["tasks"]
        return in_running_order({task["task_id"]: task["downstream_task_ids"] for task in tasks})

    def unpause(self, dag_id: str) -> None:
        """Unpause a DAG. Runs of a paused DAG would stay queued forever."""
        self._call("PATCH", f"/dags/{quote(dag_id, safe='')}", {"is_paused": False})

    def trigger(self, dag_id: str, run_id: str, *, logical_date: str, conf: Mapping[str, Any]) -> None:
        """Trigger a run. Do nothing if a run with this id exists: an earlier attempt at this request created it."""
        body = {"dag_run_id": run_id, "logical_date": logical_date, "conf": dict(conf)}
        try:
            self._call("POST", f"/dags/{quote(dag_id, safe='')}/dagRuns", body)
        except AirflowApiError as error:
            if error.status != 409:
                raise

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a run: queued, running, success or failed."""
        return str(self._call("GET", _run_path(dag_id, run_id))["state"])

    def runs(self, dag_id: str) -> list[JsonObject]:
        """List the latest runs of a DAG, newest first."""
        query = urlencode({"limit": 50, "order_by": "-run_after"})
        latest: list[JsonObject] = self._call("GET", f"/dags/{quote(dag_id, safe='')}/dagRuns?{query}")["dag_runs"]
        return latest

    def clear(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Clear a task of a run and all tasks downstream of it. The run then continues from there."""
        body = {
            "dry_run": False,
            "dag_run_id": run_id,
            "task_ids": [task_id],
            "include_downstream": True,
            "only_failed": False,
            "reset_dag_runs": True,
        }
        self._call("POST", f"/dags/{quote(dag_id, safe='')}/clearTaskInstances", body)

    def task_instances(self, dag_id: str, run_id: str) -> list[JsonObject]:
        """List all task instances of a run, page by page."""
        instances: list[JsonObject] = []
        while True:
            query = urlencode({"limit": PAGE_ROWS, "offset": len(instances), "order_by": "id"})
            page = self._call("GET", f"{_run_path(dag_id, run_id)}/taskInstances?{query}")
            instances.extend(page["task_instances"])
            if not page["task_instances"] or len(instances) >= page["total_entries"]:
                return instances

    def questions(self, dag_id: str, run_id: str) -> list[JsonObject]:
        """List the questions that a run asks people, in the order in which it asked them."""
        found: list[JsonObject] = self._call("GET", f"{_run_path(dag_id, run_id)}/hitlDetails")["hitl_details"]
        return sorted(found, key=lambda question: str(question["created_at"]))

    def answer(self, dag_id: str, run_id: str, task_id: str, option: str) -> None:
        """Answer a question of a run as the user of this client. Do nothing if it is answered already."""
        path = f"{_run_path(dag_id, run_id)}/taskInstances/{quote(task_id, safe='')}/-1/hitlDetails"
        try:
            self._call("PATCH", path, {"chosen_options": [option]})
        except AirflowApiError as error:
            if error.status != 409:
                raise

    @property
    def is_signed_in(self) -> bool:
        """Whether this client sends a token with its requests."""
        return "Authorization" in self._client.headers

    def returned(self, dag_id: str, run_id: str, task_id: str) -> Any:
        """Return the value that a task returned; None if it returned nothing."""
        path = f"{_run_path(dag_id, run_id)}/taskInstances/{quote(task_id, safe='')}/xcomEntries/return_value"
        try:
            value = self._call("GET", f"{path}?deserialize=true")["value"]
        except AirflowApiError as error:
            if error.status == 404:
                return None
            raise
        return value

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> JsonObject:
        pause = FIRST_PAUSE_SECONDS
        for _ in range(self._attempts - 1):
            try:
                return self._once(method, path, body)
            except AirflowApiError as error:
                if not error.is_temporary:
                    raise
            time.sleep(pause)
            pause *= 2
        return self._once(method, path, body)

    def _once(self, method: str, path: str, body: Mapping[str, Any] | None) -> JsonObject:
        return self._send(method, f"/api/v2{path}", body)

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> JsonObject:
        import httpx

        try:
            response = self._client.request(method, path, json=body)
            if response.is_error:
                text = response.text[:QUOTED_CHARACTERS]
                raise AirflowApiError(
                    f"{method} {path}: Airflow answered {response.status_code}: {text}", response.status_code
                )
            answer: JsonObject = response.json() if response.content else {}
        except (httpx.HTTPError, ValueError) as error:
            raise AirflowApiError(f"{method} {path}: Airflow did not answer: {error!r}", None) from None
        return answer


def in_running_order(downstream: Mapping[str, list[str]]) -> list[str]:
    """Sort task ids so that each task follows its upstream tasks, and the tasks of a branch stay together."""
    waiting_for = dict.fromkeys(downstream, 0)
    for targets in downstream.values():
        for target in targets:
            waiting_for[target] += 1
    ready = sorted((task for task, count in waiting_for.items() if count == 0), reverse=True)
    ordered: list[str] = []
    while ready:
        task = ready.pop()
        ordered.append(task)
        for target in sorted(downstream[task], reverse=True):
            waiting_for[target] -= 1
            if waiting_for[target] == 0:
                ready.append(target)
    return ordered


def _run_path(dag_id: str, run_id: str) -> str:
    return f"/dags/{quote(dag_id, safe='')}/dagRuns/{quote(run_id, safe='')}"
