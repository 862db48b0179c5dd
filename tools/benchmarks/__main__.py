"""
Run the benchmarks: ``python -m tools.benchmarks``.

The command prints the table, writes it to ``.local/bench.json``, and exits with 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from include.distill.core.paths import PROJECT_ROOT
from tools.benchmarks.bench import Bench, Sizes
from tools.benchmarks.cases import CASES, Case
from tools.benchmarks.figures import Figure, header, line, markdown, verdict
from tools.benchmarks.processes import server
from tools.local_airflow.settings import Layout

LOCAL = PROJECT_ROOT / ".local"
SMALL = Sizes(documents=40, tight_documents=20, many_documents=200, csv_rows=400, characters=4000, latency_seconds=0.1)


def main(arguments: list[str] | None = None) -> int:
    """Measure the selected cases and return the exit code: 1 when a target was missed."""
    options = _parse(arguments)
    chosen = [case for case in CASES if not options.only or any(text in case.name for text in options.only)]
    began, load = time.monotonic(), os.getloadavg()[0]
    if options.state.is_relative_to(LOCAL):
        Layout(state=LOCAL).make_private()
    options.state.mkdir(parents=True, exist_ok=True)
    with server("model_server") as model:
        figures = _measure(chosen, Bench(model, options.state, SMALL if options.small else Sizes()))
    loads = f"{load:.1f} before and {os.getloadavg()[0]:.1f} after, on {os.cpu_count()} cores"
    _say(f"{verdict(figures, (time.monotonic() - began) / 60)} Machine load: {loads}.")
    if options.markdown:
        _say(markdown(figures))
    when = datetime.now(UTC).isoformat(timespec="seconds")
    write_result(options.out, figures, measured_at=when, load=loads, small=options.small)
    return 0 if all(figure.ok for figure in figures) else 1


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="measure only the cases whose names contain NAME")
    parser.add_argument("--small", action="store_true", help="use small sizes, only to check that the benchmarks work")
    parser.add_argument(
        "--markdown", action="store_true", help="also print the table for docs/explanation/performance.md"
    )
    parser.add_argument("--state", type=Path, default=LOCAL / "bench", help="folder for logs and state")
    parser.add_argument("--out", type=Path, default=LOCAL / "bench.json", help="file for the table, as JSON")
    options = parser.parse_args(arguments)
    for text in options.only or ():
        if not any(text in case.name for case in CASES):
            names = ", ".join(case.name for case in CASES)
            parser.error(f"no case has a name that contains {text!r}. Nothing was measured. The cases are: {names}")
    return options


def _measure(cases: Sequence[Case], bench: Bench) -> list[Figure]:
    measured: list[Figure] = []
    _say(header())
    for case in cases:
        for figure in case.measure(bench):
            _say(line(figure))
            measured.append(figure)
    return measured


def write_result(path: Path, figures: Sequence[Figure], **more: object) -> None:
    """Write the table as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    body = {"cases": [figure.as_record() for figure in figures], **more}
    path.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
