"""
What changed since the last run of a use case: rows added, changed and gone, and settings that matter.

Every run keeps a list of its rows, ``source/rows.txt``: identity and a hash of the question, 34 bytes each. A row whose
question is still asked, with another document or answer, is changed; identities alone would call it gone and added.
``<prefix>/latest/<use case>.json`` names the last run and the one before it, so that a retry compares with the same.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from include.distill.config.layout import RunFolder
from include.distill.config.prompts import Prompt
from include.distill.config.use_case import UseCase
from include.distill.core.naming import canonical_hash, digest
from include.distill.core.storage import ObjectStore, Record, read_json, write_json
from include.distill.text.normalization import normalize

# What changes a request to a model, or a training job. Schedules, owners, caps and time-outs change nothing bought.
PURCHASE_SETTINGS = (
    "teacher", "student", "judges", "synthesis", "curation", "answering", "judging", "arms", "comparisons", "seed",
)  # fmt: skip


def row_line(row: Record) -> bytes:
    """Return a row's line in the list."""
    return f"{row['row_id']} {digest(normalize(row['question']))[:16]}\n".encode()


def hash_purchase_settings(use_case: UseCase, prompts: Mapping[str, Prompt]) -> dict[str, str]:
    """Return a hash of each part of a frozen use case that decides what is bought."""
    raw = use_case.model_dump(mode="json")
    training = {key: raw["training"][key] for key in ("hyperparameters", "validation_share")}
    unused = set() if use_case.critic else {use_case.prompts.critic}
    versions = {name: prompt.version for name, prompt in prompts.items() if name not in unused}
    student_texts = {"instruction": raw["prompts"]["instruction"], **versions}
    parts = {**{name: raw[name] for name in PURCHASE_SETTINGS}, "training": training, "prompts": student_texts}
    return {name: canonical_hash(part)[:12] for name, part in parts.items()}


@dataclass(frozen=True)
class LastRun:
    """Where the last run's rows are listed, and its settings."""

    run_key: str
    rows_uri: str
    settings: Mapping[str, str]

    def as_record(self) -> Record:
        """Return what is stored of it."""
        return {"run_key": self.run_key, "rows_uri": self.rows_uri, "settings": dict(self.settings)}


def compare_with_last_run(
    store: ObjectStore, folder: RunFolder, *, use_case: UseCase, prompts: Mapping[str, Prompt]
) -> Record:
    """
    Compare the rows of this run with those of the last one, and remember this one as the last.

    :return: ``{"since": run key or None, "added", "changed", "gone", "settings": [names of what changed]}``; without an
        earlier run the counts are ``None``.
    """
    uri = folder.last_run(use_case.name)
    here = LastRun(folder.run_key, folder.row_list, hash_purchase_settings(use_case, prompts))
    kept: dict[str, Any] = read_json(store, uri) if store.exists(uri) else {}
    before = kept.get("previous") if kept.get("run_key") == folder.run_key else kept or None
    last = LastRun(before["run_key"], before["rows_uri"], before["settings"]) if before else None
    write_json(store, uri, {**here.as_record(), "previous": last.as_record() if last else None})
    if last is None or not store.exists(last.rows_uri):
        return {"since": None, "added": None, "changed": None, "gone": None, "settings": []}
    counts = _differences(_read(store, last.rows_uri), _read(store, here.rows_uri))
    names = sorted(n for n in here.settings if here.settings[n] != last.settings.get(n))
    return {"since": last.run_key, **counts, "settings": names}


def _read(store: ObjectStore, uri: str) -> NDArray[np.uint64]:
    """Return identity and question of each row, sorted by identity."""
    numbers = array("Q")
    with store.reader(uri) as lines:
        for line in lines:
            numbers.extend(int(part, 16) for part in line.split())
    rows = np.array(numbers, np.uint64).reshape(-1, 2)
    return rows[np.argsort(rows[:, 0], kind="stable")]


def _differences(before: NDArray[np.uint64], after: NDArray[np.uint64]) -> dict[str, int]:
    gone = before[~np.isin(before[:, 0], after[:, 0]), 1]
    added = after[~np.isin(after[:, 0], before[:, 0]), 1]
    changed = (Counter(gone.tolist()) & Counter(added.tolist())).total()
    return {"added": len(added) - changed, "changed": changed, "gone": len(gone) - changed}
