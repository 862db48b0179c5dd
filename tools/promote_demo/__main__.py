"""Show a promotion, a call and a rollback (``make promote-demo``): ``python -m tools.promote_demo``."""

from __future__ import annotations

import os
import sys

from include.distill.core.errors import DistillError, InputError
from tools.local_airflow.exit_codes import FAILED, INTERRUPTED, REFUSED
from tools.local_airflow.interruption import Interrupted, interruptible
from tools.local_airflow.lock import LockHeldError
from tools.local_airflow.settings import Layout
from tools.promote_demo.demo import show

STOPPED = "Everything that was started has been stopped."


def main() -> int:
    """
    Run the demonstration and return the exit code.

    :return: 0 for success (even if the rule promoted nothing), 1 for a failure, 2 if the command was refused, 130 if it
        was interrupted.
    """
    try:
        with interruptible():
            show(Layout(), os.environ.copy())
    except Interrupted:
        print(f"\nInterrupted. {STOPPED}", file=sys.stderr)
        return INTERRUPTED
    except (InputError, LockHeldError) as error:
        print(error, file=sys.stderr)
        return REFUSED
    except DistillError as error:
        print(f"\nFailed: {error}\n{STOPPED}", file=sys.stderr)
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
