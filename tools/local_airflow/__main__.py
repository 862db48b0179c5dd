"""
Carry out ``make run``, ``up``, ``check-account``, ``down`` or ``clean``.

Usage: ``python -m tools.local_airflow run|up|check-account|down|clean``
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

from tools.local_airflow import background, commands
from tools.local_airflow.check_account import check_account
from tools.local_airflow.exit_codes import exit_code_of
from tools.local_airflow.lock import read_holder
from tools.local_airflow.server import COMMAND, serve
from tools.local_airflow.settings import Layout, read_day


def main(arguments: list[str]) -> int:
    """Run one command. Return 0 for success, 1 for a failure, 2 if the command was refused, 130 if interrupted."""
    options = _parse(arguments)
    layout = Layout(state=options.state.resolve(), dags=options.dags.resolve())
    return exit_code_of(lambda: _carry_out(options.command, layout), lambda: _what_is_left(options.command, layout))


def _carry_out(command: str, layout: Layout) -> int:
    if command in ("run", "up", "serve"):  # `down` and `clean` work on whatever was started
        layout = replace(layout, as_of=read_day(os.environ))
    if command == "serve":
        return serve(layout, os.environ, commands.requested(layout, os.environ))
    carry_out = {
        "run": commands.run,
        "up": background.up,
        "check-account": check_account,
        "down": background.down,
        "clean": background.clean,
    }
    return carry_out[command](layout, os.environ.copy())


def _what_is_left(command: str, layout: Layout) -> str:
    """Say what is still running after a command failed or was interrupted."""
    if command in ("down", "clean"):
        return f"Some processes may still be running. Run `make {command}` again."
    holder = read_holder(layout.lock)
    if command == "up" and holder is not None and holder.command == COMMAND and holder.is_running():
        url = f": {holder.ports.ui_url}" if holder.ports else ""
        return f"Airflow is still running{url}. A run that was started continues. `make down` stops both."
    return "Everything that was started has been stopped."


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.local_airflow", description=__doc__)
    parser.add_argument("command", choices=["run", "up", "check-account", "down", "clean", "serve"])
    parser.add_argument("--state", type=Path, default=Layout.state, help="folder for state and logs (default: .local)")
    parser.add_argument("--dags", type=Path, default=Layout.dags, help="folder with the DAG files (default: dags)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
