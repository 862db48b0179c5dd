"""A rejected run finds what an earlier run has bought, gets as far as each purchase, and buys nothing."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

from tests.tools.simulate.conftest import opened
from tools.simulate.faults import Fault, Kind, Way
from tools.simulate.parts_of_purchases import REJECTED_PURCHASES
from tools.simulate.search import judge


def test_each_task_that_buys_is_reached_if_a_person_marks_the_question_as_answered(tmp_path: Path) -> None:
    with contextmanager(opened)(tmp_path, REJECTED_PURCHASES) as world:
        asked = next(one.number for one in world.run(()).calls if one.what == "CreateHITLDetailPayload")
        wrong, record = judge(world, (Fault(asked, Kind.KILLED_BEFORE, Way.MARK_SUCCESS),))
    assert wrong == []
    assert record.ended == ["failed", "failed"]
    reached = {task for run, task in record.attempts if run == record.runs[0]}
    assert {"synthesize_batch.submit", "base.answer[0]", "better.optimize.submit", "tuned.provision"} <= reached
    assert "tuned.in_service" not in reached
    assert [job["status"] for job in record.ledgers[-1]["jobs"]] == ["Completed"]  # of the earlier run
