"""What Airflow knows of the run that bought a thing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowRuntimeError

if TYPE_CHECKING:
    from airflow.sdk import Context


def run_state(tags: Mapping[str, str], context: Context) -> str | None:
    """Return the state of the DAG run that the tags name; ``None`` when they name none or Airflow knows none."""
    if not {"dag-id", "run-id"} <= tags.keys():
        return None
    try:
        return str(context["ti"].get_dagrun_state(tags["dag-id"], tags["run-id"]))
    except AirflowRuntimeError:
        return None
