"""
Run the pipeline once on the services of ``docker-compose.yaml``, without Docker (``make celery``).

If ``make run`` has written a report on the same rows, this run's report must agree with it, because the executor must
not affect the result.
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from include.distill.core.errors import InputError
from tools.compose.agreement import compare
from tools.compose.session import open_installation
from tools.compose.stack import COPIES, ComposeStack
from tools.compose.variables import new_variables
from tools.local_airflow.account import read_ledger, standing_endpoints
from tools.local_airflow.commands import SIMULATED, TIMEOUT_SECONDS
from tools.local_airflow.exit_codes import FAILED, exit_code_of
from tools.local_airflow.outcome import describe_outcome, fetch_promotion, fetch_report
from tools.local_airflow.progress import clock
from tools.local_airflow.rejections import copy_rejections, describe_files, describe_rejections
from tools.local_airflow.runs import explain_failure, follow_run, trigger_run, wait_for_dag
from tools.local_airflow.settings import Layout, RunRequest, read_request
from tools.local_airflow.stack import airflow_version

say = functools.partial(print, flush=True)


def main(arguments: list[str]) -> int:
    """
    Run the pipeline once in a new installation and return the exit code.

    :return: 0 for success, 1 for a failure or a report that does not agree with that of ``make run``, 2 if nothing was
        started, 130 if the command was interrupted.
    """
    parser = argparse.ArgumentParser(prog="python -m tools.compose", description=__doc__)
    parser.add_argument("--state", type=Path, default=Layout.state, help="state folder (default: .local)")
    checkout = Layout(state=parser.parse_args(arguments).state.resolve())
    return exit_code_of(lambda: run(checkout, os.environ))


def run(checkout: Layout, environ: Mapping[str, str]) -> int:
    """Start an installation, run the DAG once, print the outcome, and compare the report with that of ``make run``."""
    request = read_request(environ, working_folder=Path.cwd(), use_cases=checkout.use_cases)
    if outside := request.input_roots(checkout.project):
        raise InputError(
            f"`make celery` can read local CSV files only from include/, not from {outside[0]}. Nothing was started."
            " Copy the file into include/."
        )
    layout = replace(checkout, state=checkout.state / "celery")
    variables = new_variables()
    with open_installation(layout, checkout.lock, variables, say) as stack:
        _introduce(request, layout)
        stack.start()
        stack.api.sign_in(variables["ADMIN_USER"], variables["ADMIN_PASSWORD"])
        wait_for_dag(stack, request.dag_id)
        report, text = _run_once(stack, request, environ)
        say("Stopping ...")
    say(f"\n{text}")
    if report is None:
        return FAILED
    agrees, text = compare(report, checkout.report / "report.json")
    say(f"\n{text}")
    return 0 if agrees else FAILED


def _introduce(request: RunRequest, layout: Layout) -> None:
    say(SIMULATED)
    say(
        "The services of docker-compose.yaml run as processes on this machine, without Docker: "
        f"Airflow {airflow_version()} with CeleryExecutor, {COPIES['worker']} workers, PostgreSQL and Redis."
    )
    say(f"Use case {request.use_case}. {request.described}")
    say(f"Starting (logs: {layout.logs}) ...")


def _run_once(
    stack: ComposeStack, request: RunRequest, environ: Mapping[str, str]
) -> tuple[dict[str, Any] | None, str]:
    """Trigger the DAG and show the run's progress. Return the report (None if the run failed) and the text to print."""
    started = time.monotonic()
    before = read_ledger(stack.ports.simulator_url)
    stack.api.unpause(request.dag_id)  # all DAGs of a new installation are paused
    run_id = trigger_run(stack, request)
    say(f"Run {run_id} of DAG {request.dag_id}:")
    finished = follow_run(stack, request.dag_id, run_id, environ=environ, timeout_seconds=TIMEOUT_SECONDS)
    duration = clock(time.monotonic() - started)
    rejections = copy_rejections(stack, finished)
    if finished.state != "success":
        failure = "\n\n".join(filter(None, [explain_failure(stack, finished), describe_rejections(rejections)]))
        return None, f"The run FAILED after {duration}:\n{failure}"
    report = fetch_report(stack, finished)
    after = read_ledger(stack.ports.simulator_url)
    promoted, standing = fetch_promotion(stack, finished), standing_endpoints(after)
    outcome = describe_outcome(report, before, after, stack.layout.report, promoted=promoted, standing=standing)
    copies = "".join(f"\n{line}" for line in describe_files(rejections))
    return report, f"The run succeeded in {duration}.\n\n{outcome}{copies}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
