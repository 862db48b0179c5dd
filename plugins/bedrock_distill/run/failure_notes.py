"""
Store what a failed task says about itself in Airflow, for the tasks that report on the whole run.

The note is an XCom of the failed task. Airflow deletes it when the next attempt of the task starts, so it is always
about the last failure. A task that was killed has no note.
"""

from __future__ import annotations

import logging
from typing import Any, NotRequired, TypedDict, cast

log = logging.getLogger(__name__)

_KEY = "failure"


class FailureNote(TypedDict):
    """
    What a task said when it failed.

    :ivar to_do: what a person does once the task's last attempt has failed, as sentences.
    :ivar billed: what this task has bought, and whether it is billed, as sentences.
    :ivar happened: what happened, as sentences. The notes of earlier versions lack it.
    """

    to_do: str
    billed: str
    happened: NotRequired[str]


def store_note(ti: Any, note: FailureNote) -> None:
    """Store the note of the task instance that failed. An error while storing is ignored."""
    try:
        ti.xcom_push(key=_KEY, value=note)
    except Exception:
        log.debug("The note about the failure could not be stored", exc_info=True)


def read_note(ti: Any, task_id: str, map_index: int | None = None) -> FailureNote | None:
    """
    Return the note of a task that failed; ``None`` if there is none.

    :param ti: the task instance that reads the note.
    :param map_index: map index of the instance that failed, if the failed task is mapped.
    """
    instance = {} if map_index is None else {"map_indexes": map_index}
    try:
        note = ti.xcom_pull(task_ids=task_id, key=_KEY, **instance)
    except Exception:
        log.debug("The note about the failure of %s could not be read", task_id, exc_info=True)
        return None
    return cast("FailureNote", note) if isinstance(note, dict) and note.keys() >= {"to_do", "billed"} else None
