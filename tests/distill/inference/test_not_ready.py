"""A new deployment may refuse its first calls, because it is not ready yet."""

from __future__ import annotations

import pytest

from include.distill.core.errors import ModelNotReadyError
from include.distill.inference.paced_client import MAX_ATTEMPTS
from include.distill.inference.rate_limits import Quota
from tests.distill.inference.test_paced_client import Server, Time, ask, paced


def test_a_call_waits_longer_than_after_failures_until_the_endpoint_is_ready() -> None:
    time = Time()
    server = Server(time, lambda n: ModelNotReadyError("not ready") if n <= 2 * MAX_ATTEMPTS else None)
    assert ask(paced(server, time, Quota(), patience_seconds=600)).text == "text"
    assert len(server.asked_at) == 2 * MAX_ATTEMPTS + 1
    assert time() > 60


def test_an_endpoint_that_is_never_ready_is_an_error_after_the_patience() -> None:
    time = Time()
    server = Server(time, lambda _: ModelNotReadyError("not ready"))
    with pytest.raises(ModelNotReadyError, match="did not answer one request"):
        ask(paced(server, time, Quota(), patience_seconds=100))
    assert 100 <= time() < 130


def test_the_quota_is_not_used_up_by_calls_that_were_refused() -> None:
    time = Time()
    server = Server(time, lambda n: ModelNotReadyError("not ready") if n == 1 else None)
    client = paced(server, time, Quota(tokens_per_minute=6000, starts_full=False))
    ask(client)
    assert server.asked_at[1] == pytest.approx(4.0, abs=1.1)  # 2 s for the tokens, and a pause of 1 to 2 s
