"""Fixtures for the tests of the local Airflow: an AWS simulator whose account this process uses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.aws_simulator import RunningSimulator, start_simulator
from tools.local_airflow.account import enter_account
from tools.local_airflow.ports import Ports


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[RunningSimulator]:
    before = dict(os.environ)
    with start_simulator(tmp_path, model_units=2) as running:
        enter_account(Ports(api=9, simulator=int(running.url.rpartition(":")[2])))
        yield running
    os.environ.clear()
    os.environ.update(before)
