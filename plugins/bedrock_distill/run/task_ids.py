"""
Define the task names of a distill DAG, and build the ids of tasks from them.

The task groups create their tasks with these names. The same names are used by the code that stops abandoned jobs, and
by the error messages that say which task to clear. If an id were spelled out elsewhere and did not match, a look-up
would find no task, and an abandoned job would keep running.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

# Tasks of the whole run.
PREFLIGHT = "preflight"
INGEST = "ingest"
ESTIMATE = "estimate"
TRAINING_SHARDS = "shards"
EVALUATION_SHARDS = "evaluation_shards"
SYNTHESIZE: Final = "synthesize"
CURATE = "curate"
REPORT = "report"
APPROVE = "approve"
PROMOTE = "promote"
DELETE_LOSERS = "delete_losers"
OUTCOME = "outcome"

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
PROVISION = "provision"
IN_SERVICE = "in_service"
ANSWER = "answer"
RELEASE = "release"

# Tasks of a step's batch jobs, in a separate task group. The group also has a task SUBMIT.
WAIT = "wait"
COLLECT = "collect"
_BATCH_GROUP = "_batch"


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


def sibling_task(task_id: str, name: str) -> str:
    """Return the id of another task in the same group; ``name`` itself for a task without a group."""
    group, dot, _ = task_id.rpartition(".")
    return f"{group}{dot}{name}"
