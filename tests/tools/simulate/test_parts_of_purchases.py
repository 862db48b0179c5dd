"""A rejected run gets as far as each purchase and buys nothing, and an upload that is disturbed is finished."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

from tests.tools.simulate.conftest import opened
from tools.simulate.faults import Fault, Kind, Way
from tools.simulate.parts_of_purchases import REJECTED_PURCHASES, VALIDATION
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


def test_a_set_with_a_validation_file_is_complete_after_each_disturbed_copy(tmp_path: Path) -> None:
    with contextmanager(opened)(tmp_path, VALIDATION) as world:
        copies = [one.number for one in world.run(()).calls if (one.task, one.what) == ("tuned.upload", "PutObject")]
        assert len(copies) == 3
        for at in copies:
            for kind, way in ((Kind.KILLED_AFTER, Way.MARK_RUN_FAILED), (Kind.OUTLIVED, Way.CLEAR)):
                wrong, record = judge(world, (Fault(at, kind, way),))
                assert wrong == [], (at, kind)
        names = {uri.rpartition("/")[2] for uri in record.objects if "/datasets/" in uri}
    assert {"train.jsonl", "validation.jsonl", "data_card.json"} <= names
