"""Ask Airflow for the state of the run that bought a resource."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow.sdk.api.client import ServerResponseError
from airflow.sdk.exceptions import AirflowRuntimeError

from include.distill.cleanup.tag_values import from_tags

if TYPE_CHECKING:
    from airflow.sdk import Context

HTTP_NOT_FOUND = 404
# Airflow's client puts ids into the path of a URL without quoting them. httpx quotes most characters. With an id
# that matches this pattern, the URL would name another run, such as the run "a" instead of "a?b".
_CHANGES_PATH = re.compile(r"[?#%/\\\x00-\x1f\x7f]|^\.{0,2}$")
_STATES = ("queued", "running", "success", "failed")


def run_state(tags: Mapping[str, str], context: Context) -> str | None:
    """
    Return the state of the DAG run that is named in a resource's tags; ``None`` if Airflow has no record of that run.

    :param tags: tags of the resource.
    :raises AirflowRuntimeError: the look-up failed, so the run may still be running.
    """
    dag_id, run_id = from_tags(tags, "dag-id"), from_tags(tags, "run-id")
    return None if dag_id is None or run_id is None else state_of_run(dag_id, run_id, context)


def has_plain_ids(dag_id: str, run_id: str) -> bool:
    """Return whether Airflow's client can put the ids of a run into the path of a URL."""
    return not (_CHANGES_PATH.search(dag_id) or _CHANGES_PATH.search(run_id))


def state_of_run(dag_id: str, run_id: str, context: Context) -> str | None:
    """
    Return the state of a DAG run; ``None`` if Airflow has no record of it.

    :raises AirflowRuntimeError: the look-up failed, so the run may still be running.
    """
    if not has_plain_ids(dag_id, run_id):
        return _state_by_count(dag_id, run_id, context)
    try:
        state = context["ti"].get_dagrun_state(dag_id, run_id)
    except (AirflowRuntimeError, ServerResponseError) as error:
        if _status_code(error) == HTTP_NOT_FOUND:
            return None
        raise
    # Annotated as str, but it is an enum whose str() is "DagRunState.RUNNING".
    return str(getattr(state, "value", state))


def _state_by_count(dag_id: str, run_id: str, context: Context) -> str | None:
    """
    Find a run's state by counting, for each state, the runs that have this id and this state.

    This works for every id: Airflow's client URL-encodes the ids in requests for a count, but not in other requests.
    """
    for state in _STATES:
        if context["ti"].get_dr_count(dag_id, run_ids=[run_id], states=[state]):
            return state
    return None


def _status_code(error: AirflowRuntimeError | ServerResponseError) -> int | None:
    """Return an error's HTTP status. A task gets Airflow's error, but ``dag.test()`` gets the HTTP client's error."""
    if isinstance(error, ServerResponseError):
        return error.response.status_code
    code: int | None = (error.error.detail or {}).get("status_code")
    return code
