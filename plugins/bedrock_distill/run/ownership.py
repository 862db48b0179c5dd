"""Check that a run folder from a form or an XCom belongs to the use case whose DAG is running."""

from __future__ import annotations

from include.distill.config.environment import environment_name
from include.distill.config.frozen_use_case import load_frozen
from include.distill.config.layout import RunFolder
from include.distill.config.root_owner import foreign_root_problem
from include.distill.core.errors import ContractError, InputError, NotFoundError
from include.distill.core.storage import ObjectStore
from include.distill.core.yaml_text import YamlTextError


def require_run_of(
    use_case: str,
    store: ObjectStore,
    folder: RunFolder,
    *,
    left: str = "No person was asked, and no label was stored.",
) -> None:
    """
    Raise an error unless the run in ``folder`` is a run of ``use_case``.

    Use cases can share a bucket and a prefix, and Airflow's rights are per DAG. So a DAG of one use case must not open
    a run of another use case. The message is the same if the run does not exist, and quotes nothing from the run.

    :param left: the state that an error leaves behind, as a sentence for the error message.
    :raises InputError: the run is a run of another use case or environment, or does not exist.
    :raises NewerFormatError: a newer version froze the run.
    """
    try:
        frozen = load_frozen(store.read(folder.use_case), folder.use_case)[1]
    except (NotFoundError, YamlTextError):
        frozen = None
    except ContractError:
        if folder.use_case_name == use_case:
            raise
        frozen = None
    if not isinstance(frozen, dict) or frozen.get("name") != use_case:
        raise InputError(
            f"Run {folder.run_key} of {use_case} has no report, was deleted, or is a run of another use case.",
            left=left,
            to_do="Trigger a new run. Enter the key of a run of this use case that has a report, or leave the field"
            " empty. To label a run of another use case, trigger the DAG of that use case.",
        )
    if problem := foreign_root_problem(store, folder.root, environment_name()):
        raise InputError(f"{problem}.", left=left)
