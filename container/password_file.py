"""
Write ``ADMIN_PASSWORD`` to the password file of Airflow's simple auth manager: ``python -m container.password_file``.

The auth manager reads passwords only from a file. It would generate and log a password for a user who is not in the
file.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

USERS = "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"
FILE = "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"
PASSWORD = "ADMIN_PASSWORD"  # noqa: S105 - the name of a variable, not a password


def write_password_file(environ: Mapping[str, str]) -> None:
    """
    Write a new password file, which only its owner can read. An existing file is replaced.

    :raises ValueError: the environment does not name exactly one user with a password.
    """
    user, _, role = environ.get(USERS, "").partition(":")
    if not user.strip() or "," in user or not role or any(mark in role for mark in ":,") or not environ.get(PASSWORD):
        raise ValueError(
            f"The password file was not written, and the api-server was not started. {USERS} must name exactly one user"
            f" (name:role, without a comma), and {PASSWORD} must contain the user's password. Correct both in .env; see"
            " .env.example."
        )
    path = Path(environ[FILE])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump({user: environ[PASSWORD]}, file)


if __name__ == "__main__":
    try:
        write_password_file(os.environ)
    except ValueError as error:
        sys.exit(str(error))
