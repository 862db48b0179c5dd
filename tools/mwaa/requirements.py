"""Choose the requirements that Amazon MWAA's image lacks, so that an installation changes nothing that it has."""

from __future__ import annotations

import re

from include.distill.core.errors import InputError

# MWAA's image has the other packages of requirements.txt: Airflow, its providers, boto3, croniter, Jinja, pydantic ...
MISSING_IN_MWAA = (
    "apache-airflow-providers-openlineage",
    "apache-airflow-providers-slack",
    "jsonlines",
    "numpy",
    "pandas",
    "scipy",
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# MWAA searches every line, also comments, for "-c " and "--constraint ". If it finds one, it does not force Airflow's
# constraints.
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
    found = ((_NAME.match(line), line.partition("#")[0].strip()) for line in text.splitlines())
    lines = {name[0].lower(): line for name, line in found if name}
    if absent := [name for name in MISSING_IN_MWAA if name not in lines]:
        raise InputError(
            f"requirements.txt does not name {', '.join(absent)}, which MWAA's image lacks. No package was built. Add"
            " the line to requirements.txt."
        )
    return _HEADER + "".join(f"{lines[name]}\n" for name in MISSING_IN_MWAA)
