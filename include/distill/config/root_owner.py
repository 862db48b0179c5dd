"""
Record which environment owns a root, and check it.

A root is ``s3://<bucket>/<prefix>``. Everything below it is shared by all runs: answers, training files, champions and
the split. If two environments shared a root, each would reuse, replace or delete what the other one stored. So
``environment.json`` names the one environment that may use the root. Preflight writes it, and never replaces it.
"""

from __future__ import annotations

from typing import TypedDict

from include.distill.config.layout import owner_uri
from include.distill.config.owner_record import read_owner_record
from include.distill.core.errors import FAILED_TASK, ContractError, RefusedError
from include.distill.core.storage import ObjectStore, write_json_if_absent


class RootRecord(TypedDict):
    """The content of ``environment.json``, except its format and version."""

    environment: str


def read_owner(store: ObjectStore, root: str) -> str | None:
    """
    Return the environment that owns a root; ``None`` if no environment has used the root yet.

    :raises ContractError: the record cannot be read or has a newer format, so the owner is unknown.
    """
    uri = owner_uri(root)
    problem = ContractError(
        f"{uri} does not name the environment that owns this root.",
        left=f"Nothing below {root}/ was changed.",
        to_do='Restore the object, or replace it with {"environment": "<name of the owner>"}.',
        then_clear=FAILED_TASK,
    )
    record = read_owner_record(store, uri, RootRecord, problem=problem)
    return record["environment"] if record else None


def claim_root(store: ObjectStore, root: str, environment: str) -> None:
    """
    Make an environment the owner of a root, unless the root has an owner.

    :raises RefusedError: another environment owns the root. If two environments claim a root at the same time, only
        one of them becomes the owner.
    :raises ContractError: the record of the owner cannot be read.
    """
    record: RootRecord = {"environment": environment}
    write_json_if_absent(store, owner_uri(root), record)
    if problem := foreign_root_problem(store, root, environment):
        raise RefusedError(f"{problem}.", left=f"Nothing was stored below {root}/.", billed="Nothing was bought.")


def foreign_root_problem(store: ObjectStore, root: str, environment: str) -> str | None:
    """
    Return why an environment may not use a root; ``None`` if it owns the root or the root has no owner.

    :raises ContractError: the record of the owner cannot be read.
    """
    owner = read_owner(store, root)
    if owner in (None, environment):
        return None
    return (
        f"{root} belongs to environment {owner} ({owner_uri(root)}), but this is environment {environment}. Set another"
        " storage.prefix; in the shipped use cases, set the variable DISTILL_PREFIX. If this environment should own the"
        f" root and {owner} no longer uses it, write {environment} into {owner_uri(root)} in place of {owner}"
    )


def reason_to_keep_root(store: ObjectStore, root: str, environment: str) -> str | None:
    """Return why an environment may delete nothing below a root; ``None`` if it certainly owns the root."""
    try:
        owner = read_owner(store, root)
    except ContractError as error:
        return str(error)
    if owner == environment:
        return None
    if owner is None:
        return (
            f"no environment owns {root} yet, because an earlier version created it; to make {environment} the"
            " owner, run preflight of a use case, for example in a dry run"
        )
    return f"it belongs to environment {owner}, and this is environment {environment}"
