"""Release provisioned throughput that no live run uses (the sweeper)."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowRuntimeError

from bedrock_distill.hooks.bedrock import BedrockDistillHook, Throughput
from bedrock_distill.run.state import run_state
from include.distill.cleanup.expiry import TIME_FORMAT, Action, decide_sweep
from include.distill.cleanup.records import SweepManifest
from include.distill.config.environment import environment_name
from include.distill.core.errors import OutcomeError, ServiceError

if TYPE_CHECKING:
    from airflow.sdk import Context


class ReleaseLeftoversOperator(BaseOperator):
    """
    Release this project's throughput if its run has ended, or if its run is unknown and the throughput has expired.

    The task decides by tags, and ignores throughput without this project's tag. It keeps throughput that a live run
    uses, and extends the throughput's expiry. If one throughput cannot be released, the others are still released, and
    the next run of the DAG tries again. The task costs nothing.

    :param aws_conn_id: Airflow connection for AWS.
    :param region_name: Region to sweep.
    :param renew_hours: the new expiry of throughput that a live run uses is this many hours from now.
    :return: ``{"released": [names], "renewed": [names], "left": int}``
    :raises UseCaseError: the deployment has no name; nothing was released.
    :raises OutcomeError: a throughput could not be checked or released, so it may be billed; the message names it.
    """

    ui_color = "#fce8e6"

    def __init__(
        self,
        *,
        aws_conn_id: str = "aws_default",
        region_name: str | None = None,
        renew_hours: float = 3,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.renew_hours = renew_hours

    def execute(self, context: Context) -> SweepManifest:
        """Check every throughput of the Region, then release it, extend its expiry or leave it unchanged."""
        environment_name()
        hook = BedrockDistillHook(self.aws_conn_id, self.region_name)
        done: dict[Action, list[str]] = {action: [] for action in Action}
        failed: list[str] = []
        for throughput in hook.list_throughputs():
            try:
                done[self._sweep(hook, throughput, context)].append(throughput.name)
            except (ServiceError, AirflowRuntimeError) as error:
                failed.append(f"{throughput.arn}: {error}")
        if failed:
            message = (
                f"{len(failed)} of the provisioned throughputs could not be checked or released, and may be billed by"
                f" the hour: {'; '.join(failed)}. The next run of this DAG tries again. If that run fails too, delete"
                " the throughputs in the Bedrock console."
            )
            raise OutcomeError(message)
        return {
            "released": done[Action.RELEASE],
            "renewed": done[Action.RENEW],
            "left": len(done[Action.LEAVE]),
        }

    def _sweep(self, hook: BedrockDistillHook, throughput: Throughput, context: Context) -> Action:
        tags = hook.tags(throughput.arn)
        now, renew_for = datetime.datetime.now(datetime.UTC), datetime.timedelta(hours=self.renew_hours)
        decision = decide_sweep(tags, run_state=run_state(tags, context), now=now, renew_for=renew_for)
        self.log.info("%s: %s, %s", throughput.name, decision.action.value, decision.reason)
        if decision.action is Action.RELEASE:
            hook.delete_throughput(throughput.arn)
        if decision.action is Action.RENEW:
            hook.tag(throughput.arn, {"expires-at": (now + renew_for).strftime(TIME_FORMAT)})
        return decision.action
