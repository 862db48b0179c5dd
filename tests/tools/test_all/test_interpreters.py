from __future__ import annotations

from pathlib import Path

import pytest

from tools.test_all.interpreters import VERSIONS, find_interpreters


def put(path: Path, version: str) -> Path:
    """Create a command that answers like an interpreter of a version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"PATH": str(tmp_path / "bin"), "PYENV_ROOT": str(tmp_path / "pyenv")}


def test_the_command_on_the_path_comes_first(tmp_path: Path, environ: dict[str, str]) -> None:
    first = put(tmp_path / "bin" / "python3.12", "3.12")
    put(tmp_path / "pyenv" / "versions" / "3.12.9" / "bin" / "python", "3.12")
    assert find_interpreters(environ) == {"3.11": None, "3.12": first, "3.13": None}


def test_a_command_that_is_not_the_version_is_replaced_by_the_newest_of_pyenv(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    put(tmp_path / "bin" / "python3.13", "pyenv: 3.13 is not active")
    for patch in ("3.13.2", "3.13.10", "3.13-dev", "3.13.11"):
        put(tmp_path / "pyenv" / "versions" / patch / "bin" / "python", "3.13")
    (tmp_path / "pyenv" / "versions" / "3.13.11" / "bin" / "python").unlink()
    assert find_interpreters(environ)["3.13"] == tmp_path / "pyenv" / "versions" / "3.13.10" / "bin" / "python"


def test_without_a_setting_pyenv_is_in_the_home_folder(tmp_path: Path) -> None:
    found = put(tmp_path / ".pyenv" / "versions" / "3.11.4" / "bin" / "python", "3.11")
    assert find_interpreters({"PATH": "", "HOME": str(tmp_path)})["3.11"] == found


def test_a_machine_without_any_interpreter(environ: dict[str, str]) -> None:
    assert find_interpreters(environ) == dict.fromkeys(VERSIONS)
