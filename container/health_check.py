"""Check that a URL responds. Usage: ``python -m container.health_check URL``. The image has no curl."""

from __future__ import annotations

import sys
import urllib.request

TIMEOUT_SECONDS = 8.0


def main(arguments: list[str]) -> int:
    """Return 0 if the URL responds without an error; otherwise print the reason and return 1."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy: the service is on this machine
    try:
        opener.open(arguments[0], timeout=TIMEOUT_SECONDS).close()
    except OSError as error:
        sys.stderr.write(f"{arguments[0]}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
