"""Say which endpoints and jobs of a run are billed now, from the states of the run's tasks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from bedrock_distill.run.failure_notes import read_note
from bedrock_distill.run.task_ids import (
    COLLECT,
    ON_DEMAND,
    PROVISIONED,
    SUBMIT,
    TRAINED,
    WAIT,
    ServingTasks,
    arm_task,
    arms_with_optimized_prompt,
    arms_with_task,
    batch_group,
    batch_task,
    evaluation_groups,
    optimize_task,
    steps_in_batches,
)
from include.distill.core.by_hand import ByHand
from include.distill.cost.amounts import usd_text
from include.distill.cost.job_price import describe_cost

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

_NOT_RUN = ("skipped", "upstream_failed", "removed")
_NOT_STARTED = (None, "scheduled", "queued", *_NOT_RUN)
_ENDED = ("success", "failed", *_NOT_RUN)


def describe_running_purchases(context: Context, *, own_task: str, described: Collection[str] = ()) -> str | None:
    """
    Return sentences about what other tasks of the run have bought and what is billed now.

    The text is empty if there is nothing to report. It is ``None`` if Airflow cannot give the states of the tasks.
    Only Airflow is asked, because AWS may be the cause of the error.

    :param own_task: id of the task that failed. Its own group is left out, because the task itself describes it.
    :param described: other groups whose jobs the task itself describes.
    """
    try:
        ti = context["ti"]
        states: Mapping[str, str | None] = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id])[ti.run_id]
        own_group = own_task.rpartition(".")[0]
        return " ".join(
            [
                *_endpoints(states, ti, own_group),
                *_training(states, ti, (own_group, *described)),
                *_batches(states, ti, own_group),
                *_evaluations(states, ti, (own_group, *described)),
                *_optimizations(states, ti, (own_group, *described)),
            ]
        )
    except Exception:
        log.debug("The states of the run's tasks could not be read", exc_info=True)
        return None


def served_arms(states: Mapping[str, str | None]) -> dict[str, ServingTasks]:
    """Return the arms of a run that have tasks for an endpoint, and the names of these tasks."""
    return {arm: tasks for tasks in (PROVISIONED, ON_DEMAND) for arm in arms_with_task(states, tasks.delete)}


def unreleased_arms(states: Mapping[str, str | None]) -> dict[str, ServingTasks]:
    """Return the arms whose endpoint may still exist because its deletion failed or did not run, with their tasks."""
    return {
        arm: tasks
        for arm, tasks in served_arms(states).items()
        if states.get(arm_task(arm, tasks.create)) not in _NOT_STARTED
        and states[arm_task(arm, tasks.delete)] in _ENDED
        and states[arm_task(arm, tasks.delete)] != "success"
    }


def _endpoints(states: Mapping[str, str | None], ti: Any, own_group: str) -> Iterator[str]:
    unreleased = unreleased_arms(states)
    for arm, tasks in served_arms(states).items():
        create, delete = arm_task(arm, tasks.create), arm_task(arm, tasks.delete)
        if arm == own_group or states.get(create) in _NOT_STARTED:
            continue
        created = ti.xcom_pull(task_ids=create) if states[create] == "success" else None
        name = created and (created.get("deployment_name") or created.get("throughput_name"))
        if states[delete] == "success" or (created and not name):
            continue
        if arm in unreleased:
            happened = "failed" if states[delete] == "failed" else "did not run"
            yield (
                f"{delete} {happened}, so the endpoint of arm {arm} {_may_cost(tasks, created)}: clear {delete} with"
                f" downstream, or delete the endpoint {_delete_by_hand(tasks, created)}."
            )
        elif created and created.get("deployment_name"):
            yield (
                f"The endpoint of arm {arm} is a deployment, which is not billed while it is idle. {delete} deletes it."
            )
        else:
            verb = "is" if created else "may exist and is then"
            condition = "" if created or tasks is PROVISIONED else ", if it is provisioned throughput,"
            yield f"The endpoint of arm {arm} {verb} billed{_price(created)}{condition} until {delete} deletes it."


def _may_cost(tasks: ServingTasks, created: Mapping[str, Any] | None) -> str:
    """Say what an endpoint that may still exist costs. The text follows "the endpoint of arm X"."""
    if created and created.get("deployment_name"):
        return "may still exist. A deployment is not billed while it is idle, but counts against the account's quota"
    condition = "" if created or tasks is PROVISIONED else ", if it is provisioned throughput"
    return f"may still be billed{_price(created)}{condition}"


def _price(created: Mapping[str, Any] | None) -> str:
    rate = (created or {}).get("usd_per_hour")
    return f" at ${rate:.2f} per hour" if rate is not None else " by the hour"


def _delete_by_hand(tasks: ServingTasks, created: Mapping[str, Any] | None) -> str:
    if created and created.get("deployment_name"):
        return _by_hand(ByHand.DEPLOYMENT, created, "deployment_name", "deployment_arn")
    place = _by_hand(ByHand.THROUGHPUT, created, "throughput_name", "throughput_arn")
    return place if created or tasks is PROVISIONED else f"{place} or {ByHand.DEPLOYMENT.page()}"


def _training(states: Mapping[str, str | None], ti: Any, described: Collection[str]) -> Iterator[str]:
    for arm in arms_with_task(states, TRAINED):
        if arm not in described:
            noun, billed = f"training job of arm {arm}", "its training is billed"
            job = _Job(
                arm_task(arm, SUBMIT), arm_task(arm, TRAINED), ByHand.TRAINING_JOB, "a", noun, billed, _training_cost
            )
            yield from _job(states, ti, job)


def _batches(states: Mapping[str, str | None], ti: Any, own_group: str) -> Iterator[str]:
    for step in steps_in_batches(states):
        submitted, waited = states.get(batch_task(step, SUBMIT)), states[batch_task(step, WAIT)]
        if batch_group(step) == own_group or _is_over(submitted, waited):
            continue
        if stated := _stated(states, ti, batch_task(step, COLLECT), batch_task(step, WAIT), batch_task(step, SUBMIT)):
            yield stated
        elif _is_watched(submitted, waited):
            yield f"The batch jobs of {step} are running, and each answered record is billed."
        else:
            arns = (ti.xcom_pull(task_ids=batch_task(step, SUBMIT)) or {}).get("job_arns") or []
            stop = (
                f" Stop them on the page {ByHand.BATCH_JOB.page(_region(arns[0]))}: {', '.join(arns)}." if arns else ""
            )
            yield f"If batch jobs of {step} are running, each answered record is billed.{stop}"


def _evaluations(states: Mapping[str, str | None], ti: Any, described: Collection[str]) -> Iterator[str]:
    for group in evaluation_groups(states):
        if group not in described:
            noun, billed = f"evaluation job of {group}", "its scores are billed"
            job = _Job(f"{group}.{SUBMIT}", f"{group}.{WAIT}", ByHand.EVALUATION_JOB, "an", noun, billed, _most_cost)
            yield from _job(states, ti, job)


def _optimizations(states: Mapping[str, str | None], ti: Any, described: Collection[str]) -> Iterator[str]:
    for arm in arms_with_optimized_prompt(states):
        submit, wait = optimize_task(arm, SUBMIT), optimize_task(arm, WAIT)
        if submit.rpartition(".")[0] not in described:
            noun, billed = f"prompt optimization job of arm {arm}", "its tokens are billed"
            yield from _job(states, ti, _Job(submit, wait, ByHand.OPTIMIZATION_JOB, "a", noun, billed, _most_cost))


class _Job(NamedTuple):
    """A job that the task ``submit`` buys and the task ``wait`` waits for, and the words that describe it."""

    submit: str
    wait: str
    kind: ByHand
    article: str
    noun: str
    billed: str
    cost: Callable[[Mapping[str, Any]], str]


def _job(states: Mapping[str, str | None], ti: Any, job: _Job) -> Iterator[str]:
    submitted, waited = states.get(job.submit), states[job.wait]
    if _is_over(submitted, waited):
        return
    result = ti.xcom_pull(task_ids=job.submit) or {}
    cost = job.cost(result)
    if stated := _stated(states, ti, job.wait, job.submit):
        yield stated
    elif _is_watched(submitted, waited):
        yield f"The {job.noun} is running, and {job.billed}{cost}."
    else:
        stop = f" Stop it {_by_hand(job.kind, result, 'job_name', 'job_arn')}." if result else ""
        yield f"If {job.article} {job.noun} is running, {job.billed}{cost}.{stop}"


def _training_cost(submitted: Mapping[str, Any]) -> str:
    return describe_cost(submitted.get("at_most_usd"), submitted.get("estimated_usd"))


def _most_cost(submitted: Mapping[str, Any]) -> str:
    usd = submitted.get("at_most_usd")
    return f", at most about {usd_text(usd)} in all" if usd is not None else ""


def _by_hand(kind: ByHand, result: Mapping[str, Any] | None, name_key: str, arn_key: str) -> str:
    """
    Return how a person deletes or stops what a task bought.

    The result of the task contains the name or the ARN of what it bought. The Region is taken from the ARN.
    """
    arn = str((result or {}).get(arn_key) or "")
    name = arn or (result or {}).get(name_key)
    return kind.ways(str(name), _region(arn)) if name else f"on the page {kind.page()}"


def _region(arn: str) -> str | None:
    return arn.split(":")[3] if arn.startswith("arn:aws") else None


def _stated(states: Mapping[str, str | None], ti: Any, *tasks: str) -> str:
    """Return what the first failed task of ``tasks`` said about its jobs; empty if it said nothing or none failed."""
    failed = next((task for task in tasks if states.get(task) == "failed"), None)
    note = read_note(ti, failed) if failed else None
    return f"{failed} said when it failed: {note['billed']}" if note else ""


def _is_over(submitted: str | None, waited: str | None) -> bool:
    """
    Return whether it is certain that no job is running.

    If ``submit`` failed, this is not certain, because the task may have bought a job before it failed.
    """
    return submitted in _NOT_STARTED or waited == "success"


def _is_watched(submitted: str | None, waited: str | None) -> bool:
    """Return whether jobs were bought and a task waits or will wait for them. Otherwise, jobs may still be running."""
    return submitted == "success" and waited not in _ENDED
