"""Write simulated nights for the pages of Airflow's UI (``make nights``): ``python -m tools.nights``."""

from __future__ import annotations

import os
import sys

from tools.local_airflow.exit_codes import exit_code_of
from tools.local_airflow.settings import Layout
from tools.nights.command import nights


def main() -> int:
    """
    Write the nights and return the exit code.

    :return: 0 for success, 1 for a failure, 2 if the command was refused, 130 if it was interrupted.
    """

    def work() -> int:
        nights(Layout(), os.environ.copy())
        return 0

    return exit_code_of(work)


if __name__ == "__main__":
    sys.exit(main())
