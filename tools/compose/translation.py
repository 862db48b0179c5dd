"""
Replace hosts, ports and folders of containers with loopback ports and folders on this machine.

Each container has ports and folders of its own, but processes on the same machine share them. Nothing else in a command
or an environment variable is changed.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tools.local_airflow.ports import LOOPBACK

OWN_HOSTS = ("localhost", "127.0.0.1", "0.0.0.0")  # noqa: S104 never bound, only replaced with loopback


@dataclass(frozen=True)
class Translation:
    """
    The mapping from containers to this machine.

    :param hosts: the names of the services.
    :param ports: loopback ports by container port.
    :param folders: folders on this machine by container folder. If several container folders match, the
        longest path is used.
    """

    hosts: Sequence[str]
    ports: Mapping[str, int]
    folders: Mapping[str, Path]

    def of_text(self, text: str) -> str:
        """Replace the addresses and paths of containers in a text with those on this machine."""
        hosts = "|".join(re.escape(host) for host in (*self.hosts, *OWN_HOSTS))
        ports = "|".join(self.ports)
        text = re.sub(rf"(?<![\w.-])(?:{hosts}):({ports})\b", lambda m: f"{LOOPBACK}:{self.ports[m[1]]}", text)
        folders = "|".join(re.escape(folder) for folder in sorted(self.folders, key=len, reverse=True))
        text = re.sub(rf"({folders})(?![\w-])", lambda m: str(self.folders[m[1]]), text)
        return LOOPBACK if text == "0.0.0.0" else text  # noqa: S104

    def of_command(self, command: Sequence[str]) -> list[str]:
        """
        Replace container addresses and paths in a command.

        A port without a host is replaced only after ``--port``.
        """
        before = ["", *command]
        return [
            str(self.ports[part]) if option == "--port" and part in self.ports else self.of_text(part)
            for option, part in zip(before, command, strict=False)
        ]

    def of_environment(self, environment: Mapping[str, str]) -> dict[str, str]:
        """
        Replace container addresses and paths in environment variables.

        A port without a host is replaced only if the variable's name ends with ``PORT``.
        """
        return {
            name: str(self.ports[value]) if name.endswith("PORT") and value in self.ports else self.of_text(value)
            for name, value in environment.items()
        }


def free_ports(container_ports: Iterable[str]) -> dict[str, int]:
    """
    Choose a free loopback port for each container port.

    Every port is held until all are chosen, so that none is chosen twice.
    """
    with ExitStack() as held:
        probes = {port: held.enter_context(socket.socket()) for port in container_ports}
        for probe in probes.values():
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free for the servers
            probe.bind((LOOPBACK, 0))
        return {port: int(probe.getsockname()[1]) for port, probe in probes.items()}
