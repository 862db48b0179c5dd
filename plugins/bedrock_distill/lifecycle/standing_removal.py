"""Delete the standing endpoint of a champion because a person asked for it, unless a run is changing it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from include.distill.cleanup.plan import ListedEndpoint, ResourceKind
from include.distill.config.layout import champion_uri
from include.distill.core.errors import FAILED_TASK, ChangeInProgressError
from include.distill.core.storage import ObjectStore
from include.distill.evaluation.champion import read_champion
from include.distill.evaluation.champion_history import set_champion_endpoint
from include.distill.evaluation.endpoint_change import ChangeAim, ChangeLock, Holder, IsLive


@contextmanager
def standing_removal(
    store: ObjectStore, root: str, endpoint: ListedEndpoint, holder: Holder, *, is_live: IsLive
) -> Iterator[None]:
    """
    Remove the standing endpoint from the champion's record, let the caller delete it, and then record the deletion.

    The champion stays the champion. If the caller fails or dies, the endpoint is left without a record. The next
    clean-up or the next run of the use case then deletes it.

    :param root: the project's part of the training bucket, ``s3://<training bucket>/<prefix>``.
    :raises ChangeInProgressError: a run is changing the endpoint; nothing was changed.
    """
    use_case = endpoint.use_case or ""
    lock, record = ChangeLock(store, root, use_case), champion_uri(root, use_case)
    seen = lock.read()
    if seen and seen["state"] != "settled" and seen["run_key"] != holder.run_key:
        lock.require_ended(seen, is_live)
    champion = read_champion(store, record)
    aim = ChangeAim(
        kind="promotion",
        model_arn=endpoint.model_arn,
        replaces=champion.model_arn if champion else None,
        endpoint_kind="provisioned" if endpoint.kind is ResourceKind.THROUGHPUT else "on_demand",
        name=endpoint.name,
    )
    change = lock.begin_settling(holder, seen, aim)
    if change is None:
        raise ChangeInProgressError(
            f"Another run began to change the standing endpoint {endpoint.name} at the same time.",
            left="The endpoint and the champion's record are unchanged.",
            then_clear=FAILED_TASK,
        )
    set_champion_endpoint(store, record, None)
    yield
    lock.end(change, arn=None)
