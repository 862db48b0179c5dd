"""
Record which DAG run owns a run's folder, and check it.

``run.json`` is the first object in the folder. Preflight writes it and never replaces it, so two runs cannot both own
the folder. Folders of earlier versions have no ``run.json``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from include.distill.config.layout import RunFolder
from include.distill.config.owner_record import read_owner_record
from include.distill.core.errors import FAILED_TASK, ContractError, RefusedError
from include.distill.core.storage import ObjectStore, write_json_if_absent


class RunRecord(TypedDict):
    """The content of ``run.json``."""

    environment: str
    dag_id: str
    run_id: str
    use_case: str


@dataclass(frozen=True)
class RunIdentity:
    """What makes a run unique among all runs of all installations."""

    environment: str
    dag_id: str
    run_id: str

    def owns(self, record: RunRecord) -> bool:
        """Return whether ``record`` names this run as the owner of its folder."""
        return (record["environment"], record["dag_id"], record["run_id"]) == (
            self.environment,
            self.dag_id,
            self.run_id,
        )


def read_run_record(store: ObjectStore, folder: RunFolder) -> RunRecord | None:
    """
    Return the record of the run that owns a folder; ``None`` if the record or the bucket does not exist.

    :raises ContractError: the record cannot be read or has a newer format, so the owner is unknown.
    """
    problem = ContractError(
        f"{folder.run_record} does not name the run that owns this folder.",
        left="Nothing else in the folder was read, and nothing was written or bought.",
        to_do="Restore the object from a backup or an earlier version, if you have one, or trigger a new run instead.",
        then_clear=FAILED_TASK,
    )
    return read_owner_record(store, folder.run_record, RunRecord, problem=problem)


def check_run_record(record: RunRecord, folder: RunFolder, run: RunIdentity) -> None:
    """
    Check that a folder belongs to a run.

    :raises RefusedError: the folder belongs to another run or environment. The message names both.
    """
    if run.owns(record):
        return
    raise RefusedError(
        f"{folder.uri} belongs to run {record['run_id']} of {record['dag_id']} in environment {record['environment']}"
        f" ({folder.run_record}); this task belongs to run {run.run_id} of {run.dag_id} in environment"
        f" {run.environment}.",
        left="Nothing in this folder was read or written, and nothing was bought.",
        to_do="Give each installation its own DISTILL_ENVIRONMENT and storage.prefix, and trigger a new run with"
        " another run id.",
    )


def claim_run_folder(store: ObjectStore, folder: RunFolder, run: RunIdentity, *, use_case: str) -> None:
    """
    Record that a run owns its folder, unless the folder has an owner.

    :raises RefusedError: the folder belongs to another run or environment. If two runs claim a folder at the same time,
        only one of them becomes the owner.
    :raises ContractError: the record of the owner cannot be read.
    """
    record: RunRecord = {
        "environment": run.environment,
        "dag_id": run.dag_id,
        "run_id": run.run_id,
        "use_case": use_case,
    }
    write_json_if_absent(store, folder.run_record, record)
    if stored := read_run_record(store, folder):
        check_run_record(stored, folder, run)
