"""Release provisioned throughput that no live run uses (the sweeper)."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowRuntimeError

from bedrock_distill.hooks.bedrock import BedrockDistillHook, Throughput
from bedrock_distill.hooks.s3 import S3ObjectStore
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
from include.distill.core.by_hand import ByHand
from include.distill.core.errors import NotFoundError, OutcomeError, RefusedError, ServiceError

if TYPE_CHECKING:
    from airflow.sdk import Context


class ReleaseLeftoversOperator(ExplainedTask, BaseOperator):
    """
    Release this environment's throughput if its run has ended, or if its run is unknown and the throughput has expired.

    The task leaves throughput that does not certainly belong to this environment, and logs the reason. It keeps
    throughput that a live run uses, and extends the throughput's expiry. If one throughput cannot be released, the
    others are still released, and the next run of the DAG tries again. The task costs nothing.

    :param aws_conn_id: Airflow connection for AWS.
    :param region_name: Region to sweep.
    :param renew_hours: the new expiry of throughput that a live run uses is this many hours from now.
    :param use_cases: the folder of use cases. Their buckets prove what earlier versions of this environment bought.
    :return: ``{"released": [names], "renewed": [names], "left": int, "not_ours": int}``; ``not_ours`` is part of
        ``left``.
    :raises InputError: the run has a configuration, which this DAG does not read; nothing was changed.
    :raises UseCaseError: this deployment has no name; nothing was changed.
    :raises OutcomeError: a throughput could not be checked or released, so it may be billed; the message names it.
    """

    ui_color = "#fce8e6"

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
        self.waits_for = f"the check of all throughput in {region_name or 'the Region of the connection'}"
        self._failed: list[Throughput] = []

    @property
    def task_to_clear(self) -> str:
        """The task to clear."""
        return f"{self.task_id} if you do not want to wait for the next run of this DAG"

    def state_left(self, error: Exception) -> str:
        """Return that other throughput was handled."""
        return "Throughput that was released before the error is gone. All other throughput is unchanged."

    def billed_now(self, error: Exception) -> str:
        """Return that forgotten throughput may be billed."""
        return (
            "Throughput that no run uses is billed by the hour until a run of this DAG succeeds or a person deletes it."
        )

    def without_airflow(self, error: Exception) -> str:
        """Return how to delete forgotten throughput by hand."""
        places = [f"delete {one.name} {ByHand.THROUGHPUT.ways(one.arn, self.region_name)}" for one in self._failed]
        if not places:
            places = [f"delete the throughput that no run uses {ByHand.THROUGHPUT.ways('<name>', self.region_name)}"]
        return f"To stop the billing without Airflow, {'; '.join(places)}."

    def cost_so_far(self) -> str:
        """Return that forgotten throughput may be billed."""
        return "throughput that no run uses is billed by the hour until it is released"

    def execute(self, context: Context) -> SweepManifest:
        """Check every throughput of the Region, then release it, extend its expiry or leave it unchanged."""
        # This DAG has no parameters. A run with {"dry_run": true} would release throughput nevertheless.
        refuse_unknown_keys(
            configuration_of(context), (), dag_id="distill_release_leftovers", state="Nothing was released."
        )
        environment = environment_name()
        check = OwnershipCheck(environment, cache(lambda: self._owned_roots(environment)))
        hook = BedrockDistillHook(self.aws_conn_id, self.region_name)
        done: dict[Action | None, list[str]] = {action: [] for action in (*Action, None)}
        reasons: list[str] = []
        for throughput in hook.list_throughputs():
            try:
                done[self._sweep(hook, throughput, check, context)].append(throughput.name)
            except (ServiceError, AirflowRuntimeError) as error:
                self._failed.append(throughput)
                reasons.append(
                    f"{throughput.arn}, billed since {throughput.created:%Y-%m-%d %H:%M} UTC: {_reason(error)}"
                )
        if reasons:
            raise OutcomeError(
                f"{len(reasons)} of the provisioned throughputs could not be checked or released:"
                f" {'; '.join(reasons)}.",
                left="All other throughput was checked.",
                billed="The named throughputs may be billed by the hour.",
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
        self, hook: BedrockDistillHook, throughput: Throughput, check: OwnershipCheck, context: Context
    ) -> Action | None:
        """Handle one throughput. Return ``None`` if it is left because it does not certainly belong to us."""
        try:
            tags = hook.tags(throughput.arn)
        except NotFoundError:
            self.log.info("%s: leave, it was deleted in the meantime", throughput.name)
            return Action.LEAVE
        not_ours = check.throughput(throughput.name, tags, lambda: hook.training_data_of_model(throughput.model_arn))
        if not_ours:
            level = logging.WARNING if not_ours.is_doubtful else logging.INFO
            self.log.log(level, "%s: leave, %s", throughput.name, not_ours.reason)
            return None
        now, renew_for = datetime.datetime.now(datetime.UTC), datetime.timedelta(hours=self.renew_hours)
        decision = decide_sweep(tags, run_state=run_state(tags, context), now=now, renew_for=renew_for)
        self.log.info("%s: %s, %s", throughput.name, decision.action.value, decision.reason)
        if decision.action is Action.RELEASE:
            hook.delete_throughput(throughput.arn)
        if decision.action is Action.RENEW:
            hook.tag(throughput.arn, {"expires-at": (now + renew_for).strftime(TIME_FORMAT)})
        return decision.action

    def _owned_roots(self, environment: str) -> Collection[str]:
        """
        Return the roots that the environment certainly owns.

        Only roots of the use cases with this connection and Region are returned.
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


def _reason(error: ServiceError | AirflowRuntimeError) -> str:
    return (error.happened if isinstance(error, ServiceError) else str(error)).rstrip(".")
