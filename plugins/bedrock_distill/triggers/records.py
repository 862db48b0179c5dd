"""Define the types of the records that triggers pass to the tasks that they wake."""

from __future__ import annotations

from typing import Literal, TypedDict

WaitEnd = Literal["ended", "deadline", "refused"]


class _Advice(TypedDict, total=False):
    to_do: str  # what to do about AWS's error; events of earlier versions do not have this key


class WaitEvent(_Advice):
    """The reason why a trigger fired. It reaches the task through Airflow's database, and is stored nowhere else."""

    end: WaitEnd
    message: str  # why no further check can succeed; empty if the checks did not fail
    deadline: str  # ISO 8601 time at which the wait ends
