"""
Compare a run with an earlier run of its use case: the rows that changed, and the settings that affect purchases.

The earlier run is the last one that has a report. Failed runs without a report are skipped, because people compare
a run with the last report that they saw.

Every run writes a list of its rows to ``source/rows.txt``. Each row takes 34 bytes: the row's identity and a hash of
its question. A row with the same question but a different document or answer counts as changed. If only
identities were compared, such a row would count as one removed row and one added row.

``<prefix>/latest/<use case>.json`` names the last run, the run before it, and the run that the last run was compared
with. A retry of the last run is therefore compared with the same run as the first attempt.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from include.distill.config.layout import RunFolder
from include.distill.config.prompts import Prompt
from include.distill.config.use_case import UseCase
from include.distill.core.naming import canonical_hash, digest
from include.distill.core.storage import ObjectStore, read_json, write_json
from include.distill.core.stored_objects import broken_record
from include.distill.dataset.records import LatestRun, Row, RowChanges, RunRows
from include.distill.text.normalization import normalize

# Settings that affect requests to models or training jobs. Schedules, owners, caps and time-outs do not affect them.
PURCHASE_SETTINGS = (
    "teacher", "student", "judges", "synthesis", "curation", "answering", "judging", "arms", "comparisons", "seed",
)  # fmt: skip


def row_line(row: Row) -> bytes:
    """Return a row's line in the list of rows: the row's identity and a hash of its question, 16 hex digits each."""
    return f"{row['row_id']} {digest(normalize(row['question']))[:16]}\n".encode()


def hash_purchase_settings(use_case: UseCase, prompts: Mapping[str, Prompt]) -> dict[str, str]:
    """Hash each setting of a frozen use case that affects purchases; map the setting's name to 12 hex digits."""
    raw = use_case.model_dump(mode="json")
    training = {key: raw["training"][key] for key in ("hyperparameters", "validation_share")}
    if use_case.training.method != "fine_tuning":  # earlier versions had no other method, and their hashes stay valid
        training["method"] = use_case.training.method
    evaluations = {}
    if pointwise := use_case.evaluations.pointwise:  # earlier versions had no such jobs, and their hashes stay valid
        names = {"evaluators", "metrics", "custom_metrics", "arms", "questions"}
        evaluations["evaluations"] = pointwise.model_dump(mode="json", include=names)
    optimization = {}
    if use_case.optimized_arms:  # earlier versions had no such arms, and their hashes stay valid
        names = {"samples", "steering_criteria", "judge"}
        optimization["prompt_optimization"] = use_case.prompt_optimization.model_dump(mode="json", include=names)
    # Every use case names a prompt for the critic, but the prompt has no effect if the use case has no critic.
    unused = set() if use_case.critic else {use_case.prompts.critic}
    versions = {name: prompt.version for name, prompt in prompts.items() if name not in unused}
    student_texts = {"instruction": raw["prompts"]["instruction"], **versions}
    parts = {name: raw[name] for name in PURCHASE_SETTINGS} | evaluations | optimization
    parts |= {"training": training, "prompts": student_texts}
    return {name: canonical_hash(part)[:12] for name, part in parts.items()}


def folder_of(run: RunRows) -> RunFolder:
    """Return the folder of an earlier run."""
    return RunFolder(run["rows_uri"].removesuffix("/source/rows.txt"))


def bought_steps(store: ObjectStore, folder: RunFolder) -> dict[str, bool]:
    """
    Return the steps that a run paid for, and for each step whether the run completed it.

    A step is named after the folder of its outputs: ``synthetic``, ``merged/<arm>``, ``answers/<arm>`` or
    ``judgments``. A step counts as complete if the step after it has outputs. For example, ``synthetic`` is complete if
    ``merged`` has outputs. The last step, ``judgments``, is complete if the run has a report. A dry run, and a run
    above its spend cap, bought no steps.
    """
    outputs = {name: store.list(f"{folder.uri}/{name}/") for name in ("synthetic", "answers", "merged", "judgments")}
    arms = {
        name: {uri.removeprefix(f"{folder.uri}/{name}/").split("/")[0] for uri in outputs[name]}
        for name in ("answers", "merged")
    }
    steps = {"synthetic": bool(arms["merged"])} if outputs["synthetic"] else {}
    steps |= {f"merged/{arm}": arm in arms["answers"] for arm in sorted(arms["merged"])}
    steps |= {f"answers/{arm}": bool(outputs["judgments"]) for arm in sorted(arms["answers"])}
    return steps | ({"judgments": store.exists(folder.report("json"))} if outputs["judgments"] else {})


def _with_purchases(store: ObjectStore, bought: Mapping[str, RunRows], run: RunRows) -> dict[str, RunRows]:
    """
    Return ``bought``, which maps each step to the run that last bought it, updated with the newer run ``run``.

    ``run`` replaces the older run for each step that ``run`` bought, with one exception: if the older run completed the
    step and ``run`` did not, the older run stays.
    """
    newest = dict(bought)
    for step, is_complete in bought_steps(store, folder_of(run)).items():
        before = bought.get(step)
        if is_complete or before is None or not bought_steps(store, folder_of(before)).get(step):
            newest[step] = run
    return newest


def compare_with_last_run(
    store: ObjectStore, folder: RunFolder, *, use_case: UseCase, prompts: Mapping[str, Prompt]
) -> RowChanges:
    """
    Compare this run's rows and settings with those of the last run with a report, and store this run as the last run.

    :return: the changes. All counts are ``None`` if no earlier run of the use case has a report, or if its list of rows
        was deleted.
    """
    uri = folder.last_run(use_case.name)
    settings = hash_purchase_settings(use_case, prompts)
    stored = read_json(store, uri, LatestRun) if store.exists(uri) else None
    # On a retry, this run is already stored as the last run.
    is_retry = stored is not None and stored["run_key"] == folder.run_key
    before = stored["previous"] if stored and is_retry else stored
    last = _rows_of(before)
    reported = _last_reported(store, stored, is_retry=is_retry)
    bought = (stored.get("bought_by_step") or {}) if stored else {}
    if last and not is_retry:
        bought = _with_purchases(store, bought, last)
    latest: LatestRun = {
        "run_key": folder.run_key,
        "rows_uri": folder.row_list,
        "settings": settings,
        "previous": last,
        "bought_by_step": bought,
        "reported": reported,
    }
    write_json(store, uri, latest)
    if reported is None or not store.exists(reported["rows_uri"]):
        return {"since": None, "added": None, "changed": None, "gone": None, "settings": []}
    added, changed, gone = _count_differences(_read(store, reported["rows_uri"]), _read(store, folder.row_list))
    return {
        "since": reported["run_key"],
        "added": added,
        "changed": changed,
        "gone": gone,
        "settings": sorted(name for name in settings if settings[name] != reported["settings"].get(name)),
    }


def _rows_of(run: RunRows | None) -> RunRows | None:
    return {"run_key": run["run_key"], "rows_uri": run["rows_uri"], "settings": run["settings"]} if run else None


def _last_reported(store: ObjectStore, stored: LatestRun | None, *, is_retry: bool) -> RunRows | None:
    """Return the newest run before this one that has a report."""
    if stored is None:
        return None
    earlier = stored.get("reported", stored["previous"])  # records of earlier versions do not have the key
    candidates = (earlier,) if is_retry else (stored, earlier)
    return next((_rows_of(run) for run in candidates if run and store.exists(folder_of(run).report("json"))), None)


def _read(store: ObjectStore, uri: str) -> NDArray[np.uint64]:
    """
    Read a list of rows into an array of shape (rows, 2): identity and question hash, sorted by identity.

    :raises StoredRecordError: the object is not a list of rows.
    """
    numbers = array("Q")
    try:
        with store.reader(uri) as lines:
            for line in lines:
                numbers.extend(int(part, 16) for part in line.split())
        rows = np.array(numbers, np.uint64).reshape(-1, 2)
    except (ValueError, OverflowError) as error:
        raise broken_record(uri, "is not a list of rows with two hexadecimal numbers each") from error
    return rows[np.argsort(rows[:, 0], kind="stable")]


def _count_differences(before: NDArray[np.uint64], after: NDArray[np.uint64]) -> tuple[int, int, int]:
    """Return how many rows were added, how many were changed, and how many were removed."""
    gone = before[~np.isin(before[:, 0], after[:, 0]), 1]
    added = after[~np.isin(after[:, 0], before[:, 0]), 1]
    changed = (Counter(gone.tolist()) & Counter(added.tolist())).total()
    return len(added) - changed, changed, len(gone) - changed
