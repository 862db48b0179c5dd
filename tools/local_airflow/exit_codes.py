"""Define the exit codes of the local commands. The exit code 0 means success."""

from __future__ import annotations

FAILED = 1
REFUSED = 2
INTERRUPTED = 130  # as in a shell after Ctrl-C
