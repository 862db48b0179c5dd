"""
Read the settings of an installation from a file in the form of ``.env``, and write MWAA's startup script from them.

The file is the one that docker-compose uses too. It may contain secrets, so only the variables of the pipeline are
read, and none of them is a secret. Other variables are named to the user and left out.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from include.distill.config.environment import ENVIRONMENT_VARIABLE
from include.distill.core.errors import InputError

_LINE = re.compile(r"(?:export\s+)?(?P<name>DISTILL_[A-Z0-9_]+)\s*=(?P<value>.*)")
# docker-compose reads quotation marks and comments in the same way: a comment follows a blank.
_VALUE = re.compile(
    r"""\s*(?:'(?P<single>[^']*)'|"(?P<double>[^"\\]*)"|(?P<plain>(?!['"]|(?<=\s)\#).*?))(?:\s+\#.*|\s*)"""
)
_USED = re.compile(r"(?<!\$)\$\{(\w+)")
# What the code of the DAGs and plugins reads itself. A test compares the names with the code.
READ_BY_CODE = frozenset({ENVIRONMENT_VARIABLE, "DISTILL_CHECK_CONN_ID", "DISTILL_RUNBOOK_URL", "DISTILL_SCHEDULES"})
# These settings fit only other installations. The first two belong to docker-compose. MWAA checks who may reach its web
# server, its tasks find no folder on their disk, and the package contains the use cases.
NOT_ON_MWAA = frozenset(
    {"DISTILL_UI_PORT", "DISTILL_UI_URL", "DISTILL_ALLOWED_HOSTS", "DISTILL_INPUT_ROOTS", "DISTILL_USE_CASES"}
)
_HEADER = """\
#!/bin/sh
# The settings of the pipeline. MWAA runs this script before it starts a component, and passes the exported variables on
# to Airflow. Anyone who can read the bucket can read this file, so it must never contain a secret.
"""


def read_settings(path: Path) -> dict[str, str]:
    """
    Return the variables whose names begin with ``DISTILL_`` from a file in the form of ``.env``, without empty ones.

    :raises InputError: the file cannot be read, has a line that cannot be read, or does not name the installation.
    """
    found = dict(filter(None, (_setting(path, *line) for line in enumerate(_text(path).splitlines(), start=1))))
    settings = {name: value for name, value in found.items() if value and name not in NOT_ON_MWAA}
    if ENVIRONMENT_VARIABLE not in settings:
        raise InputError(
            f"{path} does not set {ENVIRONMENT_VARIABLE}, the name of the installation. No package was built. Add a"
            f" line such as {ENVIRONMENT_VARIABLE}=prod."
        )
    return settings


def used_variables(use_cases: Path) -> frozenset[str]:
    """
    Return the names of the variables that the pipeline reads.

    :param use_cases: the folder of the use cases, which may read variables with names of their own.
    """
    texts = (path.read_text(encoding="utf-8") for path in use_cases.glob("*.y*ml"))
    return READ_BY_CODE.union(*(_USED.findall(text) for text in texts))


def startup_script(settings: Mapping[str, str]) -> str:
    """Return a shell script that exports the settings."""
    return _HEADER + "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(settings.items()))


def _text(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")  # editors on Windows begin a file with a byte order mark
    except FileNotFoundError:
        raise InputError(
            f"There is no file {path} with the settings of the installation. No package was built. Save the output"
            " EnvFile of the CloudFormation stack in this file, or copy .env.example and fill in its part The pipeline."
            " To use another file, set ENV_FILE."
        ) from None
    except OSError as error:
        raise InputError(
            f"{path}, the file with the settings of the installation, cannot be read: {error.strerror}. No package was"
            " built. Set ENV_FILE to a file in the form of .env that you may read."
        ) from None
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:  # a file in UTF-16 without a byte order mark can be read as UTF-8
        raise InputError(f"{path} is not a text in UTF-8. No package was built. Save the file in the encoding UTF-8.")
    return text


def _setting(path: Path, number: int, line: str) -> tuple[str, str] | None:
    """Return a name and its value; ``None`` for a line without a variable of the pipeline. The line may be a secret."""
    if not (match := _LINE.fullmatch(line.strip())):
        return None
    if not (value := _VALUE.fullmatch(match["value"])):
        raise InputError(
            f"Line {number} of {path}: the value of {match['name']} begins with a quotation mark, but it has no closing"
            " mark, contains a backslash, or goes on after the closing mark. No package was built. Write the value"
            f" without quotation marks, such as {match['name']}=value, or in single quotation marks."
        )
    return match["name"], value["single"] or value["double"] or value["plain"] or ""
