"""
Read the name of this installation, which keeps it apart from other installations in the same AWS account.

Names, tags and run folders contain the environment's name. So a development and a production installation that run the
same use case with the same schedule neither find nor delete each other's resources.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from include.distill.core.errors import FAILED_TASK, UseCaseError

ENVIRONMENT_VARIABLE = "DISTILL_ENVIRONMENT"
# For messages about the value of a variable.
WHERE_VARIABLES_ARE_SET = "where the variables of Airflow are set, such as in .env (docs/reference/environment.md)"
_PATTERN = r"[a-z][a-z0-9-]{0,15}"
EnvironmentName = Annotated[str, Field(pattern=rf"^{_PATTERN}$")]


def environment_name(variables: Mapping[str, str] | None = None) -> str:
    """
    Return the name of this installation.

    :param variables: environment variables; if ``None``, those of the process.
    :raises UseCaseError: the variable is not set or is not a valid name. Nothing runs without it.
    """
    value = (os.environ if variables is None else variables).get(ENVIRONMENT_VARIABLE, "")
    if re.fullmatch(_PATTERN, value):
        return value
    problem = f"is {value!r}, which is not a valid name" if value else "is not set or is empty"
    raise UseCaseError(
        f"environment variable {ENVIRONMENT_VARIABLE} {problem}. It names this installation, for example prod, and"
        " separates its AWS resources from those of other installations. No use case can run without it.",
        left="Nothing was bought, changed or deleted.",
        to_do="Set it to 1 to 16 lower-case letters, digits and hyphens, starting with a letter, in all"
        " components of Airflow: in .env for Docker Compose, in env of the Helm chart, or in the startup script of"
        " Amazon MWAA. Then restart Airflow.",
        then_clear=FAILED_TASK,
    )
