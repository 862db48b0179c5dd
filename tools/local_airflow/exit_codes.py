"""Define the exit codes of the local commands, and turn the errors of a command into them."""

from __future__ import annotations

import sys
from collections.abc import Callable

from include.distill.core.errors import DistillError, InputError
from tools.local_airflow.interruption import Interrupted, interruptible
from tools.local_airflow.lock import LockHeldError

FAILED = 1
REFUSED = 2
INTERRUPTED = 130  # as in a shell after Ctrl-C
ALL_STOPPED = "Everything that was started has been stopped."


def exit_code_of(work: Callable[[], int], what_is_left: Callable[[], str] = lambda: ALL_STOPPED) -> int:
    """
    Do the work of a command. If it ends with an error, print the error and return its exit code.

    :param work: returns the exit code of a command that was neither refused nor interrupted.
    :param what_is_left: returns what is still running after a failure or an interruption.
    """
    try:
        with interruptible():
            return work()
    except Interrupted:
        print(f"\nInterrupted. {what_is_left()}", file=sys.stderr)
        return INTERRUPTED
    except (InputError, LockHeldError) as error:
        print(error, file=sys.stderr)
        return REFUSED
    except DistillError as error:
        print(f"\nFailed: {error}\n{what_is_left()}", file=sys.stderr)
        return FAILED
