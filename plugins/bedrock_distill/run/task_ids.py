"""
Define the task names of a distill DAG, and build the ids of tasks from them.

The task groups create their tasks with these names. The same names are used by the code that stops abandoned jobs, and
by the error messages that say which task to clear. If an id were spelled out elsewhere and did not match, a look-up
would find no task, and an abandoned job would keep running.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final, NamedTuple

_HASH_MARK = "--"
# If a connection id does not match this pattern, the task id contains `_HASH_MARK` and a hash. A connection id that
# contains `_HASH_MARK` does not match, so a task id without a hash never equals one with a hash.
_PLAIN_CONNECTION = re.compile(rf"(?!.*{_HASH_MARK})[A-Za-z0-9_.-]{{1,100}}")
_NOT_IN_TASK_ID = re.compile(r"[^A-Za-z0-9_.-]+")

# Tasks of the whole run.
PREFLIGHT = "preflight"
INGEST = "ingest"
ESTIMATE = "estimate"
APPROVE_SPENDING = "approve_spending"
TRAINING_SHARDS = "shards"
EVALUATION_SHARDS = "evaluation_shards"
SYNTHESIZE: Final = "synthesize"
CURATE = "curate"
REPORT = "report"
APPROVE = "approve"
START_SWITCH = "start_switch"
SWITCH = "switch"
SWITCHED = "switched"
SMOKE = "smoke"
PROMOTE = "promote"
SETTLE = "settle"
DELETE_LOSERS = "delete_losers"
OUTCOME = "outcome"

# Further tasks of a rollback. It also has SETTLE, OUTCOME and the tasks from START_SWITCH to SMOKE.
CHOOSE = "choose"
APPROVE_ROLLBACK = "approve_rollback"
RESTORE = "restore"

# Groups of judges, with one task per judge.
JUDGE: Final = "judge"
JUDGE_CHAMPION = "judge_champion"

# Tasks of an arm, in a task group with the name of the arm.
MERGE = "merge"
UPLOAD = "upload"
SUBMIT = "submit"
TRAINED = "trained"
WAIT_FOR_PREVIOUS_ARM = "wait_for_previous_arm"
START_SERVING = "start_serving"
ANSWER = "answer"
PROVISION = "provision"
IN_SERVICE = "in_service"
RELEASE = "release"
DEPLOY = "deploy"
ACTIVE = "active"
UNDEPLOY = "undeploy"
WAIT_FOR_RELEASE = "wait_for_release"


class ServingTasks(NamedTuple):
    """The tasks of an arm that create its endpoint, wait until it is ready, and delete it."""

    create: str
    ready: str
    delete: str


# The first is for an arm that is always served by provisioned throughput, the second for an arm that may be served on
# demand.
PROVISIONED = ServingTasks(PROVISION, IN_SERVICE, RELEASE)
ON_DEMAND = ServingTasks(DEPLOY, ACTIVE, UNDEPLOY)

# Tasks of a step's batch jobs, in a separate task group. The group also has a task SUBMIT.
WAIT = "wait"
COLLECT = "collect"
_BATCH_GROUP = "_batch"

# The group of all evaluation jobs. It has a group for each arm and evaluator, with the tasks SUBMIT, WAIT and COLLECT,
# and the task GATHER.
EVALUATE: Final = "evaluate"
GATHER = "gather"
_BY = "_by_"

# The group in an arm's group that optimizes the arm's prompt, with the tasks SUBMIT, WAIT and COLLECT.
OPTIMIZE: Final = "optimize"

# The group of tasks in the labeling DAG that asks human workers, with the tasks SUBMIT, WAIT and STOP.
WORKERS: Final = "workers"
STOP = "stop"

# The task of distill_release_leftovers that sends the notifications that were not sent in time.
SEND_UNSENT_MESSAGES = "send_unsent_messages"


def arm_task(arm: str, name: str) -> str:
    """Return the id of an arm's task, such as ``tuned.submit``."""
    return f"{arm}.{name}"


def arms_with_task(task_ids: Iterable[str], name: str) -> list[str]:
    """Return the sorted names of the arms that have a task with this name."""
    return sorted(task_id.removesuffix(f".{name}") for task_id in task_ids if task_id.endswith(f".{name}"))


def batch_group(step: str) -> str:
    """Return the id of the task group for a step's batch jobs, such as ``judge_batch``."""
    return f"{step}{_BATCH_GROUP}"


def batch_task(step: str, name: str) -> str:
    """Return the id of a task for a step's batch jobs, such as ``judge_batch.submit``."""
    return f"{batch_group(step)}.{name}"


def steps_in_batches(task_ids: Iterable[str]) -> list[str]:
    """Return the sorted names of the steps that use batch jobs."""
    suffix = f"{_BATCH_GROUP}.{WAIT}"
    return sorted(task_id.removesuffix(suffix) for task_id in task_ids if task_id.endswith(suffix))


def evaluation_group(arm: str, evaluator: str) -> str:
    """Return the name of the group in ``evaluate`` for an evaluation job, such as ``tuned_by_nova-pro``."""
    return f"{arm}{_BY}{evaluator}"


def optimize_task(arm: str, name: str) -> str:
    """Return the id of a task that optimizes an arm's prompt, such as ``prompted.optimize.submit``."""
    return f"{arm}.{OPTIMIZE}.{name}"


def arms_with_optimized_prompt(task_ids: Iterable[str]) -> list[str]:
    """Return the sorted names of the arms whose prompt a job optimizes."""
    return arms_with_task(task_ids, f"{OPTIMIZE}.{WAIT}")


def workers_task(name: str) -> str:
    """Return the id of a task that asks human workers, such as ``workers.submit``."""
    return f"{WORKERS}.{name}"


def evaluation_groups(task_ids: Iterable[str]) -> list[str]:
    """Return the sorted ids of the task groups for evaluation jobs."""
    suffix = f".{WAIT}"
    return sorted(
        task_id.removesuffix(suffix)
        for task_id in task_ids
        if task_id.startswith(f"{EVALUATE}.") and task_id.endswith(suffix)
    )


def evaluation_parts(group: str) -> tuple[str, str]:
    """Return the arm and the evaluator of a task group for an evaluation job."""
    # The key of a model has no underscore, so the last separator is the right one.
    arm, _, evaluator = group.removeprefix(f"{EVALUATE}.").rpartition(_BY)
    return arm, evaluator


def sweep_task(conn_id: str, region: str) -> str:
    """Return the id of the task that sweeps a Region through a connection, such as ``sweep_aws_default_us-east-1``."""
    return f"sweep_{_place(conn_id, region)}"


def forgotten_workers_task(conn_id: str, region: str) -> str:
    """Return the id of the task that stops forgotten jobs of human workers in a Region; see :func:`sweep_task`."""
    return f"workers_{_place(conn_id, region)}"


def _place(conn_id: str, region: str) -> str:
    """
    Return the part of a task id that names a connection and a Region.

    Any text can be the id of a connection, but a task id is limited in its characters and length. Other characters are
    replaced, and a hash keeps the ids of different connections different.
    """
    name = conn_id
    if not _PLAIN_CONNECTION.fullmatch(conn_id):
        digest = hashlib.sha256(conn_id.encode()).hexdigest()[:32]
        name = f"{_NOT_IN_TASK_ID.sub('-', conn_id)[:100]}{_HASH_MARK}{digest}"
    return f"{name}_{region}"


def sibling_task(task_id: str, name: str) -> str:
    """Return the id of another task in the same group; ``name`` itself for a task without a group."""
    group, dot, _ = task_id.rpartition(".")
    return f"{group}{dot}{name}"
