"""``python -m tools.chaos``: the crash table. Prints it, writes ``.local/chaos.json``, fails on any breach."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tools.chaos.batches import batches
from tools.chaos.matrix import IMPOSSIBLE, matrix
from tools.chaos.provider import as_markdown, measure, prepare_provider, provider_cases
from tools.chaos.runner import HEADER, LANES, Table, prepare, read_rows, run_cases, say, verdict, write_result
from tools.chaos.scenarios import scenarios
from tools.chaos.trial import Case
from tools.chaos.walks import Walk, plan, run_walks, write_walks
from tools.chaos.world import World
from tools.local_airflow.interruption import Interrupted, interruptible, uninterrupted
from tools.local_airflow.settings import PROJECT

WALKS = 30
WALK_LANES = 4
FAST = (
    "answered, not recorded, then answer lost / task retry",
    "net: on_kill alone, waiting for the endpoint",
    "net: on_kill alone, waiting for the job",
    "net: teardown alone, waiting task marked failed",
)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.chaos", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="cases whose names contain one of these; - for none")
    parser.add_argument("--fast", action="store_true", help="a subset that takes less than three minutes")
    parser.add_argument("--list", action="store_true", help="name the cases and those that are impossible")
    parser.add_argument("--walks", type=int, metavar="N", help="random walks (30; with --only or --fast 0)")
    parser.add_argument("--seed", type=int, default=20_251_122, help="of the random walks")
    parser.add_argument("--lanes", type=int, default=LANES, help="cases at a time")
    parser.add_argument("--state", type=Path, default=PROJECT / ".local" / "chaos", help="folder of this run")
    parser.add_argument("--out", type=Path, default=PROJECT / ".local" / "chaos.json")
    parser.add_argument("--provider", action="store_true", help="measure the amazon provider's operators instead")
    parser.add_argument("--markdown", action="store_true", help="with --provider: print the table for the docs")
    options = parser.parse_args(arguments)
    if options.walks is None:
        options.walks = 0 if options.only or options.fast else WALKS
    return options


def chosen(options: argparse.Namespace) -> list[Case]:
    """Return the cases that were asked for."""
    cases = [*matrix(), *scenarios(), *batches()]
    if options.fast:
        return [case for case in cases if case.name in FAST]
    if options.only == ["-"]:
        return []
    if options.only:
        return [case for case in cases if any(text in case.name for text in options.only)]
    return cases


def main(arguments: list[str] | None = None) -> int:
    """Run the table and return the exit code."""
    options = _parse(arguments)
    cases = chosen(options)
    if options.list:
        say("\n".join(case.name for case in cases))
        say("\n".join(f"left out: {name}: {why}" for name, why in IMPOSSIBLE.items()))
        return 0
    began, table = time.monotonic(), Table()
    walks = [Walk("w00", []), *plan(options.walks, options.seed)] if options.walks else []
    world = World(options.state.resolve(), lanes=min(WALK_LANES, len(walks)))
    try:
        with interruptible():
            if options.provider:
                return _measure_provider(world, options)
            _run(world, cases, walks, table, options)
    except Interrupted:
        say("Interrupted: nothing is written.")
        return 130
    finally:
        with uninterrupted():
            world.close()
    minutes = round((time.monotonic() - began) / 60, 1)
    write_result(options.out, table.rows, left_out=IMPOSSIBLE, minutes=minutes, seed=options.seed)
    say(verdict(table.rows, began))
    return 0 if table.rows and all(row.ok for row in table.rows) else 1


def _run(world: World, cases: list[Case], walks: list[Walk], table: Table, options: argparse.Namespace) -> None:
    prepared = prepare(cases, world.layout.use_cases)
    write_walks(world.layout.use_cases, walks, len(world.lanes))
    prepare_provider([], world.layout.use_cases)
    say(f"Starting the AWS simulator and Airflow (logs: {world.layout.logs}) ...")
    world.start(len(prepared) + len(walks))
    say(f"{len(cases)} cases and {options.walks} random walks of seed {options.seed}\n{HEADER}")
    run_cases(world, prepared, table, lanes=options.lanes)
    if walks:
        run_walks(world, walks, table)


def _measure_provider(world: World, options: argparse.Namespace) -> int:
    cases = prepare_provider(provider_cases(), world.layout.use_cases)
    world.start(len(cases))
    measured = measure(world, cases, options.lanes)
    say(as_markdown(measured, read_rows(options.out)) if options.markdown else f"{len(measured)} cases measured.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
