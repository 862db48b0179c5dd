"""The rule for the sweeper finds an endpoint that it has left, and a run too many."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tools.simulate.checks.ends import endpoint, ledger, met, outcome
from tools.simulate.checks.sweeper import breaches
from tools.simulate.faults import Way

LEFT = ledger(throughputs=(endpoint(deleted=None),))
GONE = ledger(throughputs=(endpoint(),))
STANDING = ledger(throughputs=(endpoint(deleted=None, name="u-champion-1"),))


@pytest.mark.parametrize(
    ("last", "good"),
    [
        (GONE, {}),
        (STANDING, {}),
        (LEFT, {"swept": GONE, "sweeps": ["success"]}),
        (LEFT, {"swept": GONE, "sweeps": ["success"] * 3, "met": [met(Way.LOSE_METADATA)]}),
        (LEFT, {"swept": GONE, "sweeps": ["failed", "failed", "success"], "met": [met(Way.RETRY, "sweep_a_b")]}),
    ],
)
def test_an_endpoint_that_the_sweeper_has_deleted_is_no_breach(last: Any, good: Any) -> None:
    assert list(breaches(outcome(last, **good))) == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (outcome(LEFT), "exists after the runs of the sweeper"),
        (outcome(LEFT, swept=LEFT, sweeps=["success"]), "exists after the runs of the sweeper"),
        (outcome(LEFT, swept=GONE, sweeps=["stuck"]), "never ended"),
        (outcome(LEFT, swept=GONE, sweeps=["success"] * 3), "3 runs of the sweeper were needed"),
    ],
)
def test_what_the_sweeper_has_left_is_found(wrong: Any, words: str) -> None:
    assert any(words in breach for breach in breaches(wrong))
