"""Choose the requirements that Amazon MWAA's image lacks, so that an installation changes nothing that it has."""

from __future__ import annotations

import re

from include.distill.core.errors import InputError
from include.distill.core.paths import PROJECT_ROOT

REQUIREMENTS = PROJECT_ROOT / "requirements.txt"
# MWAA's image has the other packages of requirements.txt: Airflow, its providers, boto3, croniter, Jinja, pydantic ...
MISSING_IN_MWAA = ("jsonlines", "numpy", "pandas", "scipy")
# MWAA searches every line, also comments. If one matches, it does not force Airflow's constraints.
NAMES_CONSTRAINTS = re.compile(r"-c |--constraint ")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HEADER = """\
# The packages that MWAA's image for Airflow 3.3 lacks. The file names no versions to force, so MWAA installs the
# versions that Airflow's own list demands.
"""


def mwaa_requirements(text: str) -> str:
    """
    Return the content of ``requirements.txt`` for MWAA.

    :param text: the content of the project's ``requirements.txt``.
    :raises InputError: a package that MWAA lacks is not in the text.
    """
    lines = {_name(line): _without_comment(line) for line in text.splitlines() if _NAME.match(line)}
    if absent := [name for name in MISSING_IN_MWAA if name not in lines]:
        raise InputError(
            f"requirements.txt does not name {', '.join(absent)}, which MWAA's image lacks. No package was built. Add"
            " the line to requirements.txt."
        )
    return _HEADER + "".join(f"{lines[name]}\n" for name in MISSING_IN_MWAA)


def _name(line: str) -> str:
    match = _NAME.match(line)
    return match[0].lower() if match else ""


def _without_comment(line: str) -> str:
    return line.partition("#")[0].strip()
