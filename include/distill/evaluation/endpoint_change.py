"""
Allow one change of a use case's standing endpoint at a time.

The object ``endpoints/<use case>/change.json`` is the lock. A run takes it before it changes the endpoint, and keeps it
until its task ``settle`` has compared the endpoint with the champion's record. If the run has ended or Airflow does not
know it, another run can take over the lock. Each holder gets a new number. If a task of an earlier holder is still
running, the number tells the task that the lock is no longer its own.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from include.distill.config.layout import endpoint_change_uri
from include.distill.core.errors import FAILED_TASK, ChangeInProgressError, NotFoundError, TransientError
from include.distill.core.storage import ObjectStore, read_versioned_json, replace_json
from include.distill.evaluation.endpoint_records import EndpointChange
from include.distill.evaluation.records import ChangeKind, StandingKind

# A function of a DAG id and a run id. It returns whether this DAG run is queued or running.
IsLive = Callable[[str, str], bool]
_ATTEMPTS = 5


@dataclass(frozen=True)
class Holder:
    """The DAG run that changes an endpoint."""

    dag_id: str
    run_id: str
    run_key: str


@dataclass(frozen=True)
class ChangeAim:
    """
    The result that a change should have.

    :param model_arn: the model that the change puts behind the endpoint.
    :param replaces: the champion's model before the change; ``None`` without a champion.
    :param name: name of the endpoint.
    """

    kind: ChangeKind
    model_arn: str
    replaces: str | None
    endpoint_kind: StandingKind
    name: str


@dataclass(frozen=True)
class ChangeLock:
    """
    The lock of one use case.

    :param root: the project's part of the training bucket, ``s3://<training bucket>/<prefix>``.
    """

    store: ObjectStore
    root: str
    use_case: str

    @property
    def uri(self) -> str:
        """The URI of the object ``change.json``, which is the lock."""
        return endpoint_change_uri(self.root, self.use_case)

    def read(self) -> EndpointChange | None:
        """Return the last change; ``None`` if the endpoint was never changed."""
        return self._read()[0]

    def take(
        self,
        holder: Holder,
        aim: ChangeAim,
        *,
        is_live: IsLive,
        renew: bool = False,
        require_running: Callable[[], object] = lambda: None,
    ) -> EndpointChange:
        """
        Take the lock for a change, or go on with the change that an earlier attempt of this run began.

        :param renew: begin a new change even if this run already began one with the same aim. This is needed if the
            creation of the endpoint failed: with the number of the failed change, Bedrock would not create the endpoint
            again.
        :param require_running: raises an error if the caller may not take the lock. It is called after each time that
            the lock was read. So if the run ends and settles the endpoint after the call, the lock has changed.
        :raises ChangeInProgressError: another run is changing the endpoint.
        """
        for _ in range(_ATTEMPTS):
            change, version = self._read()
            if change is not None and _is_same(change, holder, aim) and not renew:
                return change
            if change is not None and change["state"] != "settled" and change["run_key"] != holder.run_key:
                self.require_ended(change, is_live)
            require_running()
            taken = self._next(change, holder, aim)
            if self._replace(taken, version):
                return taken
        raise self._contended()

    def is_held(self, change: EndpointChange) -> bool:
        """Return whether a change still has the lock, so that it may call Bedrock and write the champion."""
        return _is_held(self.read(), change)

    def begin_settling(self, holder: Holder, seen: EndpointChange | None, aim: ChangeAim) -> EndpointChange | None:
        """
        Take the lock in order to make the endpoint agree with the champion's record again.

        :param seen: the last change, as the caller read it; ``None`` if there was none. The caller has checked that
            this change is settled, or that its run is ``holder`` or has ended.
        :param aim: the model that the endpoint should serve again.
        :return: the lock with a new number; ``None`` if the lock has changed since the caller read it. The caller must
            then check the lock again.
        """
        change, version = self._read()
        if change != seen:
            return None
        taken = self._next(change, holder, aim)
        taken["state"] = "settling"
        return taken if self._replace(taken, version) else None

    def end(self, change: EndpointChange | None, *, arn: str | None) -> None:
        """
        Record that the endpoint agrees with the champion's record. Do nothing if the lock is not equal to ``change``.

        :param change: the change as it was read or taken; ``None`` if there was none.
        :param arn: ARN of the endpoint; ``None`` if there is none.
        """
        current, version = self._read()
        if current is None or change is None or current != change:
            return
        self._replace({**change, "state": "settled", "arn": arn}, version)

    def require_ended(self, change: EndpointChange, is_live: IsLive) -> None:
        """
        Check that the run of a change has ended.

        :raises ChangeInProgressError: the run has not ended.
        """
        if is_live(change["dag_id"], change["run_id"]):
            raise ChangeInProgressError(
                f"Run {change['run_id']} of {change['dag_id']} has been changing the standing endpoint {change['name']}"
                f" since {change['began']}.",
                left="This task did not change the endpoint.",
                billed="Nothing by this task.",
                to_do=f"Wait until run {change['run_id']} of {change['dag_id']} has ended.",
                then_clear=FAILED_TASK,
            )

    def _next(self, change: EndpointChange | None, holder: Holder, aim: ChangeAim) -> EndpointChange:
        return {
            "use_case": self.use_case,
            "number": change["number"] + 1 if change else 1,
            "state": "switching",
            "kind": aim.kind,
            "dag_id": holder.dag_id,
            "run_id": holder.run_id,
            "run_key": holder.run_key,
            "aim_model_arn": aim.model_arn,
            "replaces": aim.replaces,
            "endpoint_kind": aim.endpoint_kind,
            "name": aim.name,
            "arn": change["arn"] if change and change["name"] == aim.name else None,
            "began": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        }

    def _read(self) -> tuple[EndpointChange | None, str | None]:
        try:
            return read_versioned_json(self.store, self.uri, EndpointChange)
        except NotFoundError:
            return None, None

    def _replace(self, change: EndpointChange, version: str | None) -> bool:
        return replace_json(self.store, self.uri, change, version)

    def _contended(self) -> TransientError:
        return TransientError(
            f"Other tasks wrote {self.uri} {_ATTEMPTS} times while this task tried to write it.",
            left="This task did not change the endpoint.",
            then_clear=FAILED_TASK,
        )


def _is_same(change: EndpointChange, holder: Holder, aim: ChangeAim) -> bool:
    began = (change["run_key"], change["kind"], change["aim_model_arn"], change["endpoint_kind"], change["name"])
    wanted = (holder.run_key, aim.kind, aim.model_arn, aim.endpoint_kind, aim.name)
    return change["state"] == "switching" and began == wanted


def _is_held(current: EndpointChange | None, change: EndpointChange) -> bool:
    if current is None or current["state"] != "switching":
        return False
    return (current["run_key"], current["number"]) == (change["run_key"], change["number"])
