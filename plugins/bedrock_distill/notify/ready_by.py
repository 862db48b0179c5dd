"""
Alert people if a scheduled run has not succeeded by the time that ``ready_by`` of its use case names.

Airflow computes the deadline of a run when it creates the run, in the scheduler. Airflow finds the class of the
deadline through the plugin, and calls :func:`report_late` in the triggerer if the run has not succeeded by then. A run
that a person triggers has no deadline.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import BaseDeadlineReference, DeadlineAlert

if TYPE_CHECKING:
    from include.distill.config.use_case import UseCase

log = logging.getLogger(__name__)


class ReadyByReference(BaseDeadlineReference):
    """
    The first time after the scheduled start of a run at which the clocks of a time zone show ``ready_by``.

    :param ready_by: a time of day, such as ``06:00``.
    :param timezone: name of a time zone.
    """

    required_kwargs = frozenset({"dag_id", "run_id"})

    def __init__(self, ready_by: str = "00:00", timezone: str = "UTC") -> None:
        self.ready_by = ready_by
        self.timezone = timezone

    def serialize_reference(self) -> dict[str, Any]:
        """Return the reference in the form that Airflow stores."""
        return {**super().serialize_reference(), "ready_by": self.ready_by, "timezone": self.timezone}

    @classmethod
    def deserialize_reference(cls, reference_data: dict[str, Any]) -> ReadyByReference:
        """Return a reference from the form that Airflow stores."""
        return cls(reference_data["ready_by"], reference_data["timezone"])

    def _evaluate_with(self, *, session: Any, dag_id: str, run_id: str) -> datetime.datetime | None:
        """Return the deadline of a run; ``None`` if a person or another DAG triggered it, or after an error."""
        from airflow.models import DagRun
        from sqlalchemy import select

        try:
            from include.distill.config.ready_by import deadline_after

            row = session.execute(
                select(DagRun.run_after, DagRun.run_type).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)
            ).one_or_none()
            if row is None or getattr(row.run_type, "value", row.run_type) != "scheduled":
                return None
            return deadline_after(row.run_after, self.ready_by, self.timezone)
        except Exception:  # otherwise, the scheduler could not create the run
            log.exception("The run %s of %s has no deadline, because it cannot be computed", run_id, dag_id)
            return None


def deadline_of(use_case: UseCase) -> DeadlineAlert | None:
    """Return the alert about late runs of a use case; ``None`` if it has no ``ready_by``."""
    if use_case.ready_by is None:
        return None
    return DeadlineAlert(
        reference=ReadyByReference(use_case.ready_by, use_case.timezone),
        interval=datetime.timedelta(),
        callback=AsyncCallback(report_late, kwargs={"use_case": use_case.name}),
    )


def _succeeded_in_time(run: Mapping[str, Any], deadline: Mapping[str, Any]) -> bool:
    """Return whether a run succeeded before its deadline. Airflow keeps the deadline if a person ended the run."""
    ended, due = run.get("end_date"), deadline.get("deadline_time")
    if run.get("state") != "success" or not ended or not due:
        return False
    return _time(ended) <= _time(due)


def _time(value: str | datetime.datetime) -> datetime.datetime:
    return datetime.datetime.fromisoformat(value) if isinstance(value, str) else value


async def report_late(use_case: str, context: dict[str, Any] | None = None, **_: Any) -> None:
    """
    Notify people that a run is late. Airflow calls this function in the triggerer.

    :param use_case: name of the use case, whose current file names the channels.
    :param context: the DAG run in the form of Airflow's REST API under the key ``dag_run``, and its deadline under the
        key ``deadline``, both from the time at which the scheduler found that the deadline had passed.
    """
    from asgiref.sync import sync_to_async

    from bedrock_distill.hooks.bedrock import BedrockDistillHook
    from bedrock_distill.notify.origin import calls_simulator, ui_address
    from bedrock_distill.notify.sending import Recipients, send_in_triggerer
    from include.distill.config.environment import environment_name
    from include.distill.config.loader import load_use_cases
    from include.distill.notification.events import Origin, late
    from include.distill.notification.links import Place

    found = await sync_to_async(load_use_cases, thread_sensitive=False)()
    current = next((one for one in found.valid if one.name == use_case), None)
    run = (context or {}).get("dag_run") or {}
    if _succeeded_in_time(run, (context or {}).get("deadline") or {}):
        log.info("The run %s of %s succeeded in time. Nobody is notified.", run.get("dag_run_id"), use_case)
        return
    if current is None or current.ready_by is None:
        log.warning("A run of %s is late, but its file names no time any more. Nobody is notified.", use_case)
        return
    aws = current.aws
    simulated = await sync_to_async(calls_simulator, thread_sensitive=False)(
        lambda: BedrockDistillHook(aws.conn_id, aws.region)
    )
    place = Place(ui_address(), current.dag_id, str(run.get("dag_run_id", "")))
    message = late(
        Origin(environment_name(), current.name, simulated, place),
        ready_by=current.ready_by,
        timezone=current.timezone,
        state=str(run.get("state", "unknown")),
    )
    await send_in_triggerer(Recipients.of(current), message)
