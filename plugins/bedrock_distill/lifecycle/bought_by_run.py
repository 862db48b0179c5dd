"""Find out whether a run bought a job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from include.distill.cleanup.tag_values import from_tags
from include.distill.core.errors import NotFoundError

if TYPE_CHECKING:
    from bedrock_distill.lifecycle.run_task import RunTask


def has_bought_job(task: RunTask, submitted: Mapping[str, Any]) -> bool:
    """
    Return whether the run of a task bought a job, in any attempt of ``submit``.

    :param submitted: manifest of the task ``submit``.
    """
    try:
        return from_tags(task.hook.tags(submitted["job_arn"]), "run-key") == task.folder.run_key
    except NotFoundError:  # the job was deleted
        return bool(submitted["bought"])
