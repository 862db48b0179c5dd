"""Release endpoints that no live run uses (the sweeper)."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowRuntimeError

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.s3 import S3ObjectStore
from bedrock_distill.lifecycle.endpoints import DELETING, DEPLOYMENT, ENDPOINT_KINDS, AnyEndpoint, EndpointKind
from bedrock_distill.run.configuration import configuration_of
from bedrock_distill.run.explained_task import ExplainedTask
from bedrock_distill.run.state import run_state
from include.distill.cleanup.expiry import TIME_FORMAT, Action, decide_sweep
from include.distill.cleanup.ownership import OwnershipCheck
from include.distill.cleanup.records import SweepManifest
from include.distill.config.environment import environment_name
from include.distill.config.layout import Layout
from include.distill.config.loader import USE_CASES_FOLDER, load_use_cases
from include.distill.config.root_owner import reason_to_keep_root
from include.distill.config.run_configuration import refuse_unknown_keys
from include.distill.core.errors import NotFoundError, OutcomeError, RefusedError, ServiceError

if TYPE_CHECKING:
    from airflow.sdk import Context


class ReleaseLeftoversOperator(ExplainedTask, BaseOperator):
    """
    Release this environment's endpoints if their run has ended, or if their run is unknown and they have expired.

    Provisioned throughput comes first, because it is billed by the hour. Deployments are not billed while they are
    idle, but count against the account's quota. The task does not touch the standing endpoints of champions, nor
    endpoints that may not belong to this environment. It logs the reason for each of these endpoints. It keeps
    endpoints that a live run uses, and extends their expiry. If one endpoint cannot be released, the others are still
    released, and the next run of the DAG tries again. The task costs nothing.

    :param aws_conn_id: Airflow connection for AWS.
    :param region_name: Region to sweep.
    :param renew_hours: the new expiry of an endpoint that a live run uses is this many hours from now.
    :param use_cases: the folder of use cases. Earlier versions did not tag endpoints with the environment. The use
        cases' buckets prove that such an endpoint belongs to this environment.
    :return: ``{"released": [names], "renewed": [names], "left": int, "not_ours": int}``; ``not_ours`` is part of
        ``left``.
    :raises InputError: the run was triggered with a configuration. This DAG reads none, so nothing was changed.
    :raises UseCaseError: the variable that names this environment is not set or not valid; nothing was changed.
    :raises OutcomeError: an endpoint could not be checked or released, so it may be billed; the message names it.
    """

    ui_color = "#fce8e6"
    retries_every_error = True

    def __init__(
        self,
        *,
        aws_conn_id: str = "aws_default",
        region_name: str | None = None,
        renew_hours: float = 3,
        use_cases: Path = USE_CASES_FOLDER,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.renew_hours = renew_hours
        self.use_cases = use_cases
        self.waits_for = f"the check of all endpoints in {region_name or 'the Region of the connection'}"
        self._failed: list[tuple[EndpointKind, AnyEndpoint]] = []

    @property
    def task_to_clear(self) -> str:
        """Return the task to clear, and when to clear it."""
        return f"{self.task_id} if you do not want to wait for the next run of this DAG"

    def state_left(self, error: Exception) -> str:
        """Return what is left after an error: released endpoints are gone, and all others are unchanged."""
        return "Endpoints that were released before the error are gone. All other endpoints are unchanged."

    def billed_now(self, error: Exception) -> str:
        """Return a sentence about billing: throughput that no run uses is billed until it is released."""
        return (
            "Throughput that no run uses is billed by the hour until a run of this DAG succeeds or a person deletes it."
            " A deployment is not billed while it is idle."
        )

    def without_airflow(self, error: Exception) -> str:
        """Return how a person deletes endpoints that no run uses."""
        places = [
            f"delete {one.name} {kind.by_hand.ways(one.arn, self.region_name)}" for kind, one in self._failed
        ] or [
            f"delete each {kind.noun} that no run uses {kind.by_hand.ways('<name>', self.region_name)}"
            for kind in ENDPOINT_KINDS
        ]
        stops_billing = any(kind is not DEPLOYMENT for kind, _ in self._failed) or not self._failed
        return f"To {'stop the billing' if stops_billing else 'continue'} without Airflow, {'; '.join(places)}."

    def cost_so_far(self) -> str:
        """Return a sentence about billing: throughput that no run uses is billed until it is released."""
        return "throughput that no run uses is billed by the hour until it is released"

    def execute(self, context: Context) -> SweepManifest:
        """Check every endpoint of the Region, then release it, extend its expiry or leave it unchanged."""
        # This DAG has no parameters. A run with {"dry_run": true} would release endpoints nevertheless.
        refuse_unknown_keys(
            configuration_of(context), (), dag_id="distill_release_leftovers", state="Nothing was released."
        )
        environment = environment_name()
        check = OwnershipCheck(environment, cache(lambda: self._owned_roots(environment)))
        hook = BedrockDistillHook(self.aws_conn_id, self.region_name)
        done: dict[Action | None, list[str]] = {action: [] for action in (*Action, None)}
        reasons: list[str] = []
        for kind, endpoint in _all_endpoints(hook):
            try:
                done[self._sweep(hook, kind, endpoint, check, context)].append(endpoint.name)
            except (ServiceError, AirflowRuntimeError) as error:
                self._failed.append((kind, endpoint))
                since = f"{endpoint.created:%Y-%m-%d %H:%M} UTC"
                billed = f"created {since}" if kind is DEPLOYMENT else f"billed since {since}"
                reasons.append(f"{endpoint.arn}, {billed}: {_reason(error)}")
                self.log.warning("%s", reasons[-1])
        if reasons:
            raise OutcomeError(
                f"{len(reasons)} of the endpoints could not be checked or released: {'; '.join(reasons)}.",
                left="All other endpoints were checked.",
                billed=" ".join(dict.fromkeys(_billed(kind) for kind, _ in self._failed)),
                to_do=(
                    "The next run of this DAG tries again, so do not clear anything. If AWS refused access, correct the"
                    f" Airflow connection {self.aws_conn_id} before that."
                ),
            )
        return {
            "released": done[Action.RELEASE],
            "renewed": done[Action.RENEW],
            "left": len(done[Action.LEAVE]) + len(done[None]),
            "not_ours": len(done[None]),
        }

    def _sweep(
        self,
        hook: BedrockDistillHook,
        kind: EndpointKind,
        endpoint: AnyEndpoint,
        check: OwnershipCheck,
        context: Context,
    ) -> Action | None:
        """Handle one endpoint. Return ``None`` if it is kept because it is a standing endpoint or may not be ours."""
        try:
            tags = hook.tags(endpoint.arn)
        except NotFoundError:
            self.log.info("%s: leave, it was deleted in the meantime", endpoint.name)
            return Action.LEAVE
        not_ours = check.endpoint(
            kind.by_hand, endpoint.name, tags, lambda: hook.training_data_of_model(endpoint.model_arn)
        )
        if not_ours:
            level = logging.WARNING if not_ours.is_doubtful else logging.INFO
            self.log.log(level, "%s: leave, %s", endpoint.name, not_ours.reason)
            return None
        if endpoint.status == DELETING:
            self.log.info("%s: leave, Bedrock is deleting it", endpoint.name)
            return Action.LEAVE
        now, renew_for = datetime.datetime.now(datetime.UTC), datetime.timedelta(hours=self.renew_hours)
        decision = decide_sweep(tags, run_state=run_state(tags, context), now=now, renew_for=renew_for)
        self.log.info("%s: %s, %s", endpoint.name, decision.action.value, decision.reason)
        if decision.action is Action.RELEASE:
            kind.delete(hook, endpoint.arn)
        if decision.action is Action.RENEW:
            hook.tag(endpoint.arn, {"expires-at": (now + renew_for).strftime(TIME_FORMAT)})
        return decision.action

    def _owned_roots(self, environment: str) -> Collection[str]:
        """
        Return the storage roots that the environment certainly owns.

        Only the use cases with the connection and the Region of this task are considered.
        """
        roots = {
            Layout(use_case.storage).roots[0]: use_case
            for use_case in load_use_cases(self.use_cases).valid
            if (use_case.aws.conn_id, use_case.aws.region) == (self.aws_conn_id, self.region_name)
        }
        owned = []
        for root, use_case in roots.items():
            store = S3ObjectStore(
                BedrockDistillHook(self.aws_conn_id, self.region_name, bucket_owners=use_case.bucket_owners)
            )
            try:
                reason = reason_to_keep_root(store, root, environment)
            except RefusedError as error:  # one unreadable bucket must not stop the sweep
                reason = str(error)
            if reason:
                self.log.info("%s does not prove what this environment owns: %s", root, reason)
            else:
                owned.append(root)
        return owned


def _all_endpoints(hook: BedrockDistillHook) -> Iterator[tuple[EndpointKind, AnyEndpoint]]:
    """Yield the Region's endpoints, kind by kind. The second kind is listed only when the first has been handled."""
    for kind in ENDPOINT_KINDS:
        for endpoint in kind.list(hook):
            yield kind, endpoint


def _billed(kind: EndpointKind) -> str:
    if kind is DEPLOYMENT:
        return "The named deployments are not billed while they are idle, but count against the account's quota."
    return "The named throughput may be billed by the hour."


def _reason(error: ServiceError | AirflowRuntimeError) -> str:
    return (error.happened if isinstance(error, ServiceError) else str(error)).rstrip(".")
