"""Install what Amazon MWAA's image contains, and then the package's requirements, as MWAA does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from include.distill.core.errors import InputError
from tools.mwaa.package import REQUIREMENTS

CONSTRAINTS = Path(__file__).with_name("constraints.txt")
PYTHON = "3.12"
# The image has more packages that no code here needs: psycopg2 built from source, type stubs and pycurl of its own.
IMAGE_PACKAGES = (
    "apache-airflow[celery,statsd]",
    "apache-airflow-core[gunicorn]",
    "apache-airflow-providers-amazon[aiobotocore]",
    "apache-airflow-providers-fab",
    "apache-airflow-providers-postgres",
    "apache-airflow-providers-standard",
    "celery[sqs]",
    "fluent-logger",
    "virtualenv",
    "watchtower",
)
INSTALL_SECONDS = 540  # MWAA gives an installation nine minutes


def install_image(python: str, package: Path, folder: Path) -> Path:
    """
    Create a virtual environment with the packages of the image and the package's requirements.

    :param python: a version or a path of Python 3.12.
    :param package: the folder of the package.
    :return: the folder of the environment's programs.
    :raises InputError: the environment cannot be created. The message shows the reason.
    """
    programs = folder / "bin"
    pip = ["pip", "install", "--quiet", "--python", str(programs / "python"), "--constraint", str(CONSTRAINTS)]
    _uv("venv", "--quiet", "--clear", "--python", python, str(folder))
    _uv(*pip, *IMAGE_PACKAGES)
    _uv(*pip, "--requirement", str(package / REQUIREMENTS))
    return programs


def _uv(*arguments: str) -> None:
    command = [sys.executable, "-m", "uv", *arguments]
    elsewhere = Path(__file__).anchor  # in this checkout, uv would obey the constraints in pyproject.toml
    try:
        done = subprocess.run(
            command, cwd=elsewhere, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise InputError(
            f"uv {arguments[0]} did not end within {INSTALL_SECONDS} s. Nothing was started. Try again."
        ) from None
    if done.returncode:
        raise InputError(
            f"uv {' '.join(arguments[:2])} failed. Nothing was started. Correct the reason and try again. To choose a"
            f' Python {PYTHON}, use TRIAL="--python PATH". The reason:\n{done.stderr.strip()}'
        )
