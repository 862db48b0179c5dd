"""The ways back of a schedule are those of the faults that happened."""

from __future__ import annotations

from tests.tools.simulate.checks.ends import GOOD, met, outcome
from tools.simulate.checks.outcome import MARK_FAILED, MARK_RUN_FAILED, MARK_SUCCESS, OUTLIVED, ways
from tools.simulate.faults import Kind, Way


def test_the_words_of_the_rules_are_those_of_the_ways_back() -> None:
    assert (
        str(Way.MARK_FAILED),
        str(Way.MARK_RUN_FAILED),
        str(Way.MARK_SUCCESS),
    ) == (MARK_FAILED, MARK_RUN_FAILED, MARK_SUCCESS)
    assert str(Kind.OUTLIVED) == OUTLIVED
    assert ways(outcome(GOOD, met=[met(Way.MARK_FAILED)])) == [MARK_FAILED]
