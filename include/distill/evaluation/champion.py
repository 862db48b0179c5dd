"""
Read and replace the champion, the promoted model of a use case.

The object ``s3://<training bucket>/<prefix>/champions/<use_case>.json`` names the champion and its predecessor. Other
systems may read it. A run's task ``preflight`` reads the champion once and stores a snapshot in the run's folder. The
run's models are compared with this champion and may replace only this champion, even if tasks of the run are cleared
much later.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from include.distill.config.layout import RunFolder, champion_uri
from include.distill.core.errors import FAILED_TASK, ContractError, NotFoundError, PromotionError, StoredRecordError
from include.distill.core.storage import ObjectStore, read_json, write_json
from include.distill.core.stored_objects import broken_record
from include.distill.evaluation.records import DecisionRecord, PromotionRecord


class Champion(BaseModel):
    """
    A promoted model, with the verdict that led to its promotion.

    This class is the validated form of a :class:`ChampionRecord`.

    :param student: key of the base model in ``include/models.yaml``.
    :param verdict: the report's verdict, in one sentence.
    :param promoted_at: time of the promotion, ISO 8601, UTC.
    :param simulated: whether the run used the AWS simulator. Simulated figures do not apply to real models.
    :param approved_by: the person who approved the promotion; ``None`` if the use case does not require approval.
    :param previous: the champion before this one, with its own ``previous`` set to ``None``.
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
    Read the champion at ``uri``, or return ``None`` if there is no champion.

    :raises ContractError: the object is not a champion's record, or a newer version wrote it in a format that this
        version does not know. In both cases, it is not known which model is the champion.
    """
    try:
        return Champion.model_validate(read_json(store, uri, dict[str, Any]))
    except NotFoundError:
        return None
    except (ValidationError, StoredRecordError) as error:
        fault = error.fault if isinstance(error, StoredRecordError) else error
        raise ContractError(
            f"{uri} is not a champion's record in this pipeline's format ({fault}).",
            left="This task bought and changed nothing.",
            to_do="Correct the object, or delete it to start without a champion.",
            then_clear=FAILED_TASK,
        ) from error


def champion_before_run(store: ObjectStore, folder: RunFolder, use_case: str) -> Champion | None:
    """Return the current champion, or its predecessor if the run in ``folder`` promoted the current champion."""
    champion = read_champion(store, champion_uri(folder.root, use_case))
    return champion.previous if champion and champion.run_key == folder.run_key else champion


def save_champion_snapshot(store: ObjectStore, folder: RunFolder, champion: Champion | None) -> None:
    """Store the champion with which the run's models are compared, or ``None`` if there is no champion."""
    write_json(store, folder.champion, {"champion": champion.model_dump() if champion else None})


def champion_snapshot(store: ObjectStore, folder: RunFolder) -> Champion | None:
    """
    Read the champion with which the run's models are compared, or return ``None`` if there was no champion.

    :raises NotFoundError: preflight has not saved a snapshot.
    :raises StoredRecordError: the snapshot has no key ``champion``, or its champion is not a champion's record.
    """
    # Not read as a ``ChampionSnapshot``: in a champion's record of an earlier version, some keys may be absent.
    snapshot = read_json(store, folder.champion, dict[str, Any])
    if "champion" not in snapshot:
        raise broken_record(folder.champion, "has no champion")
    if snapshot["champion"] is None:
        return None
    try:
        return Champion.model_validate(snapshot["champion"])
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(['champion', *map(str, fault['loc'])])}: {fault['msg']}" for fault in error.errors()
        )
        raise broken_record(folder.champion, f"has no valid champion ({faults})") from error


def promote(store: ObjectStore, folder: RunFolder, winner: Champion) -> Champion:
    """
    Make ``winner`` the champion in a single write. Its predecessor is stored in ``previous``.

    A retry finds that ``winner`` is already the champion and writes nothing.

    :raises PromotionError: the current champion is not the champion with which the run's models were compared. Nothing
        was changed.
    """
    uri = champion_uri(folder.root, winner.use_case)
    current = read_champion(store, uri)
    if current and (current.run_key, current.model_arn) == (winner.run_key, winner.model_arn):
        return current
    predecessor, compared = champion_before_run(store, folder, winner.use_case), champion_snapshot(store, folder)
    if _arn(predecessor) != _arn(compared):
        raise PromotionError(
            f"{winner.model_arn} was compared with {_name(compared)}, but {winner.use_case} now has"
            f" {_name(predecessor)}.",
            left="Nothing was changed.",
            to_do="Clear preflight with downstream to compare with the current champion; stored answers are not paid"
            " for again.",
        )
    # The predecessor's own predecessor is dropped, because the object would otherwise grow with every promotion.
    previous = predecessor.model_copy(update={"previous": None}) if predecessor else None
    champion = winner.model_copy(update={"previous": previous})
    write_json(store, uri, champion.model_dump())
    return champion


def describe_champion(champion: Champion | None) -> str:
    """Describe the champion with which the run's models were compared, for the report."""
    if champion is None:
        return "none yet; the candidates were compared with the base student instead"
    simulated = "SIMULATED, " if champion.simulated else ""
    return f"{champion.model_arn} ({simulated}promoted {champion.promoted_at} by run {champion.run_key})"


def _name(champion: Champion | None) -> str:
    return f"the champion {champion.model_arn}" if champion else "no champion"


def _arn(champion: Champion | None) -> str | None:
    return champion.model_arn if champion else None


def winning_decision(promotion: PromotionRecord | None) -> DecisionRecord | None:
    """
    Return the decision on the candidate to promote, or ``None`` if the rule promotes no candidate.

    If several candidates satisfy the rule, return the decision with the largest lower bound.

    :param promotion: the section ``promotion`` of the report.
    """
    won = [decision for decision in promotion["decisions"] if decision["promoted"]] if promotion else []
    # A promoted candidate always has a lower bound, because the rule requires a lower bound from every judge.
    return max(won, key=lambda decision: decision.get("lower_bound") or 0.0, default=None)
