"""Records that triggers pass to the task that they wake."""

from __future__ import annotations

from typing import Literal, TypedDict

WaitEnd = Literal["ended", "deadline", "refused"]


class WaitEvent(TypedDict):
    """The reason why a trigger fired. Passed through Airflow's database only."""

    end: WaitEnd
    message: str  # AWS's reason when it refused; else empty
    deadline: str  # ISO 8601 time after which waiting ends
