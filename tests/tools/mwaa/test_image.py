from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from include.distill.core.errors import InputError
from include.distill.core.paths import PROJECT_ROOT
from tools.mwaa import image
from tools.mwaa.image import CONSTRAINTS, IMAGE_PACKAGES, install_image


def test_the_image_is_installed_before_the_requirements_and_with_its_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], *, cwd: str, **_: object) -> SimpleNamespace:
        assert not Path(cwd).is_relative_to(PROJECT_ROOT), "uv would read pyproject.toml"
        commands.append(command)
        return SimpleNamespace(returncode=0, stderr="")

    monkeypatch.setattr(image.subprocess, "run", run)
    programs = install_image("3.12", tmp_path / "package", tmp_path / "venv")
    assert programs == tmp_path / "venv" / "bin"
    venv, packages, requirements = (command[3:] for command in commands)
    assert venv[:1] == ["venv"]
    assert venv[-2:] == ["3.12", str(tmp_path / "venv")]
    assert packages[-len(IMAGE_PACKAGES) :] == [*IMAGE_PACKAGES]
    assert requirements[-1] == str(tmp_path / "package" / "requirements.txt")
    assert all(str(CONSTRAINTS) in command for command in (packages, requirements))


def test_a_failed_installation_shows_the_reason_and_how_to_choose_a_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The environments of `make test-all` do not contain uv, so a program that fails takes its place.
    fails = tmp_path / "fails"
    fails.write_text('#!/bin/sh\necho "no interpreter for: $*" >&2\nexit 2\n')
    fails.chmod(0o755)
    monkeypatch.setattr(image.sys, "executable", str(fails))
    expected = (
        r"uv venv --quiet failed. Nothing was started.*--python PATH(?s:.*)no interpreter for: -m uv venv .*no-python"
    )
    with pytest.raises(InputError, match=expected):
        install_image(str(tmp_path / "no-python"), tmp_path, tmp_path / "venv")


def test_an_installation_that_hangs_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **_: object) -> object:
        raise subprocess.TimeoutExpired(command, 1)

    monkeypatch.setattr(image.subprocess, "run", run)
    with pytest.raises(InputError, match=r"uv venv did not end within 540 s"):
        install_image("3.12", tmp_path, tmp_path / "venv")
