"""The ways back of a schedule are those of the faults that happened."""

from __future__ import annotations

from tests.tools.simulate.checks.ends import DAY, GOOD, NEXT, RUN, met, outcome
from tools.simulate.checks.outcome import (
    MARK_FAILED,
    MARK_RUN_FAILED,
    MARK_SUCCESS,
    OUTLIVED,
    met_in,
    runs_of,
    says_it_is_done,
    ways,
)
from tools.simulate.faults import Kind, Way


def test_the_words_of_the_rules_are_those_of_the_ways_back() -> None:
    assert (
        str(Way.MARK_FAILED),
        str(Way.MARK_RUN_FAILED),
        str(Way.MARK_SUCCESS),
    ) == (MARK_FAILED, MARK_RUN_FAILED, MARK_SUCCESS)
    assert str(Kind.OUTLIVED) == OUTLIVED
    assert ways(outcome(GOOD, met=[met(Way.MARK_FAILED)])) == [MARK_FAILED]


def test_each_fault_belongs_to_its_run() -> None:
    first, second = met(Way.MARK_FAILED), met(Way.RETRY, run=NEXT)
    end = outcome(GOOD, GOOD, met=[first, second], started={NEXT: DAY, RUN: 0.0})
    assert runs_of(end) == [RUN, NEXT]
    assert met_in(end, NEXT) == [second]
    assert ways(end, RUN) == [MARK_FAILED]


def test_only_a_mark_of_this_task_in_this_run_says_that_its_work_is_done() -> None:
    end = outcome(GOOD, met=[met(Way.MARK_SUCCESS, "base.answer[1]"), met(Way.MARK_FAILED, "tuned.submit")])
    assert says_it_is_done(end, RUN, ".submit", ".answer")
    assert not says_it_is_done(end, RUN, ".submit")
    assert not says_it_is_done(end, NEXT, ".answer")
