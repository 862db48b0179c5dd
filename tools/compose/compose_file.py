"""
Reads ``docker-compose.yaml`` as far as running its services needs it.

Variables are filled in as Compose does: ``${A}``, ``${A:-default}``, ``${A:?message}``, ``$$`` for a dollar sign, and
an environment entry without a value is handed on when it is set. Anything else of that syntax is refused.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from include.distill.core.errors import InputError

HEALTHY, STARTED, COMPLETED = "service_healthy", "service_started", "service_completed_successfully"
VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>[A-Za-z_]\w*)(?:(?P<kind>:[-?])(?P<rest>[^}]*))?\})")


@dataclass(frozen=True)
class Service:
    """
    One service.

    :param command: arguments; empty when the image's own command is used.
    :param health_check: arguments of the command that tells whether it is healthy.
    :param needs: the condition that must hold for each other service before this one may start.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    health_check: Sequence[str]
    needs: Mapping[str, str]


def read_services(path: Path, variables: Mapping[str, str]) -> dict[str, Service]:
    """
    Read all services, those of profiles included, in an order in which they can be started.

    :param variables: what Compose would find in ``.env``.
    :raises InputError: when a variable is missing, or services wait for each other in a circle.
    """
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))["services"]
    services = {name: _read_service(name, entry, variables) for name, entry in raw.items()}
    ordered: dict[str, Service] = {}
    while waiting := [service for name, service in services.items() if name not in ordered]:
        ready = [service for service in waiting if service.needs.keys() <= ordered.keys()]
        if not ready:
            names = ", ".join(service.name for service in waiting)
            raise InputError(f"{path}: {names} wait for each other or for a service that does not exist.")
        ordered |= {service.name: service for service in ready}
    return ordered


def fill_in(text: str, variables: Mapping[str, str]) -> str:
    """
    Replace the variables in a text; an empty one counts as not set, as with Compose's ``:-`` and ``:?``.

    :raises InputError: when a variable that must be set is not, with the file's own message.
    """

    def value_of(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        value = variables.get(match["name"], "")
        if value or match["kind"] is None:
            return value
        if match["kind"] == ":?":
            raise InputError(match["rest"])
        return match["rest"]

    left = VARIABLE.sub("", text)
    if "$" in left:
        raise InputError(f"{text!r}: this form of a variable is not understood; use ${{NAME}} or $$.")
    return VARIABLE.sub(value_of, text)


def _read_service(name: str, entry: Mapping[str, Any], variables: Mapping[str, str]) -> Service:
    command = entry.get("command", [])
    command = shlex.split(command) if isinstance(command, str) else command
    kind, *test = entry["healthcheck"]["test"]
    return Service(
        name=name,
        command=[fill_in(str(part), variables) for part in command],
        environment=_read_environment(entry.get("environment", {}), variables),
        health_check=[fill_in(part, variables) for part in (["sh", "-c", *test] if kind == "CMD-SHELL" else test)],
        needs={other: need["condition"] for other, need in entry.get("depends_on", {}).items()},
    )


def _read_environment(entries: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, str]:
    given = {name: fill_in(str(value), variables) for name, value in entries.items() if value is not None}
    handed_on = {name: variables[name] for name, value in entries.items() if value is None and name in variables}
    return given | handed_on
