"""Carry out ``make run``, and provide the steps that ``make up`` also needs: read the request and follow a run."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from include.distill.core.errors import InputError
from tools.local_airflow.access import keep_access
from tools.local_airflow.account import give_back_endpoints, read_ledger, standing_endpoints
from tools.local_airflow.exit_codes import FAILED
from tools.local_airflow.outcome import describe_outcome, fetch_promotion, fetch_report
from tools.local_airflow.ports import explain_ports
from tools.local_airflow.progress import clock
from tools.local_airflow.rejections import copy_rejections, describe_files, describe_rejections
from tools.local_airflow.runs import explain_failure, follow_run, trigger_run, wait_for_dag
from tools.local_airflow.session import open_session
from tools.local_airflow.settings import LOCAL_INSTALLATION, read_request
from tools.local_airflow.stack import airflow_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tools.local_airflow.ports import Ports
    from tools.local_airflow.runs import RunningStack
    from tools.local_airflow.settings import Layout, RunRequest
    from tools.local_airflow.stack import LocalStack

TIMEOUT_SECONDS = 1800
# Parts of the messages about a model that the account does not have, because of its day.
RETIRED_MODEL, UNKNOWN_MODEL = "Bedrock retired model", "The provided model identifier is invalid"
SIMULATED = (
    "SIMULATED: the AWS simulator on this machine takes the place of AWS. No account is used, and\n"
    "nobody is billed. Amounts in US dollars are what AWS would charge."
)


def run(layout: Layout, environ: Mapping[str, str]) -> int:
    """
    Run the DAG of one use case once in an empty Airflow, print the result, and leave nothing running.

    If the use case names human workers, the labeling DAG then asks them, and simulated workers answer.
    """
    request = requested(layout, environ)
    timeout_seconds = read_timeout(environ)
    roots = request.input_roots(layout.project)
    with open_session(layout, environ, input_roots=roots, command="make run", schedules="off") as session:
        introduce(layout, request)
        began = time.monotonic()
        session.stack.start(fresh_database=True)
        wait_for_dag(session.stack, request.dag_id)
        print(f"Ready after {clock(time.monotonic() - began)}. {where_the_ui_is(session.stack.ports, environ)}")
        print("The UI can be used until the run has ended. Then everything is stopped.", flush=True)
        succeeded, text = run_once(session.stack, request, environ, timeout_seconds)
        if succeeded:
            succeeded, labels = label_if_asked(session.stack, request, environ, timeout_seconds)
            text = "\n\n".join(filter(None, [text, labels]))
        print("Stopping ...", flush=True)
    print(f"\n{text}")
    if not succeeded:
        day = f" AS_OF={layout.as_of}" if layout.as_of else ""
        print(f"\nTo see the failed run in Airflow's UI, run `make up{day}`. This also starts a new run.")
    return 0 if succeeded else FAILED


def label_if_asked(
    stack: LocalStack, request: RunRequest, environ: Mapping[str, str], timeout_seconds: float
) -> tuple[bool, str]:
    """Let simulated workers label the run if its use case names human workers. Return success and the text to print."""
    # make clean runs without the libraries that this module needs
    from tools.local_airflow.labeling import asks_workers, label_with_simulated_workers

    use_case = asks_workers(stack.layout.use_case_file(request.use_case), stack.environment)
    if use_case is None:
        return True, ""
    return label_with_simulated_workers(stack, use_case, environ, timeout_seconds)


def let_workers_read(layout: Layout) -> None:
    """Let the page of human workers read the buckets of the use cases that name workers."""
    # make clean runs without the libraries that this module needs
    from tools.local_airflow.labeling import open_worker_portals

    open_worker_portals(layout.all_use_cases)


def requested(layout: Layout, environ: Mapping[str, str]) -> RunRequest:
    """Read the requested run. Paths are relative to the working folder."""
    return read_request(
        environ, working_folder=Path.cwd(), use_cases=layout.use_cases, past_use_cases=layout.past_use_cases
    )


def read_timeout(environ: Mapping[str, str]) -> float:
    """
    Read how long a run may take, in seconds.

    :raises InputError: the value is not a whole number above 0.
    """
    text = environ.get("DISTILL_TIMEOUT_SECONDS") or str(TIMEOUT_SECONDS)
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise InputError(
            f"DISTILL_TIMEOUT_SECONDS={text!r} must be a whole number of seconds above 0. Nothing was started. "
            "Correct the value or do not set the variable."
        )
    return float(text)


def where_the_ui_is(ports: Ports, environ: Mapping[str, str]) -> str:
    """Return the address of Airflow's UI, and a remark if a default port was taken."""
    return "\n".join(filter(None, [f"Airflow's UI is at {ports.ui_url}", explain_ports(ports, environ)]))


def introduce(layout: Layout, request: RunRequest) -> None:
    """Print what is about to be started."""
    print(SIMULATED)
    if layout.as_of:
        print(describe_day(layout))
    print(f"Use case {request.use_case}. {request.described}")
    print(f"Starting the AWS simulator and Airflow {airflow_version()} (logs: {layout.logs}) ...", flush=True)


def describe_day(layout: Layout) -> str:
    """Say which day the simulated account has, and where its state is."""
    exists = layout.aws_simulator.exists()
    kept = "The account of that day already exists and is used again" if exists else "The account of that day is new"
    return (
        f"As of {layout.as_of}, SIMULATED: the account has the models, operations and features of that day. Clocks are"
        f" real, and\nprices are those of include/prices.yaml. {kept} ({layout.aws_simulator}).\n"
        "Accounts of other days are not touched: each has its own models, paid answers and runs."
    )


def about_the_day(layout: Layout, dag_id: str, failure: str) -> str:
    """
    Say what ``AS_OF`` has to do with a failure: a model is retired, or was not released yet. Otherwise return "".

    :param failure: the text that explains the failure.
    """
    if layout.as_of and UNKNOWN_MODEL in failure:
        return f"The simulated account is as of {layout.as_of}, so models that were released later do not exist in it."
    if layout.as_of or RETIRED_MODEL not in failure:
        return ""
    day = _published_day(layout, dag_id.removeprefix("distill_"))
    example = f", such as AS_OF={day}" if day else ""
    return (
        "To run this use case on the simulated account of a day on which its models existed, set AS_OF to this day"
        f"{example}. Only the simulated account can go back to another day."
    )


def _published_day(layout: Layout, use_case: str) -> str | None:
    """Return the day of the publication that a use case repeats; None if it repeats none."""
    from include.distill.config.loader import load_use_case
    from include.distill.config.published import load_published

    published = load_use_case(layout.use_case_file(use_case), LOCAL_INSTALLATION).published
    return load_published(published).published.isoformat() if published else None


def run_once(
    stack: RunningStack, request: RunRequest, environ: Mapping[str, str], timeout_seconds: float, *, alone: bool = True
) -> tuple[bool, str]:
    """
    Trigger the DAG and show its progress. Return whether the run succeeded, and the text to print.

    :param alone: True if no other run is in progress. Endpoints that an interrupted run left are then deleted first.
        If False, they are kept, because the other run may still need them.
    """
    for name in give_back_endpoints(stack.ports.simulator_url) if alone else ():
        print(f"Deleted the simulated endpoint {name}, which an interrupted run had left behind.")
    return follow_to_the_end(stack, request.dag_id, trigger_run(stack, request), environ, timeout_seconds)


def follow_to_the_end(
    stack: RunningStack, dag_id: str, run_id: str, environ: Mapping[str, str], timeout_seconds: float
) -> tuple[bool, str]:
    """Show the progress of a run. Return whether the run succeeded, and the text to print."""
    before = read_ledger(stack.ports.simulator_url)
    print(f"Run {run_id} of DAG {dag_id}:", flush=True)
    run = follow_run(stack, dag_id, run_id, environ=environ, timeout_seconds=timeout_seconds)
    rejections = copy_rejections(stack, run)
    refusals = keep_access(stack.ports.simulator_url, stack.layout.access)
    if run.state != "success":
        explained = explain_failure(stack, run)
        parts = [explained, about_the_day(stack.layout, dag_id, explained), describe_rejections(rejections), refusals]
        failure = "\n\n".join(filter(None, parts))
        return False, f"The run FAILED after {clock(run.seconds)}:\n{failure}"
    let_workers_read(stack.layout)
    report = fetch_report(stack, run)
    after = read_ledger(stack.ports.simulator_url)
    promoted, standing = fetch_promotion(stack, run), standing_endpoints(after)
    text = describe_outcome(report, before, after, stack.layout.report, promoted=promoted, standing=standing)
    copies = "".join(f"\n{line}" for line in describe_files(rejections))
    refused = f"\n\n{refusals}" if refusals else ""
    return True, f"The run succeeded in {clock(run.seconds)}.\n\n{text}{copies}{refused}"
