"""A run buys nothing that is refused, and the checker notices the removal of each mechanism that refuses it."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.tools.simulate.conftest import opened
from tools.simulate.faults import Fault, Kind, Way
from tools.simulate.mechanisms import MECHANISMS, Mechanism
from tools.simulate.mechanisms_of_spending import SPENDING
from tools.simulate.parts import APPROVED_SPENDING
from tools.simulate.search import judge

WORDS = {"approval of the spending": "nobody had approved the spending", "cap on the estimate": "must fail"}
SPENDING_MECHANISMS = [one for one in MECHANISMS if one.name in {name for name, *_ in SPENDING}]


@pytest.mark.parametrize("mechanism", SPENDING_MECHANISMS, ids=lambda one: one.name)
def test_what_was_refused_is_bought_only_without_the_mechanism(mechanism: Mechanism, tmp_path: Path) -> None:
    with contextmanager(opened)(tmp_path, mechanism.part) as world:
        calls = world.run(()).calls
        asked = next((one.number for one in calls if one.what == "CreateHITLDetailPayload"), 0)
        marked = (Fault(asked, Kind.KILLED_BEFORE, Way.MARK_SUCCESS if asked else Way.RETRY),)
        assert [judge(world, one).wrong for one in ((), marked)] == [[], []]
        with mechanism.removed(), world.worker.remembering():
            undisturbed, disturbed = (judge(world, one).wrong for one in ((), marked))
    assert bool(undisturbed) is mechanism.is_needed_by_every_run
    assert WORDS[mechanism.name] in " ".join(disturbed)


def test_a_run_buys_after_a_person_has_approved(tmp_path: Path) -> None:
    with contextmanager(opened)(tmp_path, APPROVED_SPENDING) as world:
        wrong, record = judge(world, ())
    assert wrong == []
    assert record.choices == ["Approve"]
    assert [one["status"] for one in record.ledgers[-1]["jobs"]] == ["Completed"]
