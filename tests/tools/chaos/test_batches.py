from __future__ import annotations

from include.distill.config.catalog import load_catalog
from tools.chaos.batches import CHANGES, QUESTIONS, batches
from tools.chaos.matrix import matrix


def test_every_case_asks_the_teacher_in_batch_jobs_and_counts_what_synthesis_bought() -> None:
    cases = batches()
    assert {case.buys for case in cases} == {"synthesize"}
    assert {case.changes["synthesis"]["inference"] for case in cases} == {"batch"}
    assert all(case.changes["tags"][0] == "batch" for case in cases)


def test_there_are_as_many_rows_as_the_smallest_job_needs() -> None:
    teacher = load_catalog().model(CHANGES["teacher"])
    assert teacher.batch is not None
    assert teacher.batch.minimum_records == QUESTIONS
    assert CHANGES["fan_out"]["max_tasks"] == 1  # one task has all rows, so one job has them


def test_the_names_differ_from_the_names_of_the_matrix() -> None:
    assert not {case.name for case in batches()} & {case.name for case in matrix()}
