"""
A pytest fixture that runs the AWS simulator.

To use it, add ``pytest_plugins = ["tools.aws_simulator.pytest_plugin"]`` to ``conftest.py``. Each test that uses
``aws_simulator`` gets a simulator of its own with an empty account. While the test runs, the environment variables make
AWS's SDKs use this simulator. To change the simulator's settings, override the fixture ``aws_simulator_settings``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tools.aws_simulator.testing import RunningSimulator, environment, start_simulator


@pytest.fixture
def aws_simulator_settings() -> dict[str, Any]:
    """Return the simulator settings that differ from ``FAST`` in ``testing.py``."""
    return {}


@pytest.fixture
def aws_simulator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, aws_simulator_settings: dict[str, Any]
) -> Iterator[RunningSimulator]:
    """Run an AWS simulator with an empty account, and make AWS's SDKs use it."""
    with start_simulator(tmp_path / "aws_simulator", **aws_simulator_settings) as simulator:
        for name, value in environment(simulator.url, os.environ).items():
            if value is None:
                monkeypatch.delenv(name)
            else:
                monkeypatch.setenv(name, value)
        # The default session of boto3 keeps the credentials that it found first.
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        yield simulator
