"""
Install a client into a virtual environment of its own, because the clients need different versions of botocore.

The packages come from the package index that pip or uv is configured to use. If uv is installed, it is used, because it
is faster.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

INSTALL_SECONDS = 900
VERSION = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"


class InstallationError(Exception):
    """Raised if a client cannot be installed. The text is the installer's last line."""


def install(requirements: tuple[str, ...], folder: Path) -> Path:
    """Create a virtual environment with the newest versions that the requirements allow. Return the path of its Python.

    :raises InstallationError: the installer failed or took too long.
    """
    python = folder / "bin" / "python"
    if importlib.util.find_spec("uv"):
        uv = [sys.executable, "-m", "uv"]
        _run([*uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
        _run([*uv, "pip", "install", "--quiet", "--python", str(python), *requirements])
    else:
        _run([sys.executable, "-m", "venv", str(folder)])
        _run([str(python), "-m", "pip", "install", "--quiet", *requirements])
    return python


def version(python: Path, name: str) -> str:
    """Return the version of a distribution in the environment."""
    return _run([str(python), "-c", VERSION, name]).strip()


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=True)
    except subprocess.TimeoutExpired as error:
        raise InstallationError(f"did not end within {INSTALL_SECONDS} s") from error
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or [f"exit code {error.returncode}"]
        raise InstallationError(lines[-1]) from error
    return done.stdout
