"""
Restart a command whenever it dies, as systemd would: ``python -m tools.chaos.supervisor <pid file> <command...>``.

A command that dies leaves its children behind, which is the point: a killed scheduler leaves tasks running next to its
successor. The guard that runs this supervisor adopts them and stops them in the end. Standard library only, because
one supervisor runs per service.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

RESTART_SECONDS = 1.0


def main(arguments: list[str]) -> int:
    """Keep the command running until SIGTERM, and keep its pid in the pid file."""
    pid_file, command = Path(arguments[0]), arguments[1:]
    pid_file.parent.mkdir(parents=True, exist_ok=True)
    draft = pid_file.with_suffix(".draft")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    while True:
        child = subprocess.Popen(command)  # noqa: S603 our own
        try:
            draft.write_text(str(child.pid), encoding="utf-8")
            draft.replace(pid_file)  # a reader never sees half a pid
            child.wait()
        except SystemExit:
            child.terminate()
            raise
        sys.stderr.write(f"supervisor: process {child.pid} ended ({child.returncode}), starting it again\n")
        time.sleep(RESTART_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
