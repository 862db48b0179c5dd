"""Define the row that a case of the crash table writes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """The result of a case, as stored in ``.local/chaos.json``."""

    name: str
    jobs: int
    throughputs: int
    expected_jobs: int
    expected_throughputs: int
    alive_at_end: int
    repaid: int
    in_flight: int
    ok: bool
    state: str = ""
    expected_state: str = ""
    seconds: float = 0.0
    note: str = ""
    deployments: int = 0
    expected_deployments: int = 0
    standing: int = 0
    expected_standing: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the row in the form that ``.local/chaos.json`` stores."""
        return asdict(self)
