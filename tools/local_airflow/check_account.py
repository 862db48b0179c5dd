"""Carry out ``make check-account``: check the simulated account and the local Airflow before anything is bought."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tools.local_airflow.commands import SIMULATED
from tools.local_airflow.exit_codes import FAILED
from tools.local_airflow.session import open_session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tools.local_airflow.settings import Layout

MODULE = "bedrock_distill.check_account"


def check_account(layout: Layout, environ: Mapping[str, str]) -> int:
    """
    Start the local stack, run the command of the plugin in its environment, and stop everything.

    The command is a process of its own, because ``tools`` runs without the plugins. ``USE_CASE`` chooses a use case.
    """
    chosen = environ.get("USE_CASE")
    with open_session(layout, environ, input_roots=(), command="make check-account", schedules="off") as session:
        print(SIMULATED)
        print(f"Starting the AWS simulator and Airflow (logs: {layout.logs}) ...", flush=True)
        session.stack.start(fresh_database=False)
        checked = subprocess.run(
            [sys.executable, "-m", MODULE, *([chosen] if chosen else [])],
            cwd=layout.project,
            env=with_plugins(session.stack.environment, layout),
            check=False,
        )
        print("Stopping ...", flush=True)
    return 0 if checked.returncode == 0 else FAILED


def with_plugins(environment: Mapping[str, str], layout: Layout) -> dict[str, str]:
    """Return the environment of the stack's processes, with the plugins on ``PYTHONPATH``."""
    path = os.pathsep.join(filter(None, (environment.get("PYTHONPATH"), str(layout.project / "plugins"))))
    return {**environment, "PYTHONPATH": path}
