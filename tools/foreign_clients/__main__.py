"""
Run other people's clients against the AWS simulator: ``python -m tools.foreign_clients``.

The command installs each client into a temporary virtual environment, starts a simulator, runs the client's cases and
prints a table. Installing the clients needs a package registry. The cases call only the simulator.

Exit code 0 means that every case is ok.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.aws_simulator.testing import start_simulator
from tools.foreign_clients.clients import select
from tools.foreign_clients.measurement import measure
from tools.foreign_clients.table import as_markdown, write_between_markers

README = Path(__file__).parents[1] / "aws_simulator" / "README.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the clients and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.foreign_clients", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="clients whose names contain NAME")
    parser.add_argument(
        "--write", action="store_true", help=f"write the table into the simulator's {README.name}; not with --only"
    )
    options = parser.parse_args(arguments)
    if options.write and options.only:
        parser.error("--write needs the results of all clients. Nothing was installed. Leave out --only.")
    try:
        clients = select(options.only)
    except ValueError as error:
        parser.error(str(error))
    results = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="foreign-clients-", ignore_cleanup_errors=True)))
        simulator = stack.enter_context(start_simulator(folder / "simulator"))
        for client in clients:
            results.append(measure(client, simulator.url, folder))
            sys.stderr.write(f"{results[-1].client} {results[-1].version}: {results[-1].cases}\n")
    table = as_markdown(results, datetime.now(tz=UTC).date())
    sys.stdout.write(table)
    if options.write:
        write_between_markers(README, table)
    return 0 if all(result.good for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
