"""
Make an earlier champion the champion again, and change the standing endpoint in a champion's record.

Every function reads the record, and replaces it only if nobody else has written it in the meantime.
"""

from __future__ import annotations

from typing import Any

from include.distill.core.errors import FAILED_TASK, PromotionError, TransientError
from include.distill.core.storage import ObjectStore
from include.distill.evaluation.champion import (
    HISTORY_LIMIT,
    Champion,
    StoredChampion,
    read_stored_champion,
    write_champion,
)
from include.distill.evaluation.champion_parts import ChampionEndpoint, RecordChange, WithdrawnModel
from include.distill.evaluation.endpoint_records import RollbackChoice

WITHDRAWN_LIMIT = 50
_ATTEMPTS = 5


def restore_champion(
    store: ObjectStore,
    uri: str,
    choice: RollbackChoice,
    *,
    change: RecordChange,
    endpoint: ChampionEndpoint | None = None,
    stored: StoredChampion | None = None,
) -> Champion:
    """
    Make the chosen earlier champion the champion again, in a single write.

    The champion that is replaced becomes the newest of the earlier champions, and is withdrawn: the rule does not
    promote it again. If this rollback is already recorded, for example in a retry, nothing is written unless
    ``endpoint`` differs from the recorded one. If the choice is the present champion, only the endpoint changes.

    :param change: this rollback.
    :param endpoint: the standing endpoint, which serves the chosen model; ``None`` if it does not exist.
    :param stored: the record as it was before ``endpoint`` was checked. If another task has written the record since,
        nothing is written. By default, the record is read now.
    :raises PromotionError: the champion has changed since the choice, or another task wrote the record at the same
        time. Nothing was changed.
    """
    current, version = stored or read_stored_champion(store, uri)
    target = Champion.model_validate(choice["target"])
    is_done = current is not None and current.changed_by is not None and current.changed_by.run_key == change.run_key
    if current is not None and is_done and (endpoint is None or current.endpoint == endpoint):
        return current
    if current is None or (not is_done and current.model_arn != choice["replaces"]):
        now = f"the champion is now {current.model_arn}" if current else "there is no champion now"
        raise PromotionError(
            f"The rollback of {choice['use_case']} was to replace {choice['replaces']}, but {now}.",
            left="Nothing was changed.",
            to_do="Trigger distill_rollback again if the present champion is still the wrong one.",
        )
    restored = _restored(current, current if is_done else target.alone(), change, endpoint)
    write_champion(store, uri, restored, version)
    return restored


def _restored(current: Champion, target: Champion, change: RecordChange, endpoint: ChampionEndpoint | None) -> Champion:
    earlier, withdrawn = current.earlier, current.withdrawn
    if target.model_arn != current.model_arn:
        earlier = (current.alone(), *(one for one in earlier if one.model_arn != target.model_arn))[:HISTORY_LIMIT]
        withdrawal = WithdrawnModel(model_arn=current.model_arn, at=change.at, by=change.by, run_key=change.run_key)
        others = (one for one in withdrawn if one.model_arn != current.model_arn)
        withdrawn = (withdrawal, *others)
    kept = {"endpoint": current.endpoint} if current.has_endpoint_key else {}
    return target.model_copy(
        update={
            **kept,
            **({"endpoint": endpoint} if endpoint else {}),
            "previous": earlier[0] if earlier else None,
            "history": earlier,
            "withdrawn": tuple(one for one in withdrawn if one.model_arn != target.model_arn)[:WITHDRAWN_LIMIT],
            "revision": current.revision + 1,
            "changed_by": change,
        }
    )


def fence_champion(store: ObjectStore, uri: str) -> Champion | None:
    """
    Write the record again with the next revision, so that a task that read it earlier can no longer replace it.

    :return: the champion whose record was written; ``None`` if there is no record.
    """
    return _changed(store, uri, {})


def set_champion_endpoint(store: ObjectStore, uri: str, endpoint: ChampionEndpoint | None) -> Champion | None:
    """
    Record the standing endpoint of the present champion. ``None`` must be recorded before the endpoint is deleted.

    :return: the champion; ``None`` if there is no record.
    """
    return _changed(store, uri, {"endpoint": endpoint})


def _changed(store: ObjectStore, uri: str, update: dict[str, Any]) -> Champion | None:
    for _ in range(_ATTEMPTS):
        champion, version = read_stored_champion(store, uri)
        if champion is None:
            return None
        changed = champion.model_copy(update={**update, "revision": champion.revision + 1})
        try:
            write_champion(store, uri, changed, version)
        except PromotionError:
            continue
        return changed
    raise TransientError(
        f"Other tasks wrote {uri} {_ATTEMPTS} times while this task tried to write it.",
        left="This task did not change the champion.",
        then_clear=FAILED_TASK,
    )


def rollback_choices(champion: Champion) -> list[Champion]:
    """Return the champions that a rollback may choose: the present one, then the earlier ones, newest first."""
    return [champion, *(one for one in champion.earlier if one.model_arn != champion.model_arn)]
