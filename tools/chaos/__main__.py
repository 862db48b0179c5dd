"""
Run the crash table: ``python -m tools.chaos``.

The command prints the table, writes it to ``.local/chaos.json``, and exits with 1 when any case is not as expected.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from include.distill.core.paths import PROJECT_ROOT
from tools.chaos.batches import batches
from tools.chaos.calibration import calibration_cases, settings
from tools.chaos.distillation import distillation
from tools.chaos.evaluations import evaluations
from tools.chaos.expected import LEFT_OUT, compute
from tools.chaos.matrix import IMPOSSIBLE, matrix
from tools.chaos.on_demand import on_demand
from tools.chaos.optimizations import optimizations
from tools.chaos.promotions import promotions
from tools.chaos.provider import as_markdown, measure, prepare_provider, provider_cases
from tools.chaos.random_promotions import random_promotions
from tools.chaos.random_schedules import DisturbedRun, draw_schedules, run_schedules, write_use_cases
from tools.chaos.rollbacks import rollbacks
from tools.chaos.runner import HEADER, LANES, Table, prepare, read_rows, run_cases, say, verdict, write_result
from tools.chaos.scenarios import scenarios
from tools.chaos.stack import Stack
from tools.chaos.trial import Case
from tools.local_airflow.interruption import Interrupted, interruptible, uninterrupted
from tools.local_airflow.settings import Layout

LOCAL = PROJECT_ROOT / ".local"
WALKS = 30
WALK_LANES = 4
FAST = (
    "response not recorded, then response lost / task retry",
    "net: on_kill alone, waiting for the endpoint",
    "net: on_kill alone, waiting for the job",
    "net: teardown alone, waiting task marked failed",
)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.chaos", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="run only the cases whose names contain NAME; - selects no case"
    )
    parser.add_argument("--fast", action="store_true", help="run only a few cases, which together take a few minutes")
    parser.add_argument(
        "--list", action="store_true", help="list the cases, and the reasons why other cases are impossible"
    )
    parser.add_argument(
        "--walks",
        type=int,
        metavar="N",
        help="number of runs with random kills (default: 30; with --only or --fast: 0)",
    )
    parser.add_argument("--seed", type=int, default=20_251_122, help="seed of the random kills, and of --calibrate")
    parser.add_argument(
        "--calibrate",
        type=int,
        metavar="N",
        help="run only N schedules of make simulate, and compare their ends with the simulated ones",
    )
    parser.add_argument(
        "--pace", type=float, default=1.0, help="with --calibrate: how many times longer jobs take on a busy machine"
    )
    parser.add_argument("--lanes", type=int, default=LANES, help="number of cases that run at the same time")
    parser.add_argument("--state", type=Path, default=LOCAL / "chaos", help="folder for logs and state")
    parser.add_argument("--out", type=Path, default=LOCAL / "chaos.json", help="file to which the table is written")
    parser.add_argument("--provider", action="store_true", help="measure the amazon provider's operators, not ours")
    parser.add_argument("--markdown", action="store_true", help="with --provider: print the table for the docs")
    options = parser.parse_args(arguments)
    if options.walks is None:
        options.walks = 0 if options.only or options.fast or options.calibrate else WALKS
    for text in options.only or ():
        if text != "-" and not any(text in case.name for case in all_cases()):
            parser.error(f"no case has a name that contains {text!r}. Nothing was started. --list prints the names")
    return options


def all_cases() -> list[Case]:
    """Return the cases of the whole table, without the random schedules."""
    jobs = [*batches(), *distillation(), *evaluations(), *optimizations()]
    return [*matrix(), *scenarios(), *jobs, *on_demand(), *promotions(), *rollbacks()]


def chosen(options: argparse.Namespace) -> list[Case]:
    """Return the cases that the command's options select; without options, all cases."""
    if options.calibrate:
        say(f"Simulating {options.calibrate} schedules with seed {options.seed} ...")
        return calibration_cases(compute(options.calibrate, options.seed), options.pace)
    cases = all_cases()
    if options.fast:
        return [case for case in cases if case.name in FAST]
    if options.only == ["-"]:
        return []
    if options.only:
        return [case for case in cases if any(text in case.name for text in options.only)]
    return cases


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the table and return the exit code: 0 when every row is as expected."""
    options = parse(arguments)
    cases = chosen(options)
    if options.list:
        say("\n".join(case.name for case in cases))
        say("\n".join(f"left out: {name}: {why}" for name, why in IMPOSSIBLE.items()))
        return 0
    if options.state.is_relative_to(LOCAL):
        Layout(state=LOCAL).make_private()
    began, table = time.monotonic(), Table()
    # The first run has no kills. The other runs are compared with it.
    runs = [DisturbedRun("w00", []), *draw_schedules(options.walks, options.seed)] if options.walks else []
    stack = Stack(options.state.resolve(), lanes=min(WALK_LANES, len(runs)), is_patient=bool(options.calibrate))
    try:
        with interruptible():
            if options.provider:
                return _measure_provider(stack, options)
            _run(stack, cases, runs, table, options)
    except Interrupted:
        say("Interrupted. Everything that was started is being stopped. No result was written.")
        return 130
    finally:
        with uninterrupted():
            stack.close()
    minutes = round((time.monotonic() - began) / 60, 1)
    left_out = LEFT_OUT if options.calibrate else IMPOSSIBLE
    write_result(options.out, table.rows, left_out=left_out, minutes=minutes, seed=options.seed)
    say(verdict(table.rows, began))
    return 0 if table.rows and all(row.ok for row in table.rows) else 1


def _run(stack: Stack, cases: list[Case], runs: list[DisturbedRun], table: Table, options: argparse.Namespace) -> None:
    folder = stack.layout.use_cases
    disturbed = random_promotions(options.walks, options.seed)
    prepared = prepare([*cases, *disturbed], folder)
    write_use_cases(folder, runs, len(stack.lanes))
    prepare_provider([], folder)  # Airflow also loads the provider's DAG file, which reads these settings
    say(f"Starting the AWS simulator and Airflow (logs: {stack.layout.logs}) ...")
    stack.start(len(prepared) + len(runs))
    if options.calibrate:
        stack.account.change_settings(**settings(options.pace))
    schedules = f"{options.walks} random schedules and {len(disturbed)} random promotions with seed {options.seed}"
    say(f"{len(cases)} cases, {schedules}\n{HEADER}")
    run_cases(stack, prepared[: len(cases)], table, lanes=options.lanes)
    if runs:
        run_schedules(stack, runs, prepared[len(cases) :], table)


def _measure_provider(stack: Stack, options: argparse.Namespace) -> int:
    cases = prepare_provider(provider_cases(), stack.layout.use_cases)
    stack.start(len(cases))
    measured = measure(stack, cases, options.lanes)
    say(as_markdown(measured, read_rows(options.out)) if options.markdown else f"{len(measured)} cases measured.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
