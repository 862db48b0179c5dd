"""Read the configuration that a run was triggered with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk import Context


def configuration_of(context: Context) -> dict[str, Any]:
    """
    Return the parameters and the configuration of the run, including keys that are not parameters of the DAG.

    Airflow adds unknown keys of the configuration to the parameters only if ``[core] dag_run_conf_overrides_params`` is
    set, which is the default.
    """
    configuration = getattr(context.get("dag_run"), "conf", None)
    return {**context.get("params", {}), **(configuration if isinstance(configuration, Mapping) else {})}
