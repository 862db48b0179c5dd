"""
Carry out ``make nights``: write the simulated nights into the simulated account of this checkout.

If ``make up`` is running, its AWS simulator gets the nights. Otherwise the command starts the simulator, without
Airflow, and stops it afterwards.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from include.distill.config.layout import Layout as UseCaseLayout
from include.distill.config.loader import load_use_case
from include.distill.config.root_owner import claim_root
from include.distill.core.errors import InputError
from tools.local_airflow.account import enter_account
from tools.local_airflow.airflow_api import FINISHED_RUN_STATES
from tools.local_airflow.commands import SIMULATED
from tools.local_airflow.progress import clock
from tools.local_airflow.server import running_server
from tools.local_airflow.session import open_session
from tools.local_airflow.settings import LOCAL_INSTALLATION
from tools.nights.plan import NIGHTS, PLANS, plan_nights
from tools.nights.s3_store import SimulatedBuckets
from tools.nights.writing import NightWriter, Written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from include.distill.core.storage import ObjectStore
    from include.distill.history.records import HistoryEntry
    from tools.local_airflow.server import ServedStack
    from tools.local_airflow.settings import Layout

COMMAND = "make nights"
ENVIRONMENT = LOCAL_INSTALLATION["DISTILL_ENVIRONMENT"]


def nights(layout: Layout, environ: Mapping[str, str]) -> None:
    """
    Write the simulated nights, and print what was written and what to open.

    :raises InputError: a run of one of the use cases is in progress. Nothing was written.
    :raises LockHeldError: another command is working in this checkout. Nothing was written.
    """
    print(SIMULATED)
    print(
        f"Writing {NIGHTS} simulated nights into the simulated account in {layout.aws_simulator}. This ends within a"
        " minute. No run is started, no model is called, and AWS is not asked.",
        flush=True,
    )
    served = running_server(layout)
    if served:
        refuse_during_run(served, layout)
        enter_account(served.ports)
        write_all(SimulatedBuckets(), layout)
        print(f"\nOpen {served.ports.ui_url}/distill/overview")
        return
    with open_session(layout, environ, input_roots=[], command=COMMAND, schedules="off") as session:
        session.stack.start_simulator()
        write_all(SimulatedBuckets(), layout)
    print("\nRun `make up`, and open Distill in the menu Browse, or /distill/overview.")


def refuse_during_run(served: ServedStack, layout: Layout) -> None:
    """
    Refuse the command while a run of one of the use cases is in progress, because the run may write the same records.

    :raises InputError: there is such a run.
    """
    for plan in PLANS:
        dag_id = load_use_case(layout.use_cases / f"{plan.name}.yaml", LOCAL_INSTALLATION).dag_id
        going = [run["dag_run_id"] for run in served.api.runs(dag_id) if run["state"] not in FINISHED_RUN_STATES]
        if going:
            raise InputError(
                f"The run {going[0]} of {dag_id} is in progress. Nothing was written. Wait until it has ended, or stop"
                f" it with `make down`. Then run `{COMMAND}` again."
            )


def write_all(store: ObjectStore, layout: Layout, *, now: datetime | None = None, count: int = NIGHTS) -> list[Written]:
    """
    Write the nights of all use cases, and print what was written.

    :param now: the end of the last night is before this time; ``None`` for the present.
    :param count: number of nights.
    """
    began = time.monotonic()
    results = []
    for plan in PLANS:
        use_case = load_use_case(layout.use_cases / f"{plan.name}.yaml", LOCAL_INSTALLATION)
        for root in UseCaseLayout(use_case.storage).roots:
            claim_root(store, root, ENVIRONMENT)
        written = NightWriter(store, use_case, plan, ENVIRONMENT).write(
            plan_nights(plan, now or datetime.now(UTC), count)
        )
        print(f"\n{describe(written)}", flush=True)
        results.append(written)
    print(f"\nWritten in {clock(time.monotonic() - began)}. `make nights` replaces these nights, and `make clean`")
    print("removes them with the rest of the simulated account. Airflow has no runs of these nights.")
    return results


def describe(written: Written) -> str:
    """Describe the nights of a use case."""
    entries = written.entries
    days = f" from {_day(entries[0])} to {_day(entries[-1])}" if entries else ""
    lines = [
        f"{written.use_case} (SIMULATED): {len(entries)} {'run' if len(entries) == 1 else 'runs'}{days}"
        + (f", in place of {written.removed} runs of an earlier `{COMMAND}`" if written.removed else ""),
        f"  promoted: {_days(written.promoted)}",
        f"  drift:    {_drifts(written.drifted)}",
        f"  failed:   {_days(written.failed)}",
    ]
    if written.keeps_champion:
        lines.append("  The champion of an earlier run was kept. The promotions are only in the history.")
    elif written.promoted:
        lines.append(
            "  The champion is simulated, and its model does not exist in Bedrock. Until `make clean`, a run of this"
            " use\n  case promotes nothing, because it does not compare its model with a champion."
        )
    return "\n".join(lines)


def _drifts(entries: Sequence[HistoryEntry]) -> str:
    texts = [f"{_day(entry)} ({', '.join(change['measure'] for change in entry['drift'])})" for entry in entries]
    return ", ".join(texts) or "none"


def _days(entries: Sequence[HistoryEntry]) -> str:
    return ", ".join(map(_day, entries)) or "none"


def _day(entry: HistoryEntry) -> str:
    return entry["started_at"][:10]
