"""Build the package for Amazon MWAA (``make mwaa``): ``python -m tools.mwaa``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from include.distill.core.errors import InputError
from include.distill.core.paths import PROJECT_ROOT
from tools.local_airflow.exit_codes import REFUSED
from tools.mwaa.package import Package, build, has_package
from tools.mwaa.settings import read_settings

OUTPUT = PROJECT_ROOT / "build" / "mwaa"


def main(arguments: list[str]) -> int:
    """Build the package and say what to do with it. Return 2 if no package was built."""
    parser = argparse.ArgumentParser(prog="python -m tools.mwaa", description=__doc__)
    settings = Path(os.environ.get("ENV_FILE") or PROJECT_ROOT / ".env")
    parser.add_argument("--settings", type=Path, default=settings, help="settings file (default: ENV_FILE, or .env)")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder of the package (default: build/mwaa)")
    chosen = parser.parse_args(arguments)
    try:
        package = build(read_settings(chosen.settings), chosen.output)
    except InputError as error:
        print(error, file=sys.stderr)
        if has_package(chosen.output):
            print(
                f"{chosen.output} still contains the package of an earlier build. Do not upload it in place of this"
                " one.",
                file=sys.stderr,
            )
        return REFUSED
    print(describe(package))
    return 0


def describe(package: Package) -> str:
    """Return the text that says what was built, which use cases are missing, and what to do next."""
    files = "".join(f"\n  {path.name}" for path in sorted(package.folder.iterdir()))
    lines = [
        f"The package for Amazon MWAA (Airflow 3.3) is in {package.folder}:{files}",
        f"Use cases: {', '.join(package.use_cases)}.",
        *(f"Airflow will not load this use case: {problem}" for problem in package.problems),
        "Next: upload the package and create the pools as docs/how-to/run_on_mwaa.md says. Nothing was uploaded.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
