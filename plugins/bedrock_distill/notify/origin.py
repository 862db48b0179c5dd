"""Say where an event happened: the installation, the use case, the task, and whether AWS is simulated."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from airflow.configuration import conf

from bedrock_distill.hooks.aws import AwsClients
from bedrock_distill.ui.links import has_aws_endpoint
from include.distill.config.environment import environment_name
from include.distill.notification.events import Origin
from include.distill.notification.links import Place

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)


def origin_of(context: Context, use_case: str = "", *, simulated: bool | None = None) -> Origin:
    """
    Return the origin of an event of a task.

    :param use_case: name of the use case; empty for a task of all use cases.
    :param simulated: whether the AWS simulator answered; ``None`` if the task's result does not say it.
    """
    ti, task = context["ti"], cast("Any", context.get("task"))
    index = getattr(ti, "map_index", None)
    place = Place(ui_address(), ti.dag_id, ti.run_id, ti.task_id, -1 if index is None else index)
    is_simulated = calls_simulator(lambda: task.hook) if simulated is None else simulated
    return Origin(environment_name(), use_case, is_simulated, place)


def ui_address() -> str:
    """Return the address of Airflow's UI, which may lack the host."""
    return str(conf.get("api", "base_url", fallback="") or "").rstrip("/")


def calls_simulator(clients: Callable[[], AwsClients]) -> bool:
    """Return whether a simulator answers in place of AWS; ``False`` if this cannot be seen."""
    try:
        return not has_aws_endpoint(clients())
    except Exception:  # a task without AWS, or a connection that cannot be read, which may be why the task failed
        log.debug("It cannot be seen whether a simulator answers", exc_info=True)
        return False
