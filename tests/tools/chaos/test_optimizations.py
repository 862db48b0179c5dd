from __future__ import annotations

from bedrock_distill.run.task_ids import optimize_task
from include.distill.core.naming import optimization_name
from tools.chaos.evaluations import evaluations
from tools.chaos.matrix import matrix
from tools.chaos.optimizations import ARM, COLLECT, SUBMIT, WAIT, optimizations


def test_every_case_has_one_arm_with_an_optimized_prompt_and_counts_its_jobs() -> None:
    cases = optimizations()
    assert {case.buys for case in cases} == {ARM}
    for case in cases:
        assert [arm["name"] for arm in case.changes["arms"] if arm.get("prompt") == "optimized"] == [ARM]
        assert case.changes["tags"][0] == "optimization"


def test_the_name_of_a_job_contains_the_text_by_which_it_is_counted() -> None:
    name = optimization_name("chaos", "c01", ARM, "f" * 64, 1)
    assert f"-c01-{ARM}-" in name


def test_the_tasks_have_the_ids_of_the_real_dag() -> None:
    assert [optimize_task(ARM, name) for name in ("submit", "wait", "collect")] == [SUBMIT, WAIT, COLLECT]


def test_the_names_differ_from_the_names_of_other_cases() -> None:
    assert not {case.name for case in optimizations()} & {case.name for case in (*matrix(), *evaluations())}
