"""Run the unit tests on every supported version of Python: ``python -m tools.test_all [option of pytest ...]``."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from include.distill.core.paths import PROJECT_ROOT
from tools.test_all.environments import NotInstalledError, Outcome, UnitTestEnvironment
from tools.test_all.interpreters import VERSIONS, find_interpreters

HEADINGS = ("Python", "interpreter", "result", "tests", "failed", "skipped", "seconds")


def main(options: list[str]) -> int:
    """Return 0 if the tests passed on every interpreter that was found, 1 if one failed or none was found."""
    interpreters = find_interpreters(os.environ)
    outcomes: dict[str, Outcome] = {}
    for version, interpreter in interpreters.items():
        if interpreter is not None:
            print(f"\nPython {version}: {interpreter}", flush=True)
            outcomes[version] = _test(version, interpreter, options)
    print(f"\n{describe(interpreters, outcomes)}")
    missing = [version for version in VERSIONS if interpreters[version] is None]
    if missing:
        print(f"Not found, so not tested: Python {', '.join(missing)}. Install them, for example with pyenv.")
    return 0 if outcomes and all(outcome.passed for outcome in outcomes.values()) else 1


def describe(interpreters: Mapping[str, Path | None], outcomes: Mapping[str, Outcome]) -> str:
    """Return a table with one row for each version."""
    rows = [HEADINGS, *(_row(version, path, outcomes.get(version)) for version, path in interpreters.items())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _row(version: str, path: Path | None, outcome: Outcome | None) -> tuple[str, ...]:
    if outcome is None:
        return (version, "-", "not found", *"----")
    result = "passed" if outcome.passed else "FAILED"
    counts = (outcome.tests, outcome.failed, outcome.skipped)
    seconds = "-" if outcome.seconds is None else f"{outcome.seconds:.0f}"
    return (version, str(path), result, *("-" if count is None else str(count) for count in counts), seconds)


def _test(version: str, interpreter: Path, options: list[str]) -> Outcome:
    environment = UnitTestEnvironment(PROJECT_ROOT, version, uv=Path(sys.executable).with_name("uv"))
    try:
        environment.install(interpreter)
    except NotInstalledError as error:
        print(error, file=sys.stderr)
        return Outcome(passed=False)
    return environment.test(options, os.environ)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
