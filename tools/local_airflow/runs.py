"""Run a DAG once in a local stack: wait until it is loaded, trigger it, show its progress, and explain a failure."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from tools.local_airflow.airflow_api import FINISHED_RUN_STATES, AirflowApiError
from tools.local_airflow.display import open_display
from tools.local_airflow.failures import describe_failures, find_failures
from tools.local_airflow.processes import NotReadyError, wait_until
from tools.local_airflow.progress import summarize
from tools.local_airflow.questions import AskingStack, Questions
from tools.local_airflow.settings import asks_person

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tools.local_airflow.settings import RunRequest

DAG_SECONDS = 120.0
PARSING_SECONDS = 10.0  # the import error of one file may be known before the DAG of another file is loaded
POLL_SECONDS = 1.0
API_RESTART_SECONDS = 420.0  # an api-server that hangs is restarted after 240 s, and starts slowly on a busy machine


class RunningStack(AskingStack, Protocol):
    """A stack that is ready, whichever process started it."""

    def check(self) -> list[str]:
        """Return a sentence for each component that was restarted; raise an error if the stack cannot continue."""


@dataclass(frozen=True)
class FollowedRun:
    """A run whose progress was shown until it ended."""

    dag_id: str
    run_id: str
    state: str
    seconds: float


def wait_for_dag(stack: RunningStack, dag_id: str) -> None:
    """
    Wait until Airflow has loaded the DAG.

    :raises NotReadyError: Airflow did not load the DAG. If there were import errors, the message shows them.
    """
    first_error_at: float | None = None

    def is_decided() -> bool:
        nonlocal first_error_at
        if stack.api.find_dag(dag_id) is not None:
            return True
        if first_error_at is None and stack.api.import_errors():
            first_error_at = time.monotonic()
        return first_error_at is not None and time.monotonic() - first_error_at > PARSING_SECONDS

    def check() -> None:
        for note in stack.check():
            print(note, flush=True)

    log = stack.layout.log_of("dag-processor")
    wait_until(is_decided, f"the DAG {dag_id} (log: {log})", DAG_SECONDS, check=check)
    if stack.api.find_dag(dag_id) is None:
        errors = "\n".join(f"{name}:\n{trace.rstrip()}" for name, trace in stack.api.import_errors())
        raise NotReadyError(
            f"Airflow could not load the DAG {dag_id}, so no run was started. Its import errors:\n{errors}"
        )


def trigger_run(stack: RunningStack, request: RunRequest) -> str:
    """Trigger the use case's DAG and return the run's id."""
    return trigger_dag(stack, request.dag_id, request.conf)


def trigger_dag(stack: RunningStack, dag_id: str, conf: Mapping[str, Any]) -> str:
    """Trigger a DAG and return the run's id."""
    now = datetime.now(UTC)
    run_id = f"local__{now:%Y%m%dT%H%M%S}"
    stack.api.trigger(dag_id, run_id, logical_date=now.isoformat(), conf=conf)
    return run_id


def follow_run(
    stack: RunningStack,
    dag_id: str,
    run_id: str,
    *,
    environ: Mapping[str, str],
    timeout_seconds: float,
    meanwhile: Callable[[list[dict[str, Any]]], list[str]] = lambda instances: [],
) -> FollowedRun:
    """
    Show a run's progress on standard output until it has ended, and answer its questions as ``APPROVE`` says.

    The API may be restarted meanwhile. While the run waits for a person, the time does not count towards the timeout.

    :param meanwhile: is called with the run's task instances after each look at the run, and returns lines to show.
    :raises ComponentDiedError: a process of the stack died, and a restart did not help.
    :raises NotReadyError: the run takes longer than the timeout.
    """
    order = stack.api.task_ids(dag_id)
    display = open_display(sys.stdout, environ)
    questions = Questions(stack, dag_id, run_id, asks_person=asks_person(environ))
    elapsed = waited = 0.0
    began = last_answer = time.monotonic()
    state = "queued"
    try:
        while True:
            before, elapsed = elapsed, time.monotonic() - began
            try:
                state = stack.api.run_state(dag_id, run_id)
                instances = stack.api.task_instances(dag_id, run_id)
                display.show(summarize(instances, order, datetime.now(UTC)), elapsed)
                for note in [*questions.look(instances), *meanwhile(instances)]:
                    display.note(note)
                waited += elapsed - before if questions.is_waiting(instances) else 0.0
                last_answer = time.monotonic()
            except AirflowApiError as error:
                if not error.is_temporary or time.monotonic() - last_answer > API_RESTART_SECONDS:
                    raise
            if state in FINISHED_RUN_STATES:
                return FollowedRun(dag_id, run_id, state, elapsed)
            for note in stack.check():
                display.note(note)
            if elapsed - waited > timeout_seconds:
                raise NotReadyError(
                    f"The run {run_id} was still {state} after {timeout_seconds:.0f} s, so the command ends here. "
                    f"Logs: {stack.layout.task_logs}. Set DISTILL_TIMEOUT_SECONDS to give the run more time."
                )
            time.sleep(POLL_SECONDS)
    finally:
        display.close()


def explain_failure(stack: RunningStack, run: FollowedRun) -> str:
    """Describe which tasks failed, why, and where their logs are."""
    instances = stack.api.task_instances(run.dag_id, run.run_id)
    failures = find_failures(instances, stack.api.task_ids(run.dag_id), stack.layout.task_logs)
    if not failures:
        return f"  The run failed, but none of its tasks did. Read {stack.layout.log_of('scheduler')}"
    return describe_failures(failures, stack.layout.log_of("scheduler"))
