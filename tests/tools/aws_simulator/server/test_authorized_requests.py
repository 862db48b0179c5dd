"""Requests of all services in an account in which every request is authorised."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.aws_simulator import RunningSimulator, start_simulator
from tests.tools.aws_simulator.builders import refused
from tests.tools.aws_simulator.server.test_session_tokens import CALLS, REFUSALS, S3_MISSING

CALLERS = {"run-key": "runner"}


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    """An account with a role that its tests give permissions to."""
    with start_simulator(tmp_path_factory.mktemp("aws_simulator"), policies=[], callers=CALLERS) as running:
        yield running


@pytest.mark.parametrize("service", CALLS)
def test_a_key_of_nobody_is_refused(simulator: RunningSimulator, service: str) -> None:
    assert CALLS[service](simulator.boto(service)), "the owner's key is accepted"
    code, text, status = S3_MISSING if service == "s3" else REFUSALS[service][0]
    with refused(code, text, status=status):
        CALLS[service](simulator.boto(service, access_key="stranger"))
