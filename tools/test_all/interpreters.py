"""Find the interpreters of the supported versions of Python: on PATH, and among those that pyenv installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

VERSIONS = ("3.11", "3.12", "3.13")
SECONDS = 20.0  # an interpreter that does not answer in this time is not used
_VERSION = "import sys; print('{}.{}'.format(*sys.version_info))"


def find_interpreters(environ: Mapping[str, str]) -> dict[str, Path | None]:
    """Return an interpreter of each supported version; ``None`` if this machine has none of the version."""
    return {version: _first_of(version, environ) for version in VERSIONS}


def _first_of(version: str, environ: Mapping[str, str]) -> Path | None:
    return next((path for path in _candidates(version, environ) if _is_version(path, version)), None)


def _candidates(version: str, environ: Mapping[str, str]) -> Iterator[Path]:
    if found := shutil.which(f"python{version}", path=environ.get("PATH", os.defpath)):
        yield Path(found)
    root = Path(environ.get("PYENV_ROOT") or Path(environ.get("HOME", "/")) / ".pyenv")
    installed = [path for path in (root / "versions").glob(f"{version}.*") if path.name.split(".")[-1].isdigit()]
    for folder in sorted(installed, key=lambda path: int(path.name.split(".")[-1]), reverse=True):
        yield folder / "bin" / "python"


def _is_version(interpreter: Path, version: str) -> bool:
    """Start the interpreter, because pyenv puts commands on PATH for versions that are not active."""
    try:
        answer = subprocess.run(
            [str(interpreter), "-c", _VERSION], capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.stdout.strip() == version
