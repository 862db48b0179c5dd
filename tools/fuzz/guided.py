"""
Run one target in this process with atheris, which prefers inputs that reach new code of the pipeline.

atheris ends the process itself, so this module is a program of its own. It writes its result before the last input is
counted, and after each failure.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from include.distill.core.paths import PROJECT_ROOT
from tools.fuzz.contract import Target
from tools.fuzz.engine import Failure, Result, seeds_of, try_input
from tools.fuzz.mutation import MAX_BYTES, mutate

LIBRARY = PROJECT_ROOT / ".venv" / "atheris"


def is_available() -> bool:
    """Return whether atheris is installed. ``make fuzz`` installs it where it has a package."""
    return (LIBRARY / "atheris").is_dir()


def run(target: str, number: int, seed: int) -> Result:
    """
    Run a target in a process of its own, and return its result.

    :raises RuntimeError: the process ended without a result for all inputs.
    """
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        path = Path(folder) / "result.json"
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, (PROJECT_ROOT, PROJECT_ROOT / "plugins", LIBRARY))),
        }
        command = [sys.executable, "-m", "tools.fuzz.guided", target, str(number), str(seed), str(path)]
        ended = subprocess.run(command, cwd=PROJECT_ROOT, env=environment, capture_output=True, check=False)
        result = from_json(path.read_text(encoding="utf-8")) if path.exists() else Result(target)
    if result.inputs < number:
        log = ended.stderr.decode(errors="replace")[-2_000:]
        message = (
            f"atheris ended after {result.inputs} of {number} inputs of {target} (exit code {ended.returncode}): {log}"
        )
        raise RuntimeError(message)
    return result


def to_json(result: Result) -> str:
    """Return a result as JSON. The data of a failure is in hex digits."""
    failures = [{**failure.__dict__, "data": failure.data.hex()} for failure in result.failures.values()]
    return json.dumps({**result.__dict__, "failures": failures})


def from_json(text: str) -> Result:
    """Return a result from its JSON."""
    record = json.loads(text)
    failures = [Failure(**{**one, "data": bytes.fromhex(one["data"])}) for one in record.pop("failures")]
    return Result(**record, failures={failure.place: failure for failure in failures})


def counted(target: Target, number: int, write: Callable[[str], object]) -> Callable[[bytes], None]:
    """Return a function that gives an input to a target, and writes the result when it may be the last one."""
    result, written = Result(target.name), 0

    def read(data: bytes) -> None:
        nonlocal written
        if result.inputs >= number:  # atheris also reads the seeds
            return
        try_input(target, data, result)
        if result.inputs == number or len(result.failures) > written:
            written = len(result.failures)
            write(to_json(result))

    return read


def mutator(target: Target, seeds: Sequence[bytes]) -> Callable[[bytes, int, int], bytes]:
    """Return a function with the arguments of atheris that changes an input which atheris has chosen."""

    def change(data: bytes, max_size: int, seed: int) -> bytes:
        return mutate(data, Random(seed), seeds, target.words)[:max_size]

    return change


def _main(name: str, number: int, seed: int, path: Path) -> None:
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["include", "bedrock_distill"]):
        targets = importlib.import_module("tools.fuzz.targets")
    target = targets.TARGETS[name]
    seeds = seeds_of(target)
    with tempfile.TemporaryDirectory(prefix="fuzz-seeds-") as folder:
        for position, data in enumerate(seeds):
            (Path(folder) / str(position)).write_bytes(data)
        options = [
            f"-runs={number + 2 * len(seeds) + 10}",
            f"-seed={seed + 1}",
            f"-max_len={MAX_BYTES}",
            "-timeout=600",
        ]
        atheris.Setup(
            ["fuzz", *options, "-verbosity=0", "-rss_limit_mb=0", folder],
            counted(target, number, lambda text: path.write_text(text, encoding="utf-8")),
            custom_mutator=mutator(target, seeds),
        )
        atheris.Fuzz()


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
