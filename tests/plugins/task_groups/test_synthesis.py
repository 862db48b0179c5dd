from __future__ import annotations

from tests.plugins.task_groups.conftest import BASE, CHAMPION, PLAIN, TUNED, tasks

STEPS = {"shards", "synthesize", "curate"}


def test_synthesis_follows_the_cost_estimate_from_shards_to_curation() -> None:
    dag_tasks = tasks()
    assert dag_tasks["shards"].upstream_task_ids == {"approve_spending"}
    assert dag_tasks["synthesize"].upstream_task_ids == {"shards"}
    assert dag_tasks["curate"].upstream_task_ids == {"synthesize"}


def test_without_an_arm_that_takes_pairs_there_are_no_teacher_tasks() -> None:
    dag_tasks = tasks(arms=[BASE, PLAIN, CHAMPION])
    assert not STEPS & set(dag_tasks)
    assert dag_tasks["plain.merge"].synthesis == []
    assert dag_tasks["report"].synthesis == []


def test_all_arms_that_take_pairs_are_trained_on_the_same_pairs() -> None:
    dag_tasks = tasks(arms=[BASE, TUNED, {"name": "more", "originals": 10, "synthetic": 5}, PLAIN])
    for task_id in ("tuned.merge", "more.merge", "report"):
        assert [output.operator.task_id for output in dag_tasks[task_id].synthesis] == ["curate"]
    assert dag_tasks["plain.merge"].synthesis == []


def test_the_tasks_of_the_teacher_are_mapped_over_shards_in_the_pool_of_its_model() -> None:
    dag_tasks = tasks(fan_out={"max_tasks": 4})
    synthesize = dag_tasks["synthesize"]
    assert synthesize.is_mapped
    assert synthesize.expand_input.value["shard"].operator.task_id == "shards"
    assert (synthesize.pool, synthesize.pool_slots) == ("bedrock_123456789012_claude-sonnet-5-5_us-east-1", 2)
    assert (dag_tasks["shards"].rows, dag_tasks["shards"].max_tasks) == ("train", 4)
