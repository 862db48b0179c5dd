from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.aws_simulator import FAST, RunningSimulator, start_simulator
from tests.tools.aws_simulator import builders
from tools.aws_simulator.account.settings import Settings


@pytest.fixture(scope="module")
def _running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    with start_simulator(tmp_path_factory.mktemp("aws_simulator")) as simulator:
        yield simulator


@pytest.fixture
def simulator(_running: RunningSimulator) -> RunningSimulator:
    """One AWS simulator per module, with empty counts, no faults and quick settings for every test."""
    _running.admin("DELETE", "faults")
    _running.admin("PUT", "settings", Settings().model_dump() | FAST)
    _running.admin("POST", "ledger/reset")
    return _running


@pytest.fixture
def no_batch_left_running(simulator: RunningSimulator) -> Iterator[None]:
    """End the batch jobs of a test, so that none of them is billed in the next test."""
    yield
    simulator.admin("PUT", "settings", {"batch_seconds": 0})
    for job in simulator.ledger["batch_jobs"]:
        builders.finished_batch(simulator, job["arn"])
