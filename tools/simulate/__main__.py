"""Simulate crashes of the pipeline in one process: ``make simulate SIMULATE="--quick --seed 1"``."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from include.distill.core.paths import PROJECT_ROOT
from tools.simulate.environment import prepare

RESULT = PROJECT_ROOT / ".local" / "simulate.json"
REPLAYS = PROJECT_ROOT / "tests" / "replays"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the simulation, write ``.local/simulate.json``, and return the exit code."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="simulate-") as folder:
        prepare(Path(folder))
        # This module imports Airflow and the plugins, which need the prepared environment.
        from tools.simulate.session import Options, simulate

        result = simulate(
            Options(options.quick, options.seed, options.part, options.drawn), Path(folder) / "use_cases", REPLAYS
        )
        if options.fuzz:
            from tools.fuzz.session import fuzz

            result["fuzz"] = fuzz(options.fuzz, options.seed, lambda line: sys.stdout.write(f"{line}\n"))
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(summary(result))
    return 0 if is_good(result) else 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="stop after about ten minutes")
    parser.add_argument("--seed", type=int, default=1, help="decides the order and the drawn schedules")
    parser.add_argument("--part", default="1/1", help="run the share i/n of the schedules with one fault")
    parser.add_argument("--drawn", type=int, default=0, help="how many schedules of two or three faults to draw")
    parser.add_argument("--fuzz", type=int, default=10_000, help="how many mutated inputs to read; 0 for none")
    return parser.parse_args(arguments)


def is_good(result: Mapping[str, Any]) -> bool:
    """Return whether nothing failed, everything was reached, and every removed mechanism was noticed."""
    missed = [one for one in result["scoreboard"] if one["caught_after"] is None]
    return not (result["failures"] or result["unreached"] or missed or result.get("fuzz", {}).get("failures"))


def summary(result: Mapping[str, Any]) -> str:
    """Return the result as text."""
    lines = [f"{result['schedules']} schedules in {result['seconds']} s: {result['failures']} failures."]
    for one in result["scoreboard"]:
        after = one["caught_after"]
        noticed = "never noticed" if after is None else f"noticed after {after} schedules"
        lines.append(f"Without the mechanism '{one['mechanism']}': {noticed}.")
    if result["unreached"]:
        lines.append(f"Never reached: {', '.join(result['unreached'])}.")
    if fuzzed := result.get("fuzz"):
        lines.append(f"{fuzzed['inputs']:,} mutated inputs in {fuzzed['seconds']} s: {fuzzed['failures']} failures.")
    return "\n".join([*lines, f"The result is in {RESULT}.", ""])


if __name__ == "__main__":
    sys.exit(main())
