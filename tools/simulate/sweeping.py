"""Let the DAG ``distill_release_leftovers`` run after a schedule that has left an endpoint."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Protocol

from tools.simulate.account import MemoryAccount
from tools.simulate.api_server import ApiServer
from tools.simulate.checks.outcome import STANDING
from tools.simulate.clock import VirtualClock
from tools.simulate.dag_run import DagRun, Graph
from tools.simulate.earlier import Expected
from tools.simulate.parts import SWEEPER_DAG
from tools.simulate.planned_runs import PlannedRun
from tools.simulate.use_case import load_dag

SWEEP_SECONDS = 900.0  # between two runs of the sweeper
EXPIRY_SECONDS = 2 * 86_400.0  # after this time, each endpoint of a run that Airflow does not know has expired


class _Record(Protocol):
    """What the sweeper reads and writes of the record of a schedule."""

    sweeps: list[str]
    swept: dict[str, Any] | None

    @property
    def faults(self) -> Collection[Any]:
        """The faults of the schedule."""

    @property
    def expected(self) -> Expected:
        """What must stay."""


class Sweeper:
    """
    The DAG that releases endpoints that no run uses.

    :ivar graph: its tasks.
    """

    def __init__(self, folder: Path, account: MemoryAccount, api: ApiServer, clock: VirtualClock) -> None:
        self._account, self._api, self._clock = account, api, clock
        self.graph = Graph(load_dag(folder, SWEEPER_DAG))

    @property
    def tasks(self) -> Collection[str]:
        """The ids of its tasks."""
        return self.graph.nodes

    def start(self, number: int) -> DagRun:
        """Start a run."""
        about = PlannedRun(f"scheduled__sweep-{number}", "scheduled", self._clock.now)
        run = self._api.runs[about.run_id] = DagRun(self.graph, about, self._clock.now)
        return run

    def sweep(self, record: _Record, go_on: Callable[[DagRun], str]) -> None:
        """
        Let the sweeper run every 15 minutes until no endpoint is left that it must delete.

        Each fault may make one of its runs fail. If Airflow's database was lost, the sweeper waits until the endpoint
        has expired.

        :param record: the record of the schedule, to which the runs of the sweeper are added.
        :param go_on: lets a run go on until its end, and returns the state of the run.
        """
        ledger = self._account.ledger
        waits = [SWEEP_SECONDS] * (len(record.faults) + 1)
        for number, wait in enumerate((*waits, EXPIRY_SECONDS), start=1):
            if not _has_leftovers(ledger, record.expected):
                return
            self._clock.sleep(wait)
            record.sweeps.append(go_on(self.start(number)))
            ledger = record.swept = self._account.ledger


def _has_leftovers(ledger: Mapping[str, Any], expected: Expected) -> bool:
    alive = [one["name"] for one in (*ledger["throughputs"], *ledger["deployments"]) if one["alive"]]
    return any(STANDING not in name and name not in expected.stays for name in alive)
