"""
Run an installation in a ``with`` block while holding the checkout's lock, and leave no process behind.

Every installation starts empty, and so does its simulated AWS account. So no step of the run can reuse earlier results.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from include.distill.core.errors import DistillError
from tools.compose.compose_file import read_services
from tools.compose.servers import can_reach, create_database_folder, ensure_servers
from tools.compose.stack import CONTAINER_PORTS, ComposeStack
from tools.compose.translation import Translation, free_ports
from tools.local_airflow.account import enter_account
from tools.local_airflow.interruption import uninterrupted
from tools.local_airflow.lock import CheckoutLock
from tools.local_airflow.process_table import sweep
from tools.local_airflow.settings import Layout

COMPOSE_FILE = "docker-compose.yaml"


@contextmanager
def open_installation(
    layout: Layout, lock: Path, variables: dict[str, str], say: Callable[[str], None]
) -> Iterator[ComposeStack]:
    """
    Take the checkout's lock and prepare an installation.

    When the block ends, the installation is stopped and the lock is released.

    :param layout: the folders of the installation. The state folder must not be used by any other command.
    :param lock: the file with the checkout's lock.
    :param variables: the content of ``.env``.
    :raises LockHeldError: another command is running in this checkout.
    :raises InputError: PostgreSQL or Redis is missing and cannot be installed, or the compose file cannot be used.
    """
    checkout_lock = CheckoutLock(lock)
    checkout_lock.acquire("make celery")
    try:
        services = read_services(layout.project / COMPOSE_FILE, variables)
        ensure_servers(say)
        _remove_earlier_installation(layout)
        folders = {
            "/opt/airflow": layout.project,
            "/opt/airflow/logs": layout.task_logs,
            "/opt/airflow/aws-simulator": layout.aws_simulator,
            "/dev/shm": layout.airflow_home / "shm",  # noqa: S108 a path in the container
        }
        translation = Translation(tuple(services), free_ports(CONTAINER_PORTS), folders)
        with _database_folder(layout) as database_folder:
            stack = ComposeStack(layout, services, translation, database_folder=database_folder, say=say)
            enter_account(stack.ports)
            try:
                yield stack
            finally:
                with uninterrupted():
                    _shut_down(stack, say)
    finally:
        checkout_lock.release()


def _remove_earlier_installation(layout: Layout) -> None:
    """Kill the processes and delete the files of an earlier installation, but keep its report."""
    sweep(layout.state)
    for folder in (layout.airflow_home, layout.aws_simulator, layout.logs, layout.state / "postgres"):
        shutil.rmtree(folder, ignore_errors=True)
    layout.make_private()


@contextmanager
def _database_folder(layout: Layout) -> Iterator[Path]:
    """Create a folder for PostgreSQL: in the state folder if PostgreSQL's user can enter it, or in a temporary one."""
    if can_reach(layout.state):
        create_database_folder(layout.state / "postgres")
        yield layout.state / "postgres"
    else:
        with TemporaryDirectory(prefix="distill-postgres-") as outer:
            Path(outer).chmod(0o711)  # lets PostgreSQL's user through to the folder inside, which is closed to others
            create_database_folder(Path(outer) / "postgres")
            yield Path(outer) / "postgres"


def _shut_down(stack: ComposeStack, say: Callable[[str], None]) -> None:
    try:
        for name in stack.give_back():
            say(f"Deleted the simulated endpoint {name}, which the run had not released.")
    except (OSError, DistillError) as error:
        say(
            "Could not read the simulated account while stopping, so it may still contain endpoints. Nothing needs to"
            f" be done, because the next `make celery` starts with an empty account. The error was: {error}"
        )
    finally:
        stack.close()
