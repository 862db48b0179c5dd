"""The AWS simulator in a thread of the test process; see ``tools/aws_simulator/testing.py``."""

from __future__ import annotations

from tools.aws_simulator.testing import FAST, AdminError, RunningSimulator, start_simulator

__all__ = ["FAST", "AdminError", "RunningSimulator", "start_simulator"]
