"""Show a promotion, a call and a rollback (``make promote-demo``): ``python -m tools.promote_demo``."""

from __future__ import annotations

import os
import sys

from tools.local_airflow.exit_codes import exit_code_of
from tools.local_airflow.settings import Layout
from tools.promote_demo.demo import show


def main() -> int:
    """
    Run the demonstration and return the exit code.

    :return: 0 for success (even if the rule promoted nothing), 1 for a failure, 2 if the command was refused, 130 if it
        was interrupted.
    """

    def work() -> int:
        show(Layout(), os.environ.copy())
        return 0

    return exit_code_of(work)


if __name__ == "__main__":
    sys.exit(main())
