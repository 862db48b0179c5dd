"""Start Airflow as Amazon MWAA does, next to the AWS simulator, from an installed package."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from pathlib import Path

from tools.local_airflow.ports import Ports
from tools.local_airflow.processes import Component
from tools.local_airflow.settings import Layout
from tools.local_airflow.stack import AIRFLOW_GRACE_SECONDS, MIGRATE_SECONDS, LocalStack
from tools.mwaa.installation import Installation
from tools.mwaa.pools import FILE

USER = "trial"
ROLE = "Op"  # the least role that may change pools and trigger runs


class TrialStack(LocalStack):
    """
    The processes of the trial. They run the code of the package, and nothing of this checkout.

    :param package: the folder of the package, whose request creates the pools.
    """

    def __init__(
        self,
        layout: Layout,
        ports: Ports,
        environment: Mapping[str, str],
        *,
        installation: Installation,
        package: Path,
    ) -> None:
        super().__init__(layout, ports, environment)
        self._installation = installation
        self._package = package
        self._password = secrets.token_urlsafe(18)

    def _prepare_database(self, *, fresh: bool) -> None:
        """Create the database, which is always new, and the user who triggers the run."""
        self._finish("migrate", "db", "migrate")
        person = ["--role", ROLE, "--firstname", USER, "--lastname", USER, "--email", f"{USER}@example.invalid"]
        self._finish("user", "users", "create", "--username", USER, "--password", self._password, *person)

    def _create_pools(self) -> None:
        self.api.sign_in(USER, self._password)
        self.api.change_pools(json.loads((self._package / FILE).read_text(encoding="utf-8")))

    def _start_airflow(self, name: str) -> None:
        options = ["--skip-serve-logs"] if name in ("scheduler", "triggerer") else []
        self._supervisor.started(name)
        self._group.start(Component(name, self._installation.command(name, *options), AIRFLOW_GRACE_SECONDS))

    def _finish(self, name: str, *arguments: str) -> None:
        self._group.start(Component(name, self._installation.command(*arguments), AIRFLOW_GRACE_SECONDS))
        self._group.finish(name, MIGRATE_SECONDS)
