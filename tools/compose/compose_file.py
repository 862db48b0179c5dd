"""
Read the parts of ``docker-compose.yaml`` that are needed to run its services.

Variables are substituted as in Compose: ``${A}``, ``${A:-default}``, ``${A:?message}``, ``$$`` for a dollar sign.
An environment entry without a value takes its value from ``.env``, or is left out if ``.env`` has none. Any other
syntax with a dollar sign is refused.
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
    One service of the compose file.

    :param command: the command and its arguments; empty if the image's own command is used.
    :param health_check: the health check's command and its arguments.
    :param needs: the services that this service waits for, each with its ``depends_on`` condition.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    health_check: Sequence[str]
    needs: Mapping[str, str]


def read_services(path: Path, variables: Mapping[str, str]) -> dict[str, Service]:
    """
    Read all services, including those in profiles, in an order in which they can be started.

    :param variables: the content of ``.env``.
    :raises InputError: a variable is missing or has an unsupported syntax, or services wait for each other.
    """
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))["services"]
    services = {name: _read_service(name, entry, variables) for name, entry in raw.items()}
    ordered: dict[str, Service] = {}
    while waiting := [service for name, service in services.items() if name not in ordered]:
        ready = [service for service in waiting if service.needs.keys() <= ordered.keys()]
        if not ready:
            names = ", ".join(service.name for service in waiting)
            raise InputError(
                f"{path}: some services wait for each other or for a service that does not exist: {names}."
                " Nothing was started. Correct their depends_on."
            )
        ordered |= {service.name: service for service in ready}
    return ordered


def substitute(text: str, variables: Mapping[str, str]) -> str:
    """
    Replace the variables in a text with their values. An empty variable counts as not set, as with Compose's ``:-``
    and ``:?``.

    :raises InputError: a required variable is not set (the message is the one in the file), or the syntax is not
        supported.
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

    if "$" in VARIABLE.sub("", text):
        raise InputError(
            f"{text!r} contains a variable in a syntax that is not supported. Nothing was started. Use ${{NAME}},"
            " ${NAME:-default} or ${NAME:?message}, and $$ for a dollar sign."
        )
    return VARIABLE.sub(value_of, text)


def _read_service(name: str, entry: Mapping[str, Any], variables: Mapping[str, str]) -> Service:
    command = entry.get("command", [])
    command = shlex.split(command) if isinstance(command, str) else command
    kind, *test = entry["healthcheck"]["test"]
    return Service(
        name=name,
        command=[substitute(str(part), variables) for part in command],
        environment=_read_environment(entry.get("environment", {}), variables),
        health_check=[substitute(part, variables) for part in (["sh", "-c", *test] if kind == "CMD-SHELL" else test)],
        needs={other: need["condition"] for other, need in entry.get("depends_on", {}).items()},
    )


def _read_environment(entries: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, str]:
    stated = {name: substitute(str(value), variables) for name, value in entries.items() if value is not None}
    passed_through = {name: variables[name] for name, value in entries.items() if value is None and name in variables}
    return stated | passed_through
