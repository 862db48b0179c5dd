"""
Make the standing endpoint of a use case agree with the champion's record again.

The task ``settle`` is to the standing endpoint what ``release`` is to an arm's endpoint: it always runs, even after a
failure. The recorded model is never changed to fit the endpoint. Before the endpoint is changed, the lock gets a new
number, and the record gets a new revision. If a task ``promote`` of this run or of another run is still running, it can
then no longer write the record.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from bedrock_distill.hooks.statuses import Progress
from bedrock_distill.lifecycle.endpoints import (
    ENDPOINT_KINDS,
    AnyEndpoint,
    EndpointKind,
    delete_and_wait,
)
from bedrock_distill.lifecycle.standing import StandingSite, billed_while_standing, champion_endpoint, request_update
from include.distill.core.by_hand import switch_command
from include.distill.core.errors import FAILED_TASK, OutcomeError, SettleError, TransientError
from include.distill.core.job_failures import stated_reason
from include.distill.evaluation.champion import Champion, read_champion
from include.distill.evaluation.champion_history import fence_champion, set_champion_endpoint
from include.distill.evaluation.endpoint_change import ChangeAim, Holder, IsLive
from include.distill.evaluation.endpoint_records import EndpointChange, SettleAction, SettleManifest

log = logging.getLogger(__name__)

POLL_SECONDS = 5.0
_ATTEMPTS = 10


class _Deviation(NamedTuple):
    """An endpoint that does not agree with the champion's record; ``desired`` is ``None`` if it should not exist."""

    kind: EndpointKind
    endpoint: AnyEndpoint
    desired: str | None


@dataclass(frozen=True)
class Settling:
    """
    One attempt to settle the standing endpoint of a use case.

    :param holder: the run that settles.
    :param is_live: returns whether the run of a change is queued or running.
    :param wait_seconds: maximum number of seconds to wait for Bedrock.
    """

    site: StandingSite
    holder: Holder
    is_live: IsLive
    wait_seconds: float = 1800.0
    sleep: Callable[[float], object] = field(default=time.sleep)

    def run(self) -> SettleManifest:
        """
        Make the endpoint agree with the record, and release the lock.

        If another run in progress has the lock, nothing is done, because that run settles the endpoint itself.

        :raises SettleError: the endpoint does not agree with the record. The message says how a person corrects this.
        :raises ContractError: a record cannot be read, so it is not known which model should answer.
        """
        settling: EndpointChange | None = None
        for _ in range(_ATTEMPTS):
            change = self.site.lock.read()
            if self._belongs_to_other(change, settling):
                log.info("Another task is changing the standing endpoint, and its run settles it: %s", change)
                return self._manifest("left_to_other")
            champion = self._adopt(read_champion(self.site.store, self.site.champion_uri), change)
            deviation = self._deviation(champion, change)
            if deviation is None:
                return self._agreed(champion, change)
            if begun := self._begin(change, deviation):
                settling = begun
                # `promote` may have changed the champion since it was read above. `fence_champion` reads it again.
                self._repair(settling, fence_champion(self.site.store, self.site.champion_uri))
        raise TransientError(
            f"Other tasks changed the standing endpoint {self.site.name} or its lock while this task settled it.",
            left="The endpoint may not agree with the champion's record.",
            then_clear=FAILED_TASK,
        )

    def _belongs_to_other(self, change: EndpointChange | None, settling: EndpointChange | None) -> bool:
        if change is None or change["state"] == "settled":
            return False
        if change["run_key"] == self.holder.run_key:
            # If a person cleared this run's `switch` while this task waited for Bedrock, `switch` now has the lock.
            return settling is not None and change["state"] == "switching"
        return self.is_live(change["dag_id"], change["run_id"])

    def _adopt(self, champion: Champion | None, change: EndpointChange | None) -> Champion | None:
        """Add the endpoint to the champion's record if a task of an earlier version wrote the record without it."""
        if champion is None or champion.has_endpoint_key or change is None:
            return champion
        for kind in ENDPOINT_KINDS:
            endpoint = self.site.find(kind)
            if endpoint is not None and endpoint.arn == change["arn"]:
                log.warning("%s is missing from the champion's record, and is added to it.", endpoint.arn)
                recorded = champion_endpoint(self.site, kind, endpoint)
                return set_champion_endpoint(self.site.store, self.site.champion_uri, recorded)
        return champion

    def _deviation(self, champion: Champion | None, change: EndpointChange | None) -> _Deviation | None:
        for kind in ENDPOINT_KINDS:
            endpoint = self.site.find(kind)
            if endpoint is None:
                continue
            desired = _desired(champion, endpoint)
            if desired is not None:
                served = kind.served(endpoint)
                if served.progress is not Progress.SUCCEEDED or served.model_arn != desired:
                    return _Deviation(kind, endpoint, desired)
            elif _may_be_deleted(champion, change, endpoint):
                return _Deviation(kind, endpoint, None)
            else:
                log.warning(
                    "%s %s is in no champion's record, but is not deleted, because no change of this use case created"
                    " it. If no application calls it, delete it %s.",
                    kind.noun,
                    endpoint.arn,
                    kind.by_hand.ways(endpoint.arn, self.site.use_case.aws.region),
                )
        return None

    def _begin(self, change: EndpointChange | None, deviation: _Deviation) -> EndpointChange | None:
        if change and change["state"] == "settling" and change["run_key"] == self.holder.run_key:
            return change
        aim = ChangeAim(
            kind=change["kind"] if change else "promotion",
            model_arn=deviation.desired or deviation.endpoint.model_arn,
            replaces=change["replaces"] if change else None,
            endpoint_kind=deviation.kind.standing,
            name=self.site.name,
        )
        return self.site.lock.begin_settling(self.holder, change, aim)

    def _repair(self, settling: EndpointChange, champion: Champion | None) -> None:
        """Make the endpoint agree with the record, unless another task has taken the lock."""
        deviation = self._deviation(champion, settling)
        if deviation is None or self.site.lock.read() != settling:
            return
        kind, endpoint, desired = deviation
        if desired is None:
            log.warning("Deleting %s: its model %s was not promoted.", endpoint.arn, endpoint.model_arn)
            delete_and_wait(self.site.hook, kind, endpoint.arn, wait_seconds=self.wait_seconds)
            return
        if not self.site.hook.has_custom_model(desired):
            raise self._error(deviation, "this model no longer exists in Bedrock", restorable=False)
        endpoint = self._wait_until_idle(deviation)
        if endpoint.model_arn != desired:
            log.warning("%s answers with %s. Putting %s behind it again.", endpoint.arn, endpoint.model_arn, desired)
            if self.site.lock.read() == settling:
                request_update(self.site, kind, endpoint, desired)
                self._wait_until_idle(_Deviation(kind, endpoint, desired), updated=True)

    def _wait_until_idle(self, deviation: _Deviation, *, updated: bool = False) -> AnyEndpoint:
        """
        Wait until no creation or update of the endpoint is in progress, and return the endpoint.

        :param updated: whether Bedrock was asked to put the desired model behind the endpoint. If so, wait until the
            endpoint answers with this model.
        """
        kind, desired = deviation.kind, deviation.desired
        deadline = time.monotonic() + self.wait_seconds
        while True:
            endpoint = self.site.find(kind)
            if endpoint is None:
                raise self._error(deviation, f"the {kind.noun} does not exist any more", restorable=False)
            served = kind.served(endpoint)
            deviation = _Deviation(kind, endpoint, desired)
            if served.progress is Progress.FAILED:
                raise self._error(deviation, stated_reason(endpoint.failure_message), restorable=False)
            if served.progress is Progress.SUCCEEDED and (not updated or served.model_arn == desired):
                return endpoint
            if updated and served.failed_update == desired:
                raise self._error(deviation, f"the update failed: {stated_reason(endpoint.failure_message)}")
            if time.monotonic() > deadline:
                waited = f"{self.wait_seconds:.0f} s"
                raise self._error(deviation, f"Bedrock has not completed the creation or the update within {waited}")
            self.sleep(POLL_SECONDS)

    def _agreed(self, champion: Champion | None, change: EndpointChange | None) -> SettleManifest:
        recorded = champion.endpoint if champion else None
        manifest = self._manifest("none", recorded.arn if recorded else None)
        is_own = change is not None and change["run_key"] == self.holder.run_key and change["state"] != "settled"
        if recorded and manifest["arn"] != recorded.arn:
            problem = f"The standing endpoint {recorded.arn} of {self.site.use_case.name} does not exist any more."
            if is_own:
                raise SettleError(
                    problem,
                    left="Applications that call it get errors. The champion's record still names it.",
                    billed="Nothing for this endpoint.",
                    to_do=(
                        "Trigger distill_rollback with `to: current`, which creates another endpoint with another ARN,"
                        " and give that ARN to the applications."
                    ),
                )
            log.warning("%s Trigger distill_rollback with `to: current` to create another one.", problem)
        if change is not None and change["state"] == "settling" and is_own:
            manifest["action"] = "restored" if manifest["arn"] else "deleted"
        if change is not None and change["state"] != "settled":
            self.site.lock.end(change, arn=manifest["arn"])
        return manifest

    def _manifest(self, action: SettleAction, recorded_arn: str | None = None) -> SettleManifest:
        found = [endpoint for kind in ENDPOINT_KINDS if (endpoint := self.site.find(kind)) is not None]
        endpoint = min(found, key=lambda one: one.arn != recorded_arn, default=None)
        arn, model_arn = (endpoint.arn, endpoint.model_arn) if endpoint else (None, None)
        return {"action": action, "arn": arn, "model_arn": model_arn}

    def _error(self, deviation: _Deviation, why: str, *, restorable: bool = True) -> OutcomeError:
        kind, endpoint, desired = deviation
        by_hand = switch_command(kind.by_hand, endpoint.arn, str(desired), self.site.use_case.aws.region)
        return SettleError(
            f"The champion {desired} of {self.site.use_case.name} could not be put behind {kind.noun} {endpoint.arn}"
            f" again: {why}.",
            left=f"The {kind.noun} answers with {endpoint.model_arn}, but the champion's record names {desired}.",
            billed=billed_while_standing(kind, endpoint.name),
            to_do=(
                f"Run `{by_hand}`."
                if restorable
                else "Trigger distill_rollback with another champion from the record's history."
            ),
            then_clear=FAILED_TASK,
            effect="compares the endpoint with the record again",
        )


def _desired(champion: Champion | None, endpoint: AnyEndpoint) -> str | None:
    """Return the model that an endpoint should serve; ``None`` if no record names the endpoint."""
    if champion is None or champion.endpoint is None or champion.endpoint.arn != endpoint.arn:
        return None
    return champion.model_arn


def _may_be_deleted(champion: Champion | None, change: EndpointChange | None, endpoint: AnyEndpoint) -> bool:
    """
    Return whether an endpoint that no record names may be deleted.

    It may be deleted if a change that is not settled has created it, or if a clean-up has recorded that it is deleting
    the endpoint. It may also be deleted if there was no endpoint when the last change was settled: since then, only a
    late request from a killed task can have created it. If only the records are missing, for example because the
    storage prefix was changed, it must not be deleted, because applications may still call it.
    """
    if change is None:
        return False
    was_deleted = champion is not None and champion.has_endpoint_key and champion.endpoint is None
    # Until the change is settled, ``arn`` names the endpoint that existed before the change. After that, it names the
    # endpoint that exists after the change.
    is_late = change["state"] == "settled" and change["arn"] is None
    return was_deleted or is_late or (change["state"] != "settled" and change["arn"] != endpoint.arn)
