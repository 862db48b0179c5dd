"""
``python -m include.deployment.stand_in --host H --port P --state FOLDER``: the stand-in for AWS in a container.

By itself the stand-in serves loopback only, since it checks no signatures. In a container that would reach nobody; who
may connect is decided there by the network, which is the deployment's own and publishes no port of it.
"""

from __future__ import annotations

import argparse
import signal
import socket
import sys
from pathlib import Path

from include.local_bedrock.app import StandIn
from include.local_bedrock.server import new_server

MODEL_UNITS = 4  # AWS grants none by default; the quota here is what a small team is usually given
BACKLOG = 2048


def main(arguments: list[str]) -> int:
    """Serve until a signal ends it; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m include.deployment.stand_in")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True)
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the state is closed before the end
    with socket.create_server((options.host, options.port), backlog=BACKLOG) as sock:
        stand_in = StandIn(options.state, {"model_units": MODEL_UNITS})
        try:
            new_server(stand_in).run(sockets=[sock])
        except KeyboardInterrupt:
            pass
        finally:
            stand_in.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
