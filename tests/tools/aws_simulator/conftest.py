from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.stand_in import FAST, RunningStandIn, start_stand_in
from tools.aws_simulator.account.settings import Settings


@pytest.fixture(scope="module")
def _running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStandIn]:
    with start_stand_in(tmp_path_factory.mktemp("stand_in")) as stand_in:
        yield stand_in


@pytest.fixture
def stand_in(_running: RunningStandIn) -> RunningStandIn:
    """One stand-in per module, with empty counts, no faults and quick settings for every test."""
    _running.admin("DELETE", "faults")
    _running.admin("PUT", "settings", Settings().model_dump() | FAST)
    _running.admin("POST", "ledger/reset")
    return _running
