"""Stop the jobs of human workers that labeling runs left running after a person marked them as failed."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowRuntimeError

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.run.configuration import configuration_of
from bedrock_distill.run.explained_task import ExplainedTask
from include.distill.cleanup.records import StoppedWorkersManifest
from include.distill.cleanup.tag_values import from_tags
from include.distill.config.environment import environment_name
from include.distill.config.loader import USE_CASES_FOLDER, load_use_cases
from include.distill.config.run_configuration import refuse_unknown_keys
from include.distill.core.by_hand import ByHand
from include.distill.core.errors import OutcomeError, ServiceError

if TYPE_CHECKING:
    from airflow.sdk import Context


class StopForgottenWorkersOperator(ExplainedTask, BaseOperator):
    """
    Stop the jobs of human workers whose labeling run has ended after a person marked its tasks as failed.

    The tasks of the labeling run normally stop such a job. They cannot if a person marks the whole run as failed while
    no triggerer is running. A job whose wait only timed out is not stopped, because the workers can still answer. The
    log gives the reason for each job that is left. This task buys nothing.

    :param aws_conn_id: Airflow connection for AWS.
    :param region_name: Region of the jobs.
    :param use_cases: the folder of use cases, whose settings ``evaluations.human`` are used.
    :return: ``{"stopped": [names], "left": int}``
    :raises InputError: the run was triggered with a configuration. This DAG reads none, so nothing was changed.
    :raises UseCaseError: the variable that names this environment is not set or not valid; nothing was changed.
    :raises OutcomeError: a job could not be checked or stopped, so it may be billed; the message names it.
    """

    ui_color = "#fce8e6"
    retries_every_error = True

    def __init__(
        self,
        *,
        aws_conn_id: str = "aws_default",
        region_name: str | None = None,
        use_cases: Path = USE_CASES_FOLDER,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.use_cases = use_cases
        self.waits_for = f"the check of the jobs of human workers in {region_name or 'the Region of the connection'}"

    @property
    def task_to_clear(self) -> str:
        """Return the task to clear, and when to clear it."""
        return f"{self.task_id} if you do not want to wait for the next run of this DAG"

    def state_left(self, error: Exception) -> str:
        """Return what is left after an error: stopped jobs have ended, and all others are unchanged."""
        return "Jobs that were stopped before the error stay stopped. All other jobs are unchanged."

    def billed_now(self, error: Exception) -> str:
        """Return a sentence about billing: the answers in a job that no run needs."""
        return "Each answer of a human worker in a running job."

    def cost_so_far(self) -> str:
        """Return a sentence about billing: the answers in a job that no run needs."""
        return "each answer of a human worker in a running job"

    def execute(self, context: Context) -> StoppedWorkersManifest:
        """Check every running job of human workers in the Region, then stop it or leave it unchanged."""
        from bedrock_distill.lifecycle.forgotten_workers import running_worker_jobs, stop_if_forgotten

        refuse_unknown_keys(
            configuration_of(context), (), dag_id="distill_release_leftovers", state="Nothing was stopped."
        )
        environment = environment_name()
        use_cases = {use_case.name: use_case for use_case in load_use_cases(self.use_cases).valid}
        hook = BedrockDistillHook(self.aws_conn_id, self.region_name)
        done: StoppedWorkersManifest = {"stopped": [], "left": 0}
        failed: dict[str, str] = {}
        for job in running_worker_jobs(hook, environment):
            try:
                use_case = use_cases.get(from_tags(job.tags, "use-case") or "")
                stopped, message = stop_if_forgotten(hook, job, use_case, context)
            except (ServiceError, AirflowRuntimeError) as error:
                happened = error.happened if isinstance(error, ServiceError) else str(error)
                failed[job.arn] = happened.rstrip(".")
                self.log.warning("%s: %s", job.arn, happened)
                continue
            self.log.log(logging.WARNING if stopped else logging.INFO, "%s", message)
            if stopped:
                done["stopped"].append(job.name)
            else:
                done["left"] += 1
        if failed:
            raise self._failure(failed)
        return done

    def _failure(self, failed: dict[str, str]) -> OutcomeError:
        reasons = "; ".join(f"{arn}: {happened}" for arn, happened in failed.items())
        by_hand = "; ".join(f"stop {arn} {ByHand.EVALUATION_JOB.ways(arn, self.region_name)}" for arn in failed)
        return OutcomeError(
            f"{len(failed)} of the jobs of human workers could not be checked or stopped: {reasons}.",
            left="All other jobs were checked.",
            to_do=(
                "The next run of this DAG tries again, so do not clear anything. If AWS refused access, correct the"
                f" Airflow connection {self.aws_conn_id} before that. To stop the billing without Airflow, {by_hand}."
            ),
        )
