"""Students answer and judges judge in two instances each, and no answer is paid twice without a reason."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.tools.simulate.conftest import opened
from tools.simulate.faults import Fault, Kind, Way
from tools.simulate.mechanisms import MECHANISMS
from tools.simulate.parts import ANSWERS, JUDGING, Part
from tools.simulate.search import judge

MAPPED = {"answers": {"base.answer", "tuned.answer"}, "judging": {"judge.claude-haiku-4-5"}}


@pytest.mark.parametrize("part", [ANSWERS, JUDGING], ids=lambda part: part.name)
def test_an_answer_is_paid_again_only_if_it_is_not_looked_up(part: Part, tmp_path: Path) -> None:
    with contextmanager(opened)(tmp_path, part) as world:
        calls = world.run(()).calls
        tasks = {one.task for one in calls}
        assert {f"{task}[{number}]" for task in MAPPED[part.name] for number in (0, 1)} <= tasks
        first = f"{min(MAPPED[part.name])}[0]"
        end = next(one.number for one in calls if (one.task, one.what) == (first, "SucceedTask"))
        schedules = [(), (Fault(end, Kind.KILLED_BEFORE, Way.CLEAR_RUN),)]
        assert [judge(world, one).wrong for one in schedules] == [[], []]
        lookup = next(one for one in MECHANISMS if one.name == "look-up of stored answers")
        with lookup.removed(), world.worker.remembering():
            undisturbed, disturbed = (judge(world, one).wrong for one in schedules)
    assert undisturbed == []
    assert "paid again" in " ".join(disturbed)
