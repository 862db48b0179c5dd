"""
Read and replace the champion, the promoted model of a use case.

The object ``s3://<training bucket>/<prefix>/champions/<use_case>.json`` names the champion and its predecessor. If the
use case has a standing endpoint, the object also names the endpoint and more earlier champions. Other systems may read
the object.

A run's task ``preflight`` reads the champion once and stores a snapshot in the run's folder. The run's models are
compared with this champion and may replace only this champion, even if tasks of the run are cleared much later.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, ValidationError, model_serializer

from include.distill.config.layout import RunFolder, champion_uri
from include.distill.config.use_case_faults import describe_faults
from include.distill.core.errors import FAILED_TASK, ContractError, NotFoundError, PromotionError, StoredRecordError
from include.distill.core.storage import ObjectStore, read_json, read_versioned_json, replace_json, write_json
from include.distill.core.stored_objects import broken_record
from include.distill.evaluation.champion_parts import ChampionEndpoint, RecordChange, WithdrawnModel
from include.distill.evaluation.records import DecisionRecord, PromotionRecord

# The keys that a record has only if the use case has had a standing endpoint or a rollback.
NEW_KEYS = frozenset({"endpoint", "history", "withdrawn", "revision", "changed_by"})
HISTORY_LIMIT = 5


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
    :param endpoint: the standing endpoint; ``None`` if it does not exist, or if a person deleted it.
    :param history: earlier champions, newest first; see :attr:`earlier`.
    :param withdrawn: the models that people rolled back from, newest first.
    :param revision: a number that increases with every write since the first standing endpoint or rollback.
    :param changed_by: the promotion or rollback that last wrote the record; ``None`` if the record does not name it.
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
    endpoint: ChampionEndpoint | None = None
    history: tuple[Champion, ...] = ()
    withdrawn: tuple[WithdrawnModel, ...] = ()
    revision: int = 0
    changed_by: RecordChange | None = None

    @model_serializer(mode="wrap")
    def _without_keys_that_were_never_set(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # The record of a use case without a standing endpoint or a rollback keeps the format of earlier versions.
        record: dict[str, Any] = handler(self)
        return {key: value for key, value in record.items() if key not in NEW_KEYS or key in self.model_fields_set}

    @property
    def earlier(self) -> tuple[Champion, ...]:
        """The earlier champions, newest first. A record without ``history`` has only the previous one."""
        return self.history or ((self.previous,) if self.previous else ())

    @property
    def has_endpoint_key(self) -> bool:
        """Whether the record says if there is a standing endpoint. A record of an earlier version does not."""
        return "endpoint" in self.model_fields_set

    @property
    def is_extended(self) -> bool:
        """Whether the record has any of the keys in :data:`NEW_KEYS`."""
        return not self.model_fields_set.isdisjoint(NEW_KEYS)

    def withdrawal(self, model_arn: str) -> WithdrawnModel | None:
        """Return the rollback that withdrew a model; ``None`` if the rule may promote the model."""
        return next((one for one in self.withdrawn if one.model_arn == model_arn), None)

    def alone(self) -> Champion:
        """Return the champion as an entry of another record's ``history``."""
        kept = {name: getattr(self, name) for name in self.model_fields_set - NEW_KEYS}
        return Champion(**{**kept, "previous": None})


StoredChampion = tuple[Champion | None, str | None]  # with the version of its object


def read_champion(store: ObjectStore, uri: str) -> Champion | None:
    """
    Read the champion at ``uri``, or return ``None`` if there is no champion.

    :raises ContractError: the object is not a champion's record, or a newer version of the pipeline wrote it in a
        format that the running version does not know. In both cases, it is not known which model is the champion.
    """
    return read_stored_champion(store, uri)[0]


def read_stored_champion(store: ObjectStore, uri: str) -> StoredChampion:
    """Read the champion like :func:`read_champion`. Also return the object's version for :func:`write_champion`."""
    try:
        record, version = read_versioned_json(store, uri, dict[str, Any])
        return Champion.model_validate(record), version
    except NotFoundError:
        return None, None
    except (ValidationError, StoredRecordError) as error:
        fault = error.fault if isinstance(error, StoredRecordError) else _faults(error)
        raise ContractError(
            f"{uri} is not a champion's record in this pipeline's format ({fault}).",
            left="This task bought and changed nothing.",
            to_do="Correct the object, or delete it to start without a champion.",
            then_clear=FAILED_TASK,
        ) from error


def _faults(error: ValidationError) -> str:
    return "; ".join(f"champion.{fault.text}" for fault in describe_faults(error.errors(), Champion))


def write_champion(store: ObjectStore, uri: str, champion: Champion, version: str | None) -> None:
    """
    Write a champion's record, unless it has changed since it was read.

    :param version: the version that :func:`read_stored_champion` returned.
    :raises PromotionError: another task has written the record in the meantime.
    """
    if not replace_json(store, uri, champion.model_dump(mode="json"), version):
        raise PromotionError(
            f"Another task has written {uri} since this task read it.",
            left="This task did not change the champion.",
            to_do="Look at the champion and at the runs that promote or roll back models of this use case.",
            then_clear=FAILED_TASK,
        )


def champion_before_run(store: ObjectStore, folder: RunFolder, use_case: str) -> Champion | None:
    """Return the current champion, or its predecessor if the run in ``folder`` promoted the current champion."""
    champion = read_champion(store, champion_uri(folder.root, use_case))
    return champion.previous if champion and champion.run_key == folder.run_key else champion


def save_champion_snapshot(store: ObjectStore, folder: RunFolder, champion: Champion | None) -> None:
    """Store the champion that the run's models are compared with, or ``None`` if there is no champion."""
    write_json(store, folder.champion, {"champion": champion.model_dump() if champion else None})


def champion_snapshot(store: ObjectStore, folder: RunFolder) -> Champion | None:
    """
    Read the champion that the run's models are compared with, or return ``None`` if there was no champion.

    :raises NotFoundError: preflight has not saved a snapshot.
    :raises StoredRecordError: the snapshot has no key ``champion``, or its champion is not a champion's record.
    """
    # The type is not ``ChampionSnapshot``, because a champion's record of an earlier version may lack some keys.
    snapshot = read_json(store, folder.champion, dict[str, Any])
    if "champion" not in snapshot:
        raise broken_record(folder.champion, "has no champion")
    if snapshot["champion"] is None:
        return None
    try:
        return Champion.model_validate(snapshot["champion"])
    except ValidationError as error:
        raise broken_record(folder.champion, f"has no valid champion ({_faults(error)})") from error


def promote(
    store: ObjectStore,
    folder: RunFolder,
    winner: Champion,
    *,
    endpoint: ChampionEndpoint | None = None,
    change: RecordChange | None = None,
    stored: StoredChampion | None = None,
    require_running: Callable[[], object] = lambda: None,
) -> Champion:
    """
    Make ``winner`` the champion in a single write. Its predecessor is stored in ``previous``.

    If ``winner`` is already the champion, for example in a retry, nothing is written unless ``endpoint`` differs from
    the recorded one. With a standing endpoint, the record also has the endpoint and the earlier champions.

    :param endpoint: the standing endpoint, which serves ``winner``; ``None`` if the use case has none.
    :param change: this promotion; ``None`` if the use case has no standing endpoint.
    :param stored: the record as it was before ``endpoint`` was checked. If another task has written the record since,
        nothing is written. By default, the record is read now.
    :param require_running: is called right before the winner is recorded, and raises an error if it must not be
        recorded. It is not called if the winner is already the champion.
    :raises PromotionError: the run's models were compared with a champion other than the current one, a person rolled
        back from ``winner``, or another task wrote the record at the same time. Nothing was changed.
    """
    uri = champion_uri(folder.root, winner.use_case)
    current, version = stored or read_stored_champion(store, uri)
    if current and (current.run_key, current.model_arn) == (winner.run_key, winner.model_arn):
        if endpoint is None or current.endpoint == endpoint:
            return current
        repaired = current.model_copy(
            update={"endpoint": endpoint, "changed_by": change, "revision": current.revision + 1}
        )
        write_champion(store, uri, repaired, version)
        return repaired
    predecessor = require_comparison(winner, current, champion_snapshot(store, folder))
    champion = _successor(winner, current, predecessor, endpoint, change)
    require_running()
    write_champion(store, uri, champion, version)
    return champion


def require_comparison(winner: Champion, current: Champion | None, compared: Champion | None) -> Champion | None:
    """
    Check that ``winner`` was compared with the present champion. Return the champion that ``winner`` replaces.

    :param compared: the champion that the run's models were compared with, or ``None`` if there was none.
    :raises PromotionError: there is another champion now, or a person rolled back from ``winner``.
    """
    if current and (withdrawal := current.withdrawal(winner.model_arn)):
        raise PromotionError(withdrawal.describe(), left="Nothing was changed.")
    if current and (current.run_key, current.model_arn) == (winner.run_key, winner.model_arn):
        return current.previous
    predecessor = current.previous if current and current.run_key == winner.run_key else current
    if _arn(predecessor) != _arn(compared):
        raise PromotionError(
            f"{winner.model_arn} was compared with {_name(compared)}, but {winner.use_case} now has"
            f" {_name(predecessor)}.",
            left="Nothing was changed.",
            to_do="Clear preflight with downstream to compare with the current champion; stored answers are not paid"
            " for again.",
        )
    return predecessor


def _successor(
    winner: Champion,
    current: Champion | None,
    predecessor: Champion | None,
    endpoint: ChampionEndpoint | None,
    change: RecordChange | None,
) -> Champion:
    # The predecessor's own predecessor is dropped, because the object would otherwise grow with every promotion.
    previous = predecessor.alone() if predecessor else None
    champion = winner.model_copy(update={"previous": previous})
    if endpoint is None and not (current and current.is_extended):
        return champion
    earlier = current.earlier if current else ()
    if current is not None and predecessor is current:
        earlier = (current.alone(), *earlier)
    kept = {"endpoint": current.endpoint} if current and current.has_endpoint_key else {}
    return champion.model_copy(
        update={
            **kept,
            **({"endpoint": endpoint} if endpoint else {}),
            "history": tuple(one for one in earlier if one.model_arn != winner.model_arn)[:HISTORY_LIMIT],
            "withdrawn": current.withdrawn if current else (),
            "revision": (current.revision if current else 0) + 1,
            "changed_by": change,
        }
    )


def describe_champion(champion: Champion | None) -> str:
    """Describe the champion that the run's models were compared with. The report shows this description."""
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
