"""
Name the tasks of a distill DAG, and derive the id of another task of the same arm or step.

The task groups build their tasks from these names, and the code that looks tasks up later uses the same ones: the code
that stops abandoned jobs, and every error message that says which task to clear. An id that is written anywhere else
would make a look-up return nothing, and a job that nobody waits for would go on unnoticed.
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

# Tasks of an arm, in a group that is called like the arm.
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

# Tasks of a step's batch jobs, in a group of their own; SUBMIT is one of them too.
WAIT = "wait"
COLLECT = "collect"
_BATCH_GROUP = "_batch"


def arm_task(arm: str, name: str) -> str:
    """Return the id of an arm's task, such as ``tuned.submit``."""
    return f"{arm}.{name}"


def arms_with_task(task_ids: Iterable[str], name: str) -> list[str]:
    """Return the sorted names of the arms that have a task ``name``."""
    return sorted(task_id.removesuffix(f".{name}") for task_id in task_ids if task_id.endswith(f".{name}"))


def batch_group(step: str) -> str:
    """Return the id of the task group around a step's batch jobs, such as ``judge_batch``."""
    return f"{step}{_BATCH_GROUP}"


def batch_task(step: str, name: str) -> str:
    """Return the id of a task around a step's batch jobs, such as ``judge_batch.submit``."""
    return f"{batch_group(step)}.{name}"


def steps_in_batches(task_ids: Iterable[str]) -> list[str]:
    """Return the sorted names of the steps that a run asks in batch jobs."""
    suffix = f"{_BATCH_GROUP}.{WAIT}"
    return sorted(task_id.removesuffix(suffix) for task_id in task_ids if task_id.endswith(suffix))


def sibling_task(task_id: str, name: str) -> str:
    """Return the id of another task in the same group; ``name`` itself for a task without a group."""
    group, dot, _ = task_id.rpartition(".")
    return f"{group}{dot}{name}"
