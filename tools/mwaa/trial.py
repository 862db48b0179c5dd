"""
Run the pipeline once in Amazon MWAA's layout, with the versions of its image (``make mwaa-trial``).

The package is built, installed into an environment of its own, and started as MWAA starts Airflow: with the scheduler,
the dag-processor, the triggerer and the api-server. The AWS simulator takes the place of AWS. MWAA's queue (Celery on
SQS), its database and its sign-on are not tried.
"""

from __future__ import annotations

import argparse
import functools
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from include.distill.core.errors import InputError
from tools.local_airflow.account import enter_account
from tools.local_airflow.callers import CONNECTION_VARIABLES
from tools.local_airflow.commands import SIMULATED, TIMEOUT_SECONDS
from tools.local_airflow.environment import POLL_SECONDS, build_environment, load_keys
from tools.local_airflow.exit_codes import FAILED, exit_code_of
from tools.local_airflow.interruption import uninterrupted
from tools.local_airflow.lock import CheckoutLock
from tools.local_airflow.outcome import fetch_report
from tools.local_airflow.ports import reserve_ports
from tools.local_airflow.runs import explain_failure, follow_run, trigger_run, wait_for_dag
from tools.local_airflow.settings import DEFAULT_USE_CASE, LOCAL_INSTALLATION, Layout, RunRequest
from tools.mwaa.image import CONSTRAINTS, PYTHON, install_image
from tools.mwaa.installation import run_startup_script, unpack
from tools.mwaa.package import build
from tools.mwaa.trial_stack import TrialStack

# The simulated account has the stack of the environment of local runs, whose policies allow nothing to others.
SETTINGS = {
    **LOCAL_INSTALLATION,
    **CONNECTION_VARIABLES,
    "DISTILL_POLL_SECONDS": str(POLL_SECONDS),
    "DISTILL_SCHEDULES": "off",  # only the triggered run should start
}
REPORTS_PAGE = "/distill/"
say = functools.partial(print, flush=True)


def main(arguments: list[str]) -> int:
    """
    Run the trial and return the exit code.

    :return: 0 for success, 1 for a failure, 2 if nothing was started, 130 if the command was interrupted.
    """
    parser = argparse.ArgumentParser(prog="python -m tools.mwaa.trial", description=__doc__)
    parser.add_argument("--python", default=PYTHON, help="a version or a path of Python 3.12 (default: 3.12)")
    parser.add_argument("--use-case", default=DEFAULT_USE_CASE, help=f"the use case (default: {DEFAULT_USE_CASE})")
    chosen = parser.parse_args(arguments)
    request = RunRequest(use_case=chosen.use_case)
    return exit_code_of(lambda: try_package(Layout(), os.environ, chosen.python, request))


def try_package(checkout: Layout, environ: Mapping[str, str], python: str, request: RunRequest) -> int:
    """Build the package, install it, and run the DAG of one use case once."""
    layout = replace(checkout, state=checkout.state / "mwaa")
    with _open_trial(layout, checkout.lock, environ, python, request.use_case) as stack:
        say(f"{SIMULATED}\nStarting Airflow in MWAA's layout (logs: {layout.logs}) ...")
        stack.start(fresh_database=True)
        wait_for_dag(stack, request.dag_id)
        stack.api.unpause(request.dag_id)
        run_id = trigger_run(stack, request)
        finished = follow_run(stack, request.dag_id, run_id, environ=environ, timeout_seconds=TIMEOUT_SECONDS)
        if finished.state != "success":
            say(f"The run FAILED:\n{explain_failure(stack, finished)}")
            return FAILED
        verdict = fetch_report(stack, finished)["verdict"]
        problems = find_problems(stack)
    say(f"The run succeeded. Verdict: {verdict}")
    say("\n".join(problems) or "No DAG file has an import error, and the page of the reports answers.")
    return FAILED if problems else 0


def find_problems(stack: TrialStack) -> list[str]:
    """Return a sentence for each DAG file that Airflow could not load, and for a page that does not answer."""
    problems = [f"{name} has an import error:\n{trace}" for name, trace in stack.api.import_errors()]
    status = stack.api.status_of(REPORTS_PAGE)
    if status != 200:
        problems.append(f"The page {REPORTS_PAGE} of the reports answered with status {status}; expected 200.")
    return problems


@contextmanager
def _open_trial(
    layout: Layout, lock: Path, environ: Mapping[str, str], python: str, use_case: str
) -> Iterator[TrialStack]:
    """Take the checkout's lock and prepare the trial. At the end of the block, stop everything."""
    checkout_lock = CheckoutLock(lock)
    checkout_lock.acquire("make mwaa-trial")
    try:
        layout.make_private()
        package = layout.state / "package"
        if use_case not in (built := build(SETTINGS, package)).use_cases:
            known = ", ".join(built.use_cases)
            raise InputError(f"There is no use case {use_case}. Nothing was started. Choose one of: {known}.")
        say(f"Installing the packages of {CONSTRAINTS.name} for Python {python} ...")
        installation = unpack(package, layout.state, install_image(python, package, layout.state / "venv"))
        shutil.rmtree(layout.aws_simulator, ignore_errors=True)  # so that no step can use the results of an earlier run
        with reserve_ports(environ) as ports:
            base = build_environment(
                environ, layout=layout, ports=ports, keys=load_keys(layout.secrets), schedules="off"
            )
            environment = installation.environment(base, run_startup_script(package))
            enter_account(ports)
            stack = TrialStack(layout, ports, environment, installation=installation, package=package)
            try:
                yield stack
            finally:
                with uninterrupted():
                    stack.close()
    finally:
        checkout_lock.release()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
