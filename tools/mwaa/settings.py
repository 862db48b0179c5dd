"""
Read the settings of an installation from a file in the form of ``.env``, and write MWAA's startup script from them.

The file is the one that docker-compose uses too. It may contain secrets, so only the variables of the pipeline are
read, and none of them is a secret.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from include.distill.config.environment import ENVIRONMENT_VARIABLE
from include.distill.core.errors import InputError

_LINE = re.compile(r"(?:export\s+)?(?P<name>DISTILL_[A-Z0-9_]+)\s*=\s*(?P<value>.*)")
# These settings fit only other installations. The first two belong to docker-compose. MWAA checks who may reach its web
# server, and its tasks find no folder on their disk.
NOT_ON_MWAA = frozenset({"DISTILL_UI_PORT", "DISTILL_UI_URL", "DISTILL_ALLOWED_HOSTS", "DISTILL_INPUT_ROOTS"})
_HEADER = """\
#!/bin/sh
# The settings of the pipeline. MWAA runs this script before it starts a component, and passes the exported variables on
# to Airflow. Anyone who can read the bucket can read this file, so it must never contain a secret.
"""


def read_settings(path: Path) -> dict[str, str]:
    """
    Return the variables of the pipeline that a file in the form of ``.env`` sets. Empty ones are left out.

    :raises InputError: there is no such file, or it does not name the installation.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(
            f"There is no file {path} with the settings of the installation. No package was built. Save the output"
            " EnvFile of the CloudFormation stack in this file, or copy .env.example and fill in its part The pipeline."
            " To use another file, set ENV_FILE."
        ) from None
    matches = filter(None, (_LINE.fullmatch(line.strip()) for line in text.splitlines()))
    found = {match["name"]: _unquoted(match["value"].strip()) for match in matches}
    settings = {name: value for name, value in found.items() if value and name not in NOT_ON_MWAA}
    if ENVIRONMENT_VARIABLE not in settings:
        raise InputError(
            f"{path} does not set {ENVIRONMENT_VARIABLE}, the name of the installation. No package was built. Add a"
            f" line such as {ENVIRONMENT_VARIABLE}=prod."
        )
    return settings


def startup_script(settings: Mapping[str, str]) -> str:
    """Return a shell script that exports the settings."""
    return _HEADER + "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(settings.items()))


def _unquoted(value: str) -> str:
    for quote in ("'", '"'):
        if len(value) >= 2 and value.startswith(quote) and value.endswith(quote):
            return value[1:-1]
    return value.partition(" #")[0].rstrip()  # docker-compose reads a comment after a blank in the same way
