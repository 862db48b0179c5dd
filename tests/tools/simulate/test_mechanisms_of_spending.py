"""A run buys nothing that is refused, and the checker notices the removal of each mechanism that refuses it."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.tools.simulate.conftest import opened
from tools.simulate.faults import Fault, Kind, Way
from tools.simulate.mechanisms import MECHANISMS
from tools.simulate.mechanisms_of_spending import SPENDING
from tools.simulate.parts import APPROVED_SPENDING, Part
from tools.simulate.search import judge

WORDS = {"cap on the estimate": "must fail"}
NAMES = {name for name, *_ in SPENDING}
REFUSED = list(dict.fromkeys(part for _, part, *_ in SPENDING))


@pytest.mark.parametrize("part", REFUSED, ids=lambda part: part.name)
def test_what_was_refused_is_bought_only_without_the_mechanism(part: Part, tmp_path: Path) -> None:
    with contextmanager(opened)(tmp_path, part) as world:
        calls = world.run(()).calls
        asked = next((one.number for one in calls if one.what == "CreateHITLDetailPayload"), 0)
        marked = (Fault(asked, Kind.KILLED_BEFORE, Way.MARK_SUCCESS if asked else Way.RETRY),)
        assert [judge(world, one).wrong for one in ((), marked)] == [[], []]
        for mechanism in (one for one in MECHANISMS if one.part is part and one.name in NAMES):
            with mechanism.removed(), world.worker.remembering():
                undisturbed, disturbed = (judge(world, one).wrong for one in ((), marked))
            assert bool(undisturbed) is mechanism.is_needed_by_every_run, mechanism.name
            words = WORDS.get(mechanism.name, "nobody had approved the spending")
            assert words in " ".join(disturbed), mechanism.name


def test_a_run_buys_after_a_person_has_approved(tmp_path: Path) -> None:
    with contextmanager(opened)(tmp_path, APPROVED_SPENDING) as world:
        wrong, record = judge(world, ())
    assert wrong == []
    assert record.choices == ["Approve"]
    assert [one["status"] for one in record.ledgers[-1]["jobs"]] == ["Completed"]
