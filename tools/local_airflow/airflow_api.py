"""
A small client of Airflow's REST API, for an api-server on loopback that asks for no login.

A lost connection and a 5xx are tried again for a while: SQLite answers a busy moment with a 500. Everything
sent is safe to repeat, because what is created carries a name of its own and "already there" counts as
done.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from include.distill.core.errors import DistillError

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_SECONDS = 30.0
ATTEMPTS = 6
FIRST_PAUSE_SECONDS = 0.5
PAGE_ROWS = 500
FINISHED_RUN_STATES = ("success", "failed")

JsonObject = dict[str, Any]


class AirflowApiError(DistillError):
    """Airflow's API refused a request, or did not answer; ``status`` is None when no answer came."""

    def __init__(self, message: str, status: int | None) -> None:
        super().__init__(message)
        self.status = status


class AirflowApi:
    """
    The few calls that local commands make.

    :param url: of the api-server, without a path.
    """

    def __init__(self, url: str, *, attempts: int = ATTEMPTS) -> None:
        self._base = f"{url}/api/v2"
        self._attempts = attempts
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback needs no proxy

    def is_up(self) -> bool:
        """Tell whether the api-server answers and reaches its database; never raises."""
        try:
            health = self._once("GET", "/monitor/health", None)
        except AirflowApiError:
            return False
        return bool(health.get("metadatabase", {}).get("status") == "healthy")

    def ensure_pool(self, name: str, settings: Mapping[str, Any]) -> None:
        """Create a pool, or bring an existing one to these settings."""
        body = {"name": name, **settings}
        try:
            self._call("POST", "/pools", body)
        except AirflowApiError as error:
            if error.status != 409:
                raise
            self._call("PATCH", f"/pools/{quote(name, safe='')}", {"pool": name, **settings})

    def find_dag(self, dag_id: str) -> JsonObject | None:
        """Describe a DAG, or return None as long as the dag-processor has not stored it."""
        try:
            return self._call("GET", f"/dags/{quote(dag_id, safe='')}")
        except AirflowApiError as error:
            if error.status == 404:
                return None
            raise

    def import_errors(self) -> list[tuple[str, str]]:
        """List the DAG files that could not be loaded, with the reason."""
        found = self._call("GET", "/importErrors")["import_errors"]
        return [(str(entry["filename"]), str(entry["stack_trace"])) for entry in found]

    def task_ids(self, dag_id: str) -> list[str]:
        """List the tasks of a DAG in the order in which they can run."""
        tasks = self._call("GET", f"/dags/{quote(dag_id, safe='')}/tasks")["tasks"]
        return in_running_order({task["task_id"]: task["downstream_task_ids"] for task in tasks})

    def unpause(self, dag_id: str) -> None:
        """Let a DAG run; a paused one keeps triggered runs queued for ever."""
        self._call("PATCH", f"/dags/{quote(dag_id, safe='')}", {"is_paused": False})

    def trigger(self, dag_id: str, run_id: str, *, logical_date: str, conf: Mapping[str, Any]) -> None:
        """Start a run; one of that id that is already there, from an attempt thought lost, is the run."""
        body = {"dag_run_id": run_id, "logical_date": logical_date, "conf": dict(conf)}
        try:
            self._call("POST", f"/dags/{quote(dag_id, safe='')}/dagRuns", body)
        except AirflowApiError as error:
            if error.status != 409:
                raise

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Tell a run's state: queued, running, success or failed."""
        return str(self._call("GET", _run_path(dag_id, run_id))["state"])

    def runs(self, dag_id: str) -> list[JsonObject]:
        """List the latest runs of a DAG, newest first."""
        query = urlencode({"limit": 50, "order_by": "-run_after"})
        found: list[JsonObject] = self._call("GET", f"/dags/{quote(dag_id, safe='')}/dagRuns?{query}")["dag_runs"]
        return found

    def fail_run(self, dag_id: str, run_id: str) -> None:
        """Mark a run failed; its teardown tasks still run."""
        self._call("PATCH", _run_path(dag_id, run_id), {"state": "failed"})

    def task_instances(self, dag_id: str, run_id: str) -> list[JsonObject]:
        """List all task instances of a run, page by page."""
        found: list[JsonObject] = []
        while True:
            query = urlencode({"limit": PAGE_ROWS, "offset": len(found), "order_by": "id"})
            page = self._call("GET", f"{_run_path(dag_id, run_id)}/taskInstances?{query}")
            found.extend(page["task_instances"])
            if not page["task_instances"] or len(found) >= page["total_entries"]:
                return found

    def returned(self, dag_id: str, run_id: str, task_id: str) -> Any:
        """Read what a task returned, or None when it returned nothing."""
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
                if error.status is not None and error.status < 500:
                    raise
            time.sleep(pause)
            pause *= 2
        return self._once(method, path, body)

    def _once(self, method: str, path: str, body: Mapping[str, Any] | None) -> JsonObject:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        request = urllib.request.Request(self._base + path, data=data, headers=headers, method=method)  # noqa: S310 http
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as response:
                content = response.read()
            answer: JsonObject = json.loads(content) if content else {}
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")[:2000]
            raise AirflowApiError(f"{method} {path}: Airflow answered {error.code}: {text}", error.code) from None
        except (OSError, ValueError) as error:
            raise AirflowApiError(f"{method} {path}: Airflow did not answer: {error}", None) from None
        return answer


def in_running_order(downstream: Mapping[str, list[str]]) -> list[str]:
    """Sort task ids so that each follows everything upstream of it and a branch stays together."""
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
