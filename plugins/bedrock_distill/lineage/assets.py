"""Define the assets of a use case's training set, model and report, and decide which events they get."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context


def dataset_asset(use_case_name: str) -> Asset:
    """
    Return the asset of a use case's training sets. It gets an event for each new training set.

    The event's ``extra`` has the keys of :class:`include.distill.training.records.DatasetEvent`.
    """
    return Asset(name=f"distill_dataset_{use_case_name}", uri=f"distill://datasets/{use_case_name}")


def model_asset(use_case_name: str) -> Asset:
    """
    Return the asset of a use case's custom models. It gets an event for each model that a run has bought.

    The event's ``extra`` has the keys of :class:`include.distill.training.records.ModelEvent`.
    """
    return Asset(name=f"distill_model_{use_case_name}", uri=f"distill://models/{use_case_name}")


def report_asset(use_case_name: str) -> Asset:
    """
    Return the asset of a use case's reports. It gets an event whenever a report was written.

    The event's ``extra`` has the keys of :class:`include.distill.report.records.ReportEvent`.
    """
    return Asset(name=f"distill_report_{use_case_name}", uri=f"distill://reports/{use_case_name}")


def publish(task: BaseOperator, context: Context, extra: Mapping[str, Any] | None) -> None:
    """
    Give the events of a task's assets their ``extra``.

    :param extra: the data of the event; ``None`` if nothing new was made. The task's assets then get no event.
    """
    if extra is None:
        # Airflow sends an event for each asset that is still in `outlets` when the task succeeds.
        task.outlets = [outlet for outlet in task.outlets if not isinstance(outlet, Asset)]
        return
    for outlet in task.outlets:
        if isinstance(outlet, Asset):
            context["outlet_events"][outlet].extra = dict(extra)
