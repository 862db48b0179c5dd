"""Show the results as a Markdown table, and write it into a README."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from tools.foreign_clients.clients import CASES
from tools.foreign_clients.measurement import Result

BEGIN = "<!-- begin: python -m tools.foreign_clients -->"
END = "<!-- end: python -m tools.foreign_clients -->"
ABSENT = "–"


def as_markdown(results: list[Result], day: date) -> str:
    """Return the table, the day of the measurement, and an explanation of each case."""
    rows = [("client", "version", *CASES), ("---",) * (2 + len(CASES))]
    rows += [(result.client, result.version, *(result.cases.get(case, ABSENT) for case in CASES)) for result in results]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    cases = "\n".join(f"- {name}: {text}" for name, text in CASES.items())
    intro = f"Measured on {day.isoformat()}. A dash means that the case does not apply to the client."
    return f"{intro}\n\n{table}\n\n{cases}\n"


def write_between_markers(path: Path, text: str) -> None:
    """Replace the text between the two markers in a file.

    :raises ValueError: the file does not have both markers; it is not changed.
    """
    content = path.read_text(encoding="utf-8")
    before, begin, rest = content.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} does not have the lines {BEGIN} and {END}. It was not changed. Add both lines.")
    path.write_text(f"{before}{begin}\n{text}{end}{after}", encoding="utf-8")
