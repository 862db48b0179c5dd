"""
State in words which attempt of a task this is.

Airflow counts every start of a task and never starts again from 1. Clearing a task adds its number of retries to the
attempts that were already counted. If Airflow itself is interrupted, for example because the scheduler restarts, it
starts a task again that was about to run. This start counts too, and Airflow does not raise the maximum. So "attempt 3
of 3" would be wrong for a task without retries: nobody planned three attempts.
"""

from __future__ import annotations

from typing import Any


def attempt_text(ti: Any, retries: int | None) -> str:
    """
    Return text such as ``attempt 2 of 3``. The first number is that of Airflow's log of the attempt.

    :param ti: the task instance.
    :param retries: number of retries in the DAG; ``None`` if it is not known.
    """
    number, last = getattr(ti, "try_number", 1), getattr(ti, "max_tries", 0) + 1
    if number > last:
        return f"attempt {number} (Airflow planned {last}, and started the task again after an interruption)"
    before_clearing = 0 if retries is None else last - 1 - retries
    if 0 < before_clearing < number:
        since, planned = number - before_clearing, last - before_clearing
        return f"attempt {number} ({since} of {planned} since a person started the task again)"
    return f"attempt {number} of {last}"
