"""Write the messages about a task that succeeded, or that waits for a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bedrock_distill.notify.origin import origin_of
from include.distill.config.use_case import UseCase
from include.distill.notification.events import (
    BILLED,
    HAPPENED,
    TO_DO,
    budget_reached,
    drifted,
    promoted,
    still_billed,
    verdict,
    waits_for_approval,
)
from include.distill.notification.message import Message

if TYPE_CHECKING:
    from airflow.sdk import Context


def report_messages(use_case: UseCase, context: Context) -> Iterator[Message]:
    """Yield the messages about a report that was written: the verdict, and what has drifted."""
    manifest = _result(context)
    origin = origin_of(context, use_case.name, simulated=bool(manifest["simulated"]))
    yield verdict(origin, str(manifest["verdict"]), float(manifest["actual_usd"]))
    if drifts := manifest.get("drift"):
        yield drifted(origin, drifts)


def promotion_messages(use_case: UseCase, context: Context) -> Iterator[Message]:
    """Yield the message about a promotion."""
    manifest = _result(context)
    endpoint = ""
    if arn := manifest.get("endpoint_arn"):
        hourly = manifest.get("endpoint_kind") == "provisioned"
        billed = "by the hour until a person deletes it" if hourly else "by the token"
        endpoint = f"the standing endpoint {arn}, {billed}."
    yield promoted(
        origin_of(context, use_case.name, simulated=bool(manifest["simulated"])),
        str(manifest["arm"]),
        str(manifest["model_arn"]),
        before=manifest["previous_model_arn"],
        endpoint=endpoint,
    )


def estimate_messages(use_case: UseCase, context: Context) -> Iterator[Message]:
    """Yield a message for each monthly budget of which this run is the first to use up most."""
    for state in _result(context).get("budget") or ():
        if state["is_warning"]:
            yield budget_reached(origin_of(context, use_case.name), state)


def question_messages(use_case: UseCase, context: Context) -> Iterator[Message]:
    """Yield the message about a task that has asked a person."""
    task: Any = context["task"]
    question = task.current_question
    yield waits_for_approval(
        origin_of(context, use_case.name),
        question.subject,
        meanwhile=question.meanwhile,
        hours=question.hours,
        approvers=[one.name for one in question.approvers],
    )


def sweep_messages(context: Context) -> Iterator[Message]:
    """Yield a message if the sweeper deleted endpoints that no run used."""
    released = _result(context)["released"]
    if not released:
        return
    origin = origin_of(context)
    lines = [
        f"{HAPPENED}: {origin.place.task_id} found and deleted endpoints whose runs had ended: {', '.join(released)}.",
        f"{BILLED}: nothing for these endpoints. Provisioned throughput was billed by the hour until now.",
        f"{TO_DO}: look for a failed release or undeploy in the runs of these use cases, and clear that task with"
        " downstream. It costs nothing.",
    ]
    yield still_billed(origin, "endpoints that no run used were deleted", lines)


def _result(context: Context) -> dict[str, Any]:
    ti: Any = context["ti"]
    result = ti.xcom_pull(task_ids=ti.task_id)
    return result if isinstance(result, dict) else {}
