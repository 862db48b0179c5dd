"""All rules together find nothing in a good end, and each rule takes part."""

from __future__ import annotations

from tests.tools.simulate.checks.ends import ENDPOINT, GOOD, job, ledger, met, outcome
from tools.simulate.checks import breaches
from tools.simulate.faults import Way


def test_a_good_end_has_no_breach() -> None:
    assert breaches(outcome(GOOD)) == []
    stopped = ledger(job("a", "Stopped"), job("a-2", "Completed", 2.0))
    ends = {"ended": ["failed", "success"], "met": [met(Way.MARK_FAILED)]}
    assert breaches(outcome(ledger(job("a", "Stopped")), stopped, **ends)) == []


def test_every_rule_takes_part() -> None:
    wrong = outcome(ledger(throughputs=({**ENDPOINT, "alive": True},)), ended=["stuck"])
    found = breaches(wrong)
    for words in ("never ended", "without a training job", "still exists"):
        assert any(words in breach for breach in found), found
