"""
The champion: the promoted model of a use case, written down in one object that other systems may read.

``s3://<training bucket>/<prefix>/champions/<use_case>.json`` names it, with the one before it. A run looks once, in
preflight, and keeps what it saw in its own folder: it is compared with that one and with no other, and it may replace
that one and no other, however late it is cleared.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from include.distill.config.layout import RunFolder, champion_uri
from include.distill.core.errors import ContractError, NotFoundError, PromotionError
from include.distill.core.storage import ObjectStore, Record, write_json


class Champion(BaseModel):
    """
    A promoted model, and on what grounds.

    :param student: key of the base model in ``include/models.yaml``.
    :param simulated: it was promoted on the AWS simulator; its figures say nothing about real models.
    :param approved_by: the person who was asked, when the use case asks one.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())

    use_case: str
    model_arn: str
    student: str
    arm: str
    run_key: str
    dag_id: str
    run_id: str
    verdict: str
    promoted_at: str
    simulated: bool
    report_uri: str
    approved_by: str | None = None
    previous: Champion | None = None


def read_champion(store: ObjectStore, uri: str) -> Champion | None:
    """Return the champion that is written down at ``uri``; ``None`` when there is none.

    :raises ContractError: something else lies there, so it is unknown which model is the champion.
    """
    try:
        body = store.read(uri)
    except NotFoundError:
        return None
    try:
        return Champion.model_validate(json.loads(body))
    except (ValidationError, ValueError) as error:
        message = (
            f"{uri} does not name a champion as this pipeline writes it ({error}). Nothing was bought or changed. Mend"
            " it, or delete it to begin without a champion."
        )
        raise ContractError(message) from error


def champion_before_run(store: ObjectStore, folder: RunFolder, use_case: str) -> Champion | None:
    """Return the champion as it stood before the run of ``folder``: never that run's own winner."""
    champion = read_champion(store, champion_uri(folder.root, use_case))
    return champion.previous if champion and champion.run_key == folder.run_key else champion


def save_champion_snapshot(store: ObjectStore, folder: RunFolder, champion: Champion | None) -> None:
    """Keep the champion with which the run is compared."""
    write_json(store, folder.champion, {"champion": champion.model_dump() if champion else None})


def champion_snapshot(store: ObjectStore, folder: RunFolder) -> Champion | None:
    """Return the champion with which the run is compared; ``None`` when there was none.

    :raises NotFoundError: preflight has not looked.
    """
    snapshot: Record = json.loads(store.read(folder.champion))
    return Champion.model_validate(snapshot["champion"]) if snapshot["champion"] else None


def promote(store: ObjectStore, folder: RunFolder, winner: Champion) -> Champion:
    """
    Make ``winner`` the champion, in one write; the one before it is kept in it.

    A retry finds that it is done and writes nothing.

    :raises PromotionError: the champion is no longer the one with which the run was compared; nothing was changed.
    """
    uri = champion_uri(folder.root, winner.use_case)
    current = read_champion(store, uri)
    if current and (current.run_key, current.model_arn) == (winner.run_key, winner.model_arn):
        return current
    standing, compared = champion_before_run(store, folder, winner.use_case), champion_snapshot(store, folder)
    if _arn(standing) != _arn(compared):
        message = (
            f"{winner.model_arn} was compared with {_arn(compared) or 'no champion'}, and the champion of"
            f" {winner.use_case} is {_arn(standing) or 'nobody'} since. Nothing was changed. Clear preflight with"
            " downstream to compare with the present one; stored answers are not paid for again."
        )
        raise PromotionError(message)
    previous = standing.model_copy(update={"previous": None}) if standing else None
    crowned = winner.model_copy(update={"previous": previous})
    write_json(store, uri, crowned.model_dump())
    return crowned


def describe_champion(champion: Champion | None) -> str:
    """Return what a reader must know of the model that the run was compared with."""
    if champion is None:
        return "none yet: the base student took its place"
    simulated = "SIMULATED, " if champion.simulated else ""
    return f"{champion.model_arn} ({simulated}promoted {champion.promoted_at} by run {champion.run_key})"


def _arn(champion: Champion | None) -> str | None:
    return champion.model_arn if champion else None


def winning_decision(report: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the decision on who is to be promoted: of several, the one whose smallest lower bound is largest."""
    decisions = (report.get("promotion") or {}).get("decisions", [])
    won = [decision for decision in decisions if decision["promoted"]]
    return max(won, key=lambda decision: decision["lower_bound"], default=None)
