"""Install the locked packages for one interpreter, and run the unit tests with it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from include.distill.core.errors import DistillError

LOCK = "requirements-dev.lock"
UNIT_TESTS = ("-m", "not e2e", "-n", "auto")


class NotInstalledError(DistillError):
    """Packages could not be installed, so the tests did not start."""


class Outcome(NamedTuple):
    """The result of the tests. The counts are ``None`` if the tests ended before they wrote their report."""

    passed: bool
    tests: int | None = None
    failed: int | None = None
    skipped: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class UnitTestEnvironment:
    """
    A virtual environment with the locked packages, next to ``.venv``.

    :param project: the root of the checkout.
    :param uv: the command uv, which installs packages.
    """

    project: Path
    version: str
    uv: Path

    @property
    def folder(self) -> Path:
        """The folder of the virtual environment."""
        return self.project / f".venv-{self.version}"

    @property
    def python(self) -> Path:
        """The interpreter in the virtual environment."""
        return self.folder / "bin" / "python"

    def install(self, interpreter: Path) -> None:
        """
        Create the environment, and install the lock file into it. Nothing is done if this lock file is installed.

        :raises NotInstalledError: a package could not be installed.
        """
        stamp = self.folder / ".installed"
        lock = self.project / LOCK
        wanted = f"{interpreter}\n{hashlib.sha256(lock.read_bytes()).hexdigest()}\n"
        if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self._run([str(interpreter), "-m", "venv", str(self.folder)])
        self._run([str(self.uv), "pip", "sync", "-q", "--require-hashes", "--python", str(self.python), str(lock)])
        stamp.write_text(wanted, encoding="utf-8")

    def test(self, options: Sequence[str], environ: Mapping[str, str]) -> Outcome:
        """
        Run the unit tests.

        :param options: more options for pytest, such as a folder of tests.
        """
        report = self.folder / "unit_tests.xml"
        report.unlink(missing_ok=True)
        command = [str(self.python), "-m", "pytest", *UNIT_TESTS, f"--junit-xml={report}", *options]
        # The variables of Python and of a virtual environment belong to the interpreter that runs this command.
        kept = {name: value for name, value in environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
        code = subprocess.run(command, cwd=self.project, env=kept, check=False).returncode
        return read_report(report, passed=code == 0)

    def _run(self, command: Sequence[str]) -> None:
        done = subprocess.run(command, cwd=self.project, stdout=sys.stderr, check=False)
        if done.returncode != 0:
            raise NotInstalledError(
                f"`{' '.join(command)}` ended with exit code {done.returncode}, so no test ran with Python"
                f" {self.version}. Nothing but {self.folder} was changed. Correct what the lines above say, then run"
                " `make test-all` again."
            )


def read_report(path: Path, *, passed: bool) -> Outcome:
    """Read the counts from pytest's report. If pytest ended before it wrote the report, there are no counts."""
    if not path.exists():
        return Outcome(passed=False)
    counts = [suite.attrib for suite in ElementTree.parse(path).getroot().iter("testsuite")]  # noqa: S314 - our own file

    def total(name: str) -> int:
        return sum(int(one[name]) for one in counts)

    seconds = sum(float(one["time"]) for one in counts)
    return Outcome(passed, total("tests"), total("failures") + total("errors"), total("skipped"), seconds)
