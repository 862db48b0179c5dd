"""
Read and replace the champion: the promoted model of a use case, in one object that other systems may read.

``s3://<training bucket>/<prefix>/champions/<use_case>.json`` names it and its predecessor. Preflight of a run reads it
once and keeps a snapshot in the run's folder. The run is compared with that champion, and may replace only that one,
even if the run is cleared much later.
"""

from __future__ import annotations

import json

from pydantic import BaseModel, ConfigDict, ValidationError

from include.distill.config.layout import RunFolder, champion_uri
from include.distill.core.errors import ContractError, NotFoundError, PromotionError
from include.distill.core.storage import ObjectStore, read_json, write_json
from include.distill.evaluation.records import ChampionSnapshot, DecisionRecord, PromotionRecord


class Champion(BaseModel):
    """
    A promoted model, and why it was promoted. The validated form of :class:`ChampionRecord`.

    :param student: key of the base model in ``include/models.yaml``.
    :param verdict: the report's verdict, one sentence.
    :param promoted_at: ISO 8601, UTC.
    :param simulated: it was promoted on the AWS simulator; its figures say nothing about real models.
    :param approved_by: the person who approved it; ``None`` when the use case asks nobody.
    :param previous: the champion before it, without that one's own predecessor.
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
    """
    Read the champion at ``uri``; ``None`` when there is none.

    :raises ContractError: the object does not name a champion, so it is unknown which model is the champion.
    """
    try:
        body = store.read(uri)
    except NotFoundError:
        return None
    try:
        return Champion.model_validate(json.loads(body))
    except (ValidationError, ValueError) as error:
        message = (
            f"{uri} does not name a champion as this pipeline writes it ({error}). Nothing was bought or changed."
            " Correct the object, or delete it to start without a champion. Then clear this task."
        )
        raise ContractError(message) from error


def champion_before_run(store: ObjectStore, folder: RunFolder, use_case: str) -> Champion | None:
    """Return the champion before the run of ``folder``: if the run was promoted itself, its predecessor."""
    champion = read_champion(store, champion_uri(folder.root, use_case))
    return champion.previous if champion and champion.run_key == folder.run_key else champion


def save_champion_snapshot(store: ObjectStore, folder: RunFolder, champion: Champion | None) -> None:
    """Keep the champion with which the run is compared, or that there is none."""
    write_json(store, folder.champion, {"champion": champion.model_dump() if champion else None})


def champion_snapshot(store: ObjectStore, folder: RunFolder) -> Champion | None:
    """
    Read the champion with which the run is compared; ``None`` when there was none.

    :raises NotFoundError: preflight has not saved a snapshot.
    """
    snapshot = read_json(store, folder.champion, ChampionSnapshot)
    return Champion.model_validate(snapshot["champion"]) if snapshot["champion"] else None


def promote(store: ObjectStore, folder: RunFolder, winner: Champion) -> Champion:
    """
    Make ``winner`` the champion, in one write; it keeps its predecessor in ``previous``.

    A retry finds ``winner`` there and writes nothing.

    :raises PromotionError: the champion is not the one with which the run was compared; nothing was changed.
    """
    uri = champion_uri(folder.root, winner.use_case)
    current = read_champion(store, uri)
    if current and (current.run_key, current.model_arn) == (winner.run_key, winner.model_arn):
        return current
    predecessor, compared = champion_before_run(store, folder, winner.use_case), champion_snapshot(store, folder)
    if _arn(predecessor) != _arn(compared):
        message = (
            f"{winner.model_arn} was compared with {_arn(compared) or 'no champion'}, but the champion of"
            f" {winner.use_case} is now {_arn(predecessor) or 'nobody'}. Nothing was changed. Clear preflight with"
            " downstream to compare with the present champion; stored answers are not paid for again."
        )
        raise PromotionError(message)
    # Without its own predecessor: otherwise the object would grow with every promotion.
    previous = predecessor.model_copy(update={"previous": None}) if predecessor else None
    champion = winner.model_copy(update={"previous": previous})
    write_json(store, uri, champion.model_dump())
    return champion


def describe_champion(champion: Champion | None) -> str:
    """Describe the champion with which the run was compared, for the report."""
    if champion is None:
        return "none yet: the base student took its place"
    simulated = "SIMULATED, " if champion.simulated else ""
    return f"{champion.model_arn} ({simulated}promoted {champion.promoted_at} by run {champion.run_key})"


def _arn(champion: Champion | None) -> str | None:
    return champion.model_arn if champion else None


def winning_decision(promotion: PromotionRecord | None) -> DecisionRecord | None:
    """
    Return the decision on the candidate to promote; ``None`` when the rule promotes nobody.

    Of several candidates, the one with the largest lower bound wins.

    :param promotion: ``promotion`` of the report.
    """
    won = [decision for decision in promotion["decisions"] if decision["promoted"]] if promotion else []
    # A promoted candidate has a lower bound: the rule requires one of every judge.
    return max(won, key=lambda decision: decision["lower_bound"] or 0.0, default=None)
