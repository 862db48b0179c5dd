"""
Read the settings of an installation from a file in the form of ``.env``, and write MWAA's startup script from them.

The file is the one that docker-compose uses too. It may contain secrets, so only the variables of the pipeline are
read, and no message quotes a line. A line that would be lost without a word, such as a misspelt name, is refused.
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from include.distill.config.environment import ENVIRONMENT_VARIABLE
from include.distill.core.errors import InputError
from include.distill.core.paths import PROJECT_ROOT

USE_CASES = PROJECT_ROOT / "include" / "use_cases"
_LINE = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_.]*)\s*=(?P<value>.*)")
# docker-compose reads quotation marks and comments in the same way: a comment follows a blank.
_VALUE = re.compile(
    r"""\s*(?:'(?P<single>[^']*)'|"(?P<double>[^"\\]*)"|(?P<plain>(?!['"]|(?<=\s)\#).*?))(?:\s+\#.*|\s*)"""
)
# A value in quotation marks may go on in the next lines. The pipeline has no such values, but a secret may be one.
_OPEN = re.compile(r"""\s*(?P<mark>['"])(?:(?!(?P=mark)).)*""")
_PREFIX = "DISTILL_"
_USED = re.compile(r"(?<!\$)\$\{(\w+)")
# What the code of the DAGs and plugins reads itself. A test compares the names with the code.
READ_BY_CODE = frozenset({ENVIRONMENT_VARIABLE, "DISTILL_CHECK_CONN_ID", "DISTILL_RUNBOOK_URL", "DISTILL_SCHEDULES"})
# These settings fit only other installations. The first two belong to docker-compose. MWAA checks who may reach its web
# server, its tasks find no folder on their disk, and the package contains the use cases.
NOT_ON_MWAA = frozenset(
    {"DISTILL_UI_PORT", "DISTILL_UI_URL", "DISTILL_ALLOWED_HOSTS", "DISTILL_INPUT_ROOTS", "DISTILL_USE_CASES"}
)
# What the values of the variables must look like that no use case checks.
_EXPECTED = {
    "DISTILL_SCHEDULES": (re.compile("off|housekeeping"), "off, housekeeping or nothing"),
    "DISTILL_RUNBOOK_URL": (re.compile(r"https?://[^\s/]+\S*"), "a URL that begins with https:// or http://"),
}
_HEADER = """\
#!/bin/sh
# The settings of the pipeline. MWAA runs this script before it starts a component, and passes the exported variables on
# to Airflow. Anyone who can read the bucket can read this file, so it must never contain a secret.
"""


class _Line(NamedTuple):
    """A variable in the file, and the place of its line for messages."""

    number: int
    place: str
    name: str
    value: str


def read_settings(path: Path, use_cases: Path = USE_CASES) -> dict[str, str]:
    """
    Return the variables whose names begin with ``DISTILL_`` from a file in the form of ``.env``, without empty ones.

    :param use_cases: the folder of the use cases, which may read variables with names of their own.
    :raises InputError: the file cannot be read, has a line that cannot be read or would have no effect, or does not
        name the installation.
    """
    known = used_variables(use_cases) | NOT_ON_MWAA
    first: dict[str, int] = {}
    settings: dict[str, str] = {}
    for line in _lines(path, _text(path)):
        if line.name in first:
            raise _refusal(
                f"{line.place}: {line.name} is already set in line {first[line.name]}.", "Remove one of the two lines."
            )
        first[line.name] = line.number
        if line.name.upper().startswith(_PREFIX):
            _require_known(line, known)
            value = _value(line)
            if value and line.name not in NOT_ON_MWAA:
                settings[line.name] = value
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


def _lines(path: Path, text: str) -> Iterator[_Line]:
    """Yield the variables of the file. A line that sets no variable is refused, and not shown: it may be a secret."""
    mark = ""
    for number, written in enumerate(text.splitlines(), start=1):
        line, place = written.strip(), f"Line {number} of {path}"
        if mark:  # the value of another variable goes on
            mark = "" if mark in line else mark
        elif line and not line.startswith("#"):
            if not (match := _LINE.fullmatch(line)):
                raise _refusal(f"{place} does not have the form NAME=value.", "Correct the line, or remove it.")
            if not match["name"].upper().startswith(_PREFIX) and (open_ := _OPEN.fullmatch(match["value"])):
                mark = open_["mark"]
            yield _Line(number, place, match["name"], match["value"])


def _require_known(line: _Line, known: Collection[str]) -> None:
    if line.name in known:
        return
    nearest = difflib.get_close_matches(line.name.upper(), sorted(known), n=1)
    meant = f" Did you mean {nearest[0]}?" if nearest else ""
    raise _refusal(
        f"{line.place}: no use case and no code reads {line.name}, so the setting would have no effect.{meant}",
        "Correct the name, or remove the line.",
    )


def _value(line: _Line) -> str:
    if not (match := _VALUE.fullmatch(line.value)):
        raise _refusal(
            f"{line.place}: the value of {line.name} begins with a quotation mark, but it has no closing mark, contains"
            " a backslash, or goes on after the closing mark.",
            f"Write the value without quotation marks, such as {line.name}=value, or in single quotation marks.",
        )
    value = match["single"] or match["double"] or match["plain"] or ""
    if "$" in value and not match["single"]:
        raise _refusal(
            f"{line.place}: the value of {line.name} contains $. Docker Compose would put the value of a variable in"
            " its place, and MWAA would not.",
            "Write what the value is to be, or put it in single quotation marks to keep the $.",
        )
    pattern, expected = _EXPECTED.get(line.name, (None, ""))
    if value and pattern and not pattern.fullmatch(value):
        raise _refusal(f"{line.place}: {line.name} is {value!r}, expected {expected}.", "Correct the value.")
    return value


def _refusal(problem: str, to_do: str) -> InputError:
    return InputError(f"{problem} No package was built. {to_do}")
