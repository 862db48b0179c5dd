"""The rules for endpoints find those that stay, those that are billed twice, and those that are missing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tools.simulate.checks.ends import DAY, GOOD, NEXT, RUN, endpoint, ledger, met, outcome
from tools.simulate.checks.endpoints import breaches
from tools.simulate.faults import Kind, Way

LEFT = endpoint(deleted=None)
KINDS = [("throughputs", "tuned.release"), ("deployments", "tuned.undeploy")]


def served(*endpoints: dict[str, Any], kind: str = "throughputs") -> Any:
    kinds: Any = {kind: endpoints}
    return ledger(*GOOD["jobs"], **kinds)


def late(what: str, task: str = "tuned.provision") -> Any:
    return met(Way.RETRY, task, what=what, kind=Kind.OUTLIVED)


def again(*faults: Any, task: str = "tuned.provision") -> Any:
    """One run that has bought two endpoints, one after the other."""
    return outcome(served(endpoint(), endpoint(6.0, 7.0, "u-tuned-0-s2")), met=[*faults], executed={task})


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (outcome(served(LEFT)), "still exist"),
        (outcome(served(LEFT, kind="deployments")), "still exist"),
        (outcome(GOOD, after_mark=[served(LEFT, kind="deployments")]), "exists although"),
        (outcome(served(endpoint(), endpoint(4.0, 6.0))), "at the same time"),
        # The exception for the sweeper allows only the endpoint of this run and arm.
        (outcome(served(LEFT, LEFT), met=[met(Way.MARK_FAILED, "tuned.release")]), "leave 1 to the sweeper"),
        (outcome(served(LEFT), met=[met(Way.MARK_FAILED, "other.release")]), "leave 0 to the sweeper"),
        (outcome(GOOD, served(LEFT), met=[met(Way.MARK_FAILED, "tuned.release", NEXT)]), "leave 0 to the sweeper"),
        (outcome(served(LEFT), met=[late("HeadObject")]), "leave 0 to the sweeper"),
        (
            outcome(served(*[endpoint(1.0, 9.0)] * 3), met=[met(Way.MARK_FAILED, "tuned.release")]),
            "3 endpoints of the same arm existed",
        ),
        (again(), "only 0 faults make it buy again"),
        (again(met(Way.RETRY)), "only 0 faults make it buy again"),
        (again(met(Way.CLEAR, run=NEXT)), "only 0 faults make it buy again"),
        (outcome(GOOD, executed={"tuned.deploy"}), "succeeded without an endpoint"),
        (outcome(served(endpoint()), GOOD, executed={"tuned.deploy"}), "2 succeeded without an endpoint"),
        (
            outcome(GOOD, executed={"tuned.provision"}, met=[met(Way.MARK_SUCCESS, "tuned.release")]),
            "succeeded without an endpoint",
        ),
    ],
)
def test_each_kind_of_damage_is_found(end: Any, words: str) -> None:
    found = list(breaches(end))
    assert any(words in breach for breach in found), found


@pytest.mark.parametrize(("kind", "task"), KINDS)
@pytest.mark.parametrize("way", [Way.MARK_SUCCESS, Way.MARK_FAILED])
def test_the_sweeper_is_left_the_endpoint_if_a_person_marks_the_task_that_deletes_it(
    kind: str, task: str, way: Way
) -> None:
    assert not [*breaches(outcome(served(LEFT, kind=kind), met=[met(way, task)]))]


def test_the_sweeper_is_left_the_endpoint_if_the_old_copy_slept_right_before_the_creation() -> None:
    end = outcome(served(LEFT, kind="deployments"), met=[late("CreateCustomModelDeployment", "tuned.deploy")])
    assert not [*breaches(end)]


@pytest.mark.parametrize("way", [Way.CLEAR, Way.CLEAR_DOWNSTREAM, Way.CLEAR_RUN, Way.LOSE_METADATA])
def test_a_cleared_run_may_buy_again(way: Way) -> None:
    assert not [*breaches(again(met(way)))]


def test_a_marked_task_also_leaves_the_endpoint_whose_deletion_failed_before_the_run_was_cleared() -> None:
    undeploy = "tuned.undeploy"
    left = served(LEFT, endpoint(6.0, None, "u-tuned-0-s2"), kind="deployments")
    faults = [met(Way.CLEAR_RUN, undeploy, kind=Kind.OUTAGE), met(Way.MARK_SUCCESS, undeploy)]
    assert not [*breaches(outcome(left, met=faults))]
    assert [*breaches(outcome(left, met=faults[1:]))]


@pytest.mark.parametrize("task", ["tuned.provision", "tuned.deploy"])
def test_a_run_needs_no_endpoint_if_a_person_gave_it_up_and_closed_it(task: str) -> None:
    closed = met(Way.MARK_SUCCESS, "outcome")
    assert not [*breaches(outcome(GOOD, executed={task}, met=[met(Way.MARK_FAILED, task), closed]))]
    assert [*breaches(outcome(GOOD, executed={task}, met=[closed]))]


def test_a_run_that_must_fail_needs_no_endpoint() -> None:
    closed = met(Way.MARK_SUCCESS, "outcome")
    assert not [*breaches(outcome(GOOD, executed={"tuned.deploy"}, met=[closed], must_fail=True))]


def test_each_run_may_buy_an_endpoint() -> None:
    two = served(endpoint(), endpoint(DAY + 1, DAY + 2, "u-tuned-1-s1"))
    end = outcome(served(endpoint()), two, ended=["failed", "success"], executed={"tuned.provision"})
    assert not [*breaches(end)]


def test_a_run_needs_no_endpoint_if_a_person_says_that_it_is_bought() -> None:
    end = outcome(GOOD, executed={"tuned.provision"}, met=[met(Way.MARK_SUCCESS, "tuned.provision")])
    assert RUN in end.started
    assert not [*breaches(end)]
