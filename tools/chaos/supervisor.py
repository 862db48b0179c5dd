"""
Restart a command whenever it dies, as systemd would: ``python -m tools.chaos.supervisor <pid file> <command...>``.

When the command dies, its children are left running on purpose. The tasks of a killed scheduler therefore run at
the same time as the tasks of its successor. The guard that runs this supervisor adopts the children and stops them at
the end.

Each service has its own supervisor, so several supervisors run at the same time. To keep them small, this module
imports only the standard library.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

RESTART_SECONDS = 1.0


def main(arguments: list[str]) -> int:
    """Run the command, restart it when it dies, and write its pid to the pid file; stop on SIGTERM."""
    pid_file, command = Path(arguments[0]), arguments[1:]
    pid_file.parent.mkdir(parents=True, exist_ok=True)
    draft = pid_file.with_suffix(".draft")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    while True:
        child = subprocess.Popen(command)  # noqa: S603 our own
        try:
            draft.write_text(str(child.pid), encoding="utf-8")
            draft.replace(pid_file)  # so that a reader never sees half a pid
            child.wait()
        except SystemExit:
            child.terminate()
            raise
        sys.stderr.write(f"supervisor: process {child.pid} ended ({child.returncode}), starting it again\n")
        time.sleep(RESTART_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
