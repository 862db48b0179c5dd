"""
Write the table of operations into the README: ``python -m tools.aws_simulator.server.operations_table``.

The table is generated from botocore's service models and the handlers of the simulator, so it cannot differ from the
code.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import botocore

from tools.aws_simulator.protocol.specification import SERVICES, load_service
from tools.aws_simulator.server.app import AwsSimulator

README = Path(__file__).parents[1] / "README.md"
BEGIN = "<!-- Written by `python -m tools.aws_simulator.server.operations_table`. Do not edit up to the next mark. -->"
END = "<!-- End of the generated part. -->"

Operations = Mapping[str, frozenset[str]]


def read_operations() -> dict[str, frozenset[str]]:
    """Return the names of the implemented operations, by the service's name in botocore."""
    with tempfile.TemporaryDirectory() as folder:
        simulator = AwsSimulator(Path(folder))
        try:
            return simulator.operations()
        finally:
            simulator.close()


def markdown(implemented: Operations) -> str:
    """Return the generated part of the README."""
    known = {name: load_service(name).operation_names for name in implemented}
    bedrock = sum(len(implemented[name]) for name in SERVICES)
    total = sum(len(known[name]) for name in SERVICES)
    paragraphs = [
        f"botocore {botocore.__version__} knows {total} operations of Bedrock. The simulator implements {bedrock} of"
        f" them. It refuses the other {total - bedrock}, and\nthe error names the operation.",
    ]
    for name in SERVICES:
        rows = [f"| `{operation}` | {_mark(operation in implemented[name])} |" for operation in sorted(known[name])]
        table = "\n".join(["| operation | simulator |", "|---|---|", *rows])
        paragraphs += [f"### {name}: {len(implemented[name])} of {len(known[name])} operations", table]
    paragraphs += ["### Other services", _neighbours(implemented, known)]
    return "\n\n".join(paragraphs)


def _mark(implemented: bool) -> str:
    return "**implemented**" if implemented else "refused"


def _neighbours(implemented: Operations, known: Mapping[str, list[str]]) -> str:
    rows = ["| `s3` | the operations of moto's S3 | all others, with an error of moto or of the simulator |"]
    for name in sorted(set(implemented) - set(SERVICES)):
        operations = ", ".join(f"`{operation}`" for operation in sorted(implemented[name]))
        others = len(known[name]) - len(implemented[name])
        rows.append(f"| `{name}` | {operations} | the other {others}; the error names the operation |")
    rows.append("| any other | none | all; the error names the service |")
    return "\n".join(["| service | implemented | refused |", "|---|---|---|", *rows])


def insert(text: str, table: str) -> str:
    """Replace the table in the README's text with ``table``, and return the new text.

    :raises ValueError: the text has no place for the table.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(
            f"{README} must have the line {BEGIN!r} and, after it, the line {END!r}. The table belongs between them."
            " Nothing was written."
        )
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


def main() -> int:
    """Write the table, and return the exit code."""
    README.write_text(insert(README.read_text(encoding="utf-8"), markdown(read_operations())), encoding="utf-8")
    sys.stdout.write(f"{README} is up to date.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
