"""Find out which components of a stack make progress: ask Airflow's own health endpoint and the AWS simulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tools.local_airflow.account import is_open

if TYPE_CHECKING:
    from tools.local_airflow.airflow_api import AirflowApi

API_SERVER = "api-server"
SIMULATOR = "aws-simulator"
# Key: the name of a component's process and log. Value: the component's name in Airflow's answer.
REPORTED = {"scheduler": "scheduler", "triggerer": "triggerer", "dag-processor": "dag_processor"}


@dataclass(frozen=True)
class Problem:
    """
    A component that makes no progress.

    :param component: the name of its process.
    :param text: what is wrong, as the rest of a sentence that begins with the name.
    """

    component: str
    text: str


def ask_components(api: AirflowApi, simulator_url: str, started: Mapping[str, datetime]) -> list[Problem]:
    """List the components of a running stack that make no progress at the moment.

    :param started: has the same meaning as for :func:`find_problems`.
    """
    problems = find_problems(api.health(), started)
    return problems if is_open(simulator_url) else [*problems, Problem(SIMULATOR, "does not answer")]


def find_problems(health: Mapping[str, Any] | None, started: Mapping[str, datetime] | None = None) -> list[Problem]:
    """
    List the components of Airflow that make no progress.

    :param health: Airflow's answer; None if the api-server did not answer.
    :param started: when the present process of each component was started, by the component's name. An earlier
        heartbeat came from a process that has ended, so it does not count.
    """
    if health is None:
        return [Problem(API_SERVER, "does not answer")]
    if health.get("metadatabase", {}).get("status") != "healthy":
        return [Problem(API_SERVER, "cannot read the metadata database")]
    problems = []
    for component, key in REPORTED.items():
        answer = health.get(key) or {}
        heartbeat = _time(answer.get(f"latest_{key}_heartbeat"))
        is_old = heartbeat is not None and heartbeat < (started or {}).get(component, heartbeat)
        if heartbeat is None or is_old:
            problems.append(Problem(component, "has not sent a heartbeat since it was started"))
        elif answer.get("status") != "healthy":
            problems.append(Problem(component, f"has sent no heartbeat since {heartbeat:%H:%M:%S} UTC"))
    return problems


def _time(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except ValueError:
        return None
