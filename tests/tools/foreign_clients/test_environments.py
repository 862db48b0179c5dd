from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools.foreign_clients import environments
from tools.foreign_clients.environments import InstallationError, install, version


def test_version() -> None:
    assert version(Path(sys.executable), "pytest") == pytest.__version__


def test_an_installer_that_fails_is_reported_by_its_last_line() -> None:
    with pytest.raises(InstallationError, match="PackageNotFoundError"):
        version(Path(sys.executable), "no-such-distribution")


def test_an_installer_that_hangs_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setattr(environments, "INSTALL_SECONDS", 0.1)
    with pytest.raises(InstallationError, match=r"did not end within 0.1 s"):
        version(slow, "anything")


@pytest.mark.parametrize(
    ("with_uv", "tool"), [(True, ["-m", "uv", "pip", "install"]), (False, ["-m", "pip", "install"])]
)
def test_install_asks_for_the_requirements_in_an_environment_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_uv: bool, tool: list[str]
) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(environments, "_run", lambda command: commands.append(command) or "")
    monkeypatch.setattr(environments.importlib.util, "find_spec", lambda name: with_uv or None)
    python = install(("a[b]", "c"), tmp_path / "a")
    assert python == tmp_path / "a" / "bin" / "python"
    assert str(tmp_path / "a") in commands[0]
    assert commands[1][1 : 1 + len(tool)] == tool
    assert commands[1][-2:] == ["a[b]", "c"]
    assert str(python) in commands[1]
