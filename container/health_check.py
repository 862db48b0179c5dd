"""``python -m container.health_check URL``: a health check, for images that hold no curl."""

from __future__ import annotations

import sys
import urllib.request

TIMEOUT_SECONDS = 8.0


def main(arguments: list[str]) -> int:
    """Return 0 when the URL answers with success, else 1 after saying why not."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the service is this very machine's
    try:
        opener.open(arguments[0], timeout=TIMEOUT_SECONDS).close()
    except OSError as error:
        sys.stderr.write(f"{arguments[0]}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
