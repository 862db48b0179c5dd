"""Collect what the drift detection needs to know about a run and what the report does not state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypedDict

from include.distill.config.prompts import Prompt
from include.distill.config.use_case import UseCase
from include.distill.core.naming import canonical_hash
from include.distill.core.records import BillLineRecord
from include.distill.curation.records import NewPairCounts
from include.distill.dataset.row_changes import hash_purchase_settings
from include.distill.history.records import NewPairs
from include.distill.report.records import Report

# The bill lines of the calls for pairs.
_PAIR_STEPS = ("synthesis", "critic")
# The files may have other names each night, and the forms may name other folders. Neither changes how rows are read.
_LOCATIONS = frozenset({"training_csv", "evaluation_csv", "allowed_prefixes"})


class DriftInputs(TypedDict, total=False):
    """The keys of a run's record that only the drift detection reads."""

    settings: dict[str, str]
    new_pairs: NewPairs
    compared_champion: str | None


def hash_compared_settings(use_case: UseCase, prompts: Mapping[str, Prompt]) -> dict[str, str]:
    """Hash each setting that affects a measure of the drift detection; map its name to 12 hex digits."""
    rows = use_case.source.model_dump(mode="json", exclude=set(_LOCATIONS))
    return {**hash_purchase_settings(use_case, prompts), "rows": canonical_hash(rows)[:12]}


def drift_inputs(
    report: Report, *, settings: dict[str, str], new_pairs: NewPairCounts | None, champion: str | None
) -> DriftInputs:
    """
    Return the keys that the drift detection needs in the record of a run.

    :param settings: the result of :func:`hash_compared_settings`.
    :param new_pairs: ``None`` if the use case has no pairs, or if an earlier version wrote them.
    :param champion: ARN of the champion before the run; ``None`` if there was no champion.
    """
    inputs: DriftInputs = {"settings": settings}
    if new_pairs and new_pairs["requested"]:
        inputs["new_pairs"] = {**new_pairs, "usd": round(_usd_of_pairs(report["cost"]["lines"]), 6)}
    champions = {arm["name"] for arm in report["arms"] if arm["kind"] == "champion"}
    if report["comparisons"]:
        first = report["comparisons"][0]
        if champions & {first["candidate"], first["baseline"]}:
            inputs["compared_champion"] = champion
    return inputs


def _usd_of_pairs(lines: Iterable[BillLineRecord]) -> float:
    return sum(line["usd"] for line in lines if line["what"].partition(":")[0] in _PAIR_STEPS)
