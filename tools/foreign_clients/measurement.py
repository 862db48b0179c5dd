"""Run the cases of a client against the simulator, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.aws_simulator.testing import environment
from tools.foreign_clients.clients import Client
from tools.foreign_clients.environments import InstallationError, install, version

ROOT = Path(__file__).parents[2]
CASE_SECONDS = 180
OK = "ok"
LONGEST_ERROR = 200


@dataclass
class Result:
    """The result of one client: its version, and ``ok`` or an error for each case."""

    client: str
    version: str
    cases: dict[str, str] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether all cases are as expected."""
        return bool(self.cases) and all(outcome == OK for outcome in self.cases.values())


def measure(client: Client, url: str, folder: Path) -> Result:
    """Install a client into a subfolder of ``folder`` and run its cases against the simulator at ``url``."""
    try:
        python = install(client.requirements, folder / client.name)
        result = Result(client.name, version(python, client.name))
    except InstallationError as error:
        return Result(client.name, "not installed", dict.fromkeys(client.cases, shortened(str(error))))
    variables = environment_of(client, url, os.environ, folder)
    for case in client.cases:
        module = f"tools.foreign_clients.scripts.{client.script}"
        result.cases[case] = outcome([str(python), "-m", module, case], variables, folder)
    return result


def environment_of(client: Client, url: str, current: Mapping[str, str], home: Path) -> dict[str, str]:
    """Return a script's environment variables. They let AWS clients reach only the simulator.

    The other variables of this process are kept, except those with ``KEY`` in their names. Scripts get a temporary home
    folder, so that they find no settings or credentials of other services.
    """
    changes = environment(url, current)
    kept = {name: value for name, value in current.items() if name not in changes and "KEY" not in name.upper()}
    changed = {name: value for name, value in changes.items() if value is not None}
    extra = {client.endpoint_variable: url} if client.endpoint_variable else {}
    # Stop libraries from asking a server for news or model names. Without a network, such a request fails.
    quiet = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "OTEL_SDK_DISABLED": "true", "PYTHONWARNINGS": "ignore"}
    return {**kept, **changed, **extra, **quiet, "HOME": str(home), "PYTHONPATH": str(ROOT)}


def outcome(command: list[str], variables: dict[str, str], folder: Path, seconds: float = CASE_SECONDS) -> str:
    """Run a script and return ``ok``, or its error in one line."""
    try:
        done = subprocess.run(
            command, env=variables, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return f"did not end within {seconds:g} s"
    if done.returncode == 0:
        return OK
    return shortened(error_line(done.stderr) or f"exit code {done.returncode}")


def error_line(stderr: str) -> str:
    """Return the exception at the end of a traceback as one line, such as ``ValueError: The tool was not called``.

    The exception begins at the last line that is not indented and begins with a name and a colon. The rest of the
    traceback belongs to its message, which may have several lines.
    """
    lines = [line for line in stderr.splitlines() if line.strip()]
    is_own = [not line.startswith((" ", "\t", "During", "For ")) for line in lines]
    is_named = [own and _names_exception(line) for own, line in zip(is_own, lines, strict=True)]
    chosen = is_named if any(is_named) else is_own
    if not any(chosen):
        return ""
    last = max(number for number, is_chosen in enumerate(chosen) if is_chosen)
    return " ".join(line.strip() for line in lines[last:] if not line.startswith("For "))


def _names_exception(line: str) -> bool:
    name, colon, _ = line.partition(":")
    return bool(colon) and name.replace(".", "").replace("_", "").isalnum()


def shortened(text: str) -> str:
    """Return a text as one cell of a Markdown table."""
    line = " ".join(text.split()).replace("|", "\\|")
    return line if len(line) <= LONGEST_ERROR else f"{line[: LONGEST_ERROR - 1]}…"
