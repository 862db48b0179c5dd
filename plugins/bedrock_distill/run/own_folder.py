"""Find the folder of a DAG run, and check that no other run owns it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedrock_distill.run.task_ids import ESTIMATE, PREFLIGHT
from include.distill.config.environment import environment_name
from include.distill.config.frozen_use_case import load_frozen
from include.distill.config.layout import RunFolder
from include.distill.config.root_owner import foreign_root_problem
from include.distill.config.run_record import RunIdentity, check_run_record, read_run_record
from include.distill.core.errors import NotFoundError, RefusedError
from include.distill.core.storage import ObjectStore, read_json
from include.distill.core.yaml_text import YamlTextError

if TYPE_CHECKING:
    from airflow.sdk import Context


def run_identity(context: Context) -> RunIdentity:
    """Return the identity of the DAG run that a task belongs to."""
    return RunIdentity(environment_name(), context["ti"].dag_id, context["ti"].run_id)


def own_run_folder(store: ObjectStore, folder: RunFolder, context: Context) -> RunFolder:
    """
    Return the folder of a task's own run.

    The run's folder is ``folder``. If an earlier version started the run, it is ``folder.former`` instead.

    :raises RefusedError: ``folder`` belongs to another run or environment, or is below a root of another environment.
    """
    run = run_identity(context)
    if record := read_run_record(store, folder):
        check_run_record(record, folder, run)
        return folder
    # Installations of earlier versions could share a root. Then their runs with the same ids shared a former folder.
    if problem := foreign_root_problem(store, folder.root, run.environment):
        raise RefusedError(
            f"{problem}.",
            left="This task stored, bought and deleted nothing.",
            to_do="Make the change that the first line names, then trigger a new run.",
        )
    if folder.former is not None and _is_former_folder_of(run, store, folder.former, folder.use_case_name, context):
        return folder.former
    return folder


def _is_former_folder_of(
    run: RunIdentity, store: ObjectStore, folder: RunFolder, use_case: str, context: Context
) -> bool:
    """
    Return whether it is certain that an earlier version used ``folder`` for this run.

    The key in the name of such a folder has only 32 bits of a hash, so the name proves nothing. One of these proves it:
    ``run.json``, the ids in the report, or a manifest of this run that names an object in the folder. Earlier versions
    wrote no ``run.json``. The current version writes it to such a folder when ``preflight`` is cleared.
    """
    if record := read_run_record(store, folder):
        return run.owns(record)
    try:
        frozen = load_frozen(store.read(folder.use_case), folder.use_case)[1]
    except (NotFoundError, YamlTextError):
        return False
    if not isinstance(frozen, dict) or frozen.get("name") != use_case:
        return False
    try:
        report = read_json(store, folder.report("json"), dict[str, object])
        return (report.get("dag_id"), report.get("run_id")) == (run.dag_id, run.run_id)
    except (NotFoundError, ValueError, AttributeError):  # there is no report, or none that can be read
        # Airflow deletes a task's manifest when the task starts again. So `preflight` finds no manifest of its own, but
        # may find the manifest of `estimate`.
        named = ((PREFLIGHT, "use_case_uri", folder.use_case), (ESTIMATE, "estimate_uri", folder.estimate))
        manifests = ((context["ti"].xcom_pull(task_ids=task), key, uri) for task, key, uri in named)
        return any(isinstance(manifest, dict) and manifest.get(key) == uri for manifest, key, uri in manifests)
