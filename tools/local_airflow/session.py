"""
Run one stack in a ``with`` block, while holding the lock of the checkout.

However the block ends, the stack's processes are stopped, the endpoints that runs left in the simulated account are
deleted, and the lock is released.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from include.distill.core.errors import DistillError
from tools.local_airflow.account import enter_account
from tools.local_airflow.environment import build_environment, load_keys
from tools.local_airflow.gathered_use_cases import gather_use_cases
from tools.local_airflow.interruption import uninterrupted
from tools.local_airflow.lock import CheckoutLock, Holder
from tools.local_airflow.ports import reserve_ports
from tools.local_airflow.stack import LocalStack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tools.local_airflow.settings import Layout


@dataclass(frozen=True)
class Session:
    """A stack that is ready to start, and its lock."""

    stack: LocalStack
    lock: CheckoutLock
    holder: Holder


@contextmanager
def open_session(
    layout: Layout,
    environ: Mapping[str, str],
    *,
    input_roots: Sequence[Path],
    command: str,
    schedules: Literal["off", "housekeeping"],
) -> Iterator[Session]:
    """
    Take the lock and prepare a stack. At the end of the block, stop the stack and release the lock.

    :param input_roots: folders outside the project that the pipeline may read CSV files from.
    :param command: the command that the person typed. Other commands show it when they find the lock held.
    :raises LockHeldError: another command is working in this checkout.
    """
    layout.make_private()
    lock = CheckoutLock(layout.lock)
    holder = lock.acquire(command)
    try:
        with reserve_ports(environ) as ports:
            environment = build_environment(
                environ,
                layout=layout,
                ports=ports,
                keys=load_keys(layout.secrets),
                schedules=schedules,
                input_roots=input_roots,
            )
            enter_account(ports)
            use_cases = str(gather_use_cases(layout))
            stack = LocalStack(layout, ports, {**environment, "DISTILL_USE_CASES": use_cases})
            try:
                yield Session(stack, lock, holder)
            finally:
                with uninterrupted():
                    _shut_down(stack)
    finally:
        lock.release()


def _shut_down(stack: LocalStack) -> None:
    try:
        for name in stack.give_back():
            print(f"Deleted the simulated endpoint {name}, which the run had not released.")
    except (OSError, DistillError) as error:
        print(
            "Could not read the simulated account while stopping, so it may still contain endpoints. The next run"
            f" deletes them before it starts. The error was: {error}"
        )
    finally:
        stack.close()
