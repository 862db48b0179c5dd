"""
``python -m tools.chaos.keeper <pid file> <command...>``: starts a command again whenever it dies, as systemd would.

What dies leaves its children behind, which is the point: a killed scheduler leaves tasks running beside its successor.
They are adopted, and in the end stopped, by the guard that runs the keeper. Standard library only.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

RESTART_SECONDS = 1.0


def main(arguments: list[str]) -> int:
    """Keep the command alive until SIGTERM."""
    pid_file, command = Path(arguments[0]), arguments[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    while True:
        child = subprocess.Popen(command)  # noqa: S603 our own
        try:
            _write(pid_file, child.pid)
            child.wait()
        except SystemExit:
            child.terminate()
            raise
        sys.stderr.write(f"keeper: process {child.pid} ended ({child.returncode}), starting it again\n")
        time.sleep(RESTART_SECONDS)


def _write(path: Path, pid: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(str(pid), encoding="utf-8")
    draft.replace(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
