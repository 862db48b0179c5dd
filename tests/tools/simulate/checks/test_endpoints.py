"""The rules for endpoints find those that stay, and those that are billed twice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tools.simulate.checks.ends import ENDPOINT, GOOD, ledger, met, outcome
from tools.simulate.checks.endpoints import breaches
from tools.simulate.faults import Call, Fault, Kind, Way


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (outcome(ledger(*GOOD["jobs"], throughputs=({**ENDPOINT, "alive": True},))), "still exists"),
        (outcome(ledger(*GOOD["jobs"], deployments=({**ENDPOINT, "alive": True},))), "still exists"),
        (outcome(GOOD, after_mark=[ledger(deployments=({**ENDPOINT, "alive": True},))]), "e exists although"),
        (outcome(ledger(*GOOD["jobs"], throughputs=(ENDPOINT, {**ENDPOINT, "created": 4.0}))), "at the same time"),
    ],
)
def test_each_kind_of_damage_is_found(end: Any, words: str) -> None:
    found = list(breaches(end))
    assert any(words in breach for breach in found), found


@pytest.mark.parametrize(("kind", "task"), [("throughputs", "tuned.release"), ("deployments", "tuned.undeploy")])
def test_the_sweeper_is_left_the_endpoint_if_a_person_marks_the_task_that_deletes_it(kind: Any, task: str) -> None:
    left = ledger(*GOOD["jobs"], **{kind: ({**ENDPOINT, "alive": True, "deleted": None},)})
    assert not [*breaches(outcome(left, met=[met(Way.MARK_SUCCESS, task)]))]


@pytest.mark.parametrize(("what", "is_left"), [("CreateCustomModelDeployment", True), ("HeadObject", False)])
def test_the_sweeper_is_left_the_endpoint_only_if_the_old_copy_slept_right_before_the_creation(
    what: str, is_left: bool
) -> None:
    left = ledger(*GOOD["jobs"], deployments=({**ENDPOINT, "alive": True, "deleted": None},))
    slept = Fault(0, Kind.OUTLIVED), Call(0, "tuned.deploy", "task", what, is_aws=True)
    assert [*breaches(outcome(left, met=[slept]))] == ([] if is_left else ["e still exists after the last run."])
