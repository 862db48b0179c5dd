"""Run the AWS simulator in the test process, with the roles that the tests' requests name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.aws_simulator import testing
from tools.aws_simulator.testing import FAST, AdminError, RunningSimulator

__all__ = ["FAST", "ROLES", "AdminError", "RunningSimulator", "connected_simulator", "start_simulator"]

if TYPE_CHECKING:
    import pytest

# A test about missing roles uses another name.
ROLES = [
    f"arn:aws:iam::123456789012:role/{name}" for name in ("customization", "bedrock-distill-customization", "prod", "r")
]


@contextmanager
def start_simulator(state_dir: Path, **settings: Any) -> Iterator[RunningSimulator]:
    """Run an AWS simulator until the block ends, with the settings ``FAST`` unless others are passed."""
    with testing.start_simulator(state_dir, roles=ROLES, **settings) as simulator:
        yield simulator


@contextmanager
def connected_simulator(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any
) -> Iterator[RunningSimulator]:
    """Run an AWS simulator to which the connection ``aws_default`` leads, until the block ends."""
    with start_simulator(state_dir, **settings) as simulator:
        monkeypatch.setenv("AWS_ENDPOINT_URL", simulator.url)
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", "aws://any:any@?region_name=us-east-1")
        yield simulator
