from __future__ import annotations

from bedrock_distill.run.task_ids import EVALUATE, evaluation_group
from include.distill.core.naming import evaluation_name
from tools.chaos.batches import batches
from tools.chaos.evaluations import COLLECT, EVALUATOR, SUBMIT, WAIT, evaluations
from tools.chaos.matrix import matrix


def test_every_case_has_one_evaluator_for_one_arm_and_counts_its_jobs() -> None:
    cases = evaluations()
    assert {case.buys for case in cases} == {"base"}
    sections = [case.changes["evaluations"]["pointwise"] for case in cases]
    assert {(*section["evaluators"], *section["arms"]) for section in sections} == {(EVALUATOR, "base")}
    assert all(case.changes["tags"][0] == "evaluation" for case in cases)


def test_the_name_of_a_job_contains_the_text_by_which_it_is_counted() -> None:
    name = evaluation_name("chaos", "c01", "base", EVALUATOR, "f" * 64, 1)
    assert "-c01-base-" in name


def test_the_tasks_have_the_ids_of_the_real_dag() -> None:
    assert [f"{EVALUATE}.{evaluation_group('base', EVALUATOR)}.{name}" for name in ("submit", "wait", "collect")] == [
        *(SUBMIT, WAIT, COLLECT)
    ]


def test_the_names_differ_from_the_names_of_other_cases() -> None:
    assert not {case.name for case in evaluations()} & {case.name for case in (*matrix(), *batches())}
