"""Fuzz the readers of inputs: ``make fuzz FUZZ="--inputs 1000000 --only csv"``."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
from collections.abc import Sequence

from include.distill.core.paths import PROJECT_ROOT


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the targets, print what they did, and return the exit code."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="fuzz-airflow-") as folder:
        os.environ |= {"AIRFLOW_HOME": folder, "AWS_EC2_METADATA_DISABLED": "true"}
        sys.path.insert(0, str(PROJECT_ROOT / "plugins"))
        logging.disable(logging.CRITICAL)
        # This module imports the hooks, and they import Airflow, which needs the variables.
        from tools.fuzz import guided, session

        is_guided = guided.is_available() and not options.unguided
        _say("atheris guides the inputs." if is_guided else "The inputs are not guided by atheris.")
        results = session.run_targets(options.only, options.inputs, options.seed, _say, is_guided=is_guided)
        summary = session.summarize(results, session.measure_growth(_say) if options.growth else [])
    _say(f"{summary['inputs']:,} inputs in {summary['seconds']:,} s of processor time: {summary['failures']} failures.")
    return 1 if summary["failures"] else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, help="how many inputs all targets get together")
    parser.add_argument("--seed", type=int, default=1, help="decides the inputs")
    parser.add_argument("--only", action="append", default=[], metavar="TARGET", help="run one target; can be repeated")
    parser.add_argument("--unguided", action="store_true", help="do not use atheris")
    parser.add_argument("--growth", action="store_true", help="also measure how the time of reading grows")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
