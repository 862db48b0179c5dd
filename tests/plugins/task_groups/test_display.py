"""The closed graph of a run is short enough to read, and the groups that shorten it change no task."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from airflow.sdk import DAG, TaskGroup
from pydantic import TypeAdapter, ValidationError

from bedrock_distill.task_groups.display import FINISH_GROUP, PREPARE_GROUP, SYNTHESIS_GROUP, display_group
from dags.distill import distill_dag
from include.distill.config.section import Slug
from tests.plugins.task_groups.conftest import BASE, CHAMPION, TUNED, sample

DISPLAY_GROUPS = (PREPARE_GROUP, SYNTHESIS_GROUP, FINISH_GROUP)
EVERYTHING = {
    "synthesis": {"inference": "batch"},
    "judging": {"inference": "batch"},
    "promotion": {"ask_a_person": True, "delete_losers": True},
    "arms": [BASE, TUNED, CHAMPION],
}


def closed_graph(dag: DAG) -> dict[str, set[str]]:
    """Return the nodes that Airflow shows when all groups are closed, each with the nodes downstream of it."""

    def node_of(task: Any) -> str:
        inner = task
        while inner.task_group is not None and not inner.task_group.is_root:
            inner = inner.task_group
        return str(inner.node_id)

    graph: dict[str, set[str]] = {node_of(task): set() for task in dag.tasks}
    for task in dag.tasks:
        graph[node_of(task)] |= {node_of(dag.get_task(below)) for below in task.downstream_task_ids} - {node_of(task)}
    return graph


def columns(graph: dict[str, set[str]]) -> int:
    """Return the number of nodes on the longest path, which is the number of columns from left to right."""

    @cache
    def below(node: str) -> int:
        return 1 + max((below(target) for target in graph[node]), default=0)

    return max(map(below, graph))


def test_the_closed_graph_of_the_sample_has_one_node_for_each_stage() -> None:
    graph = closed_graph(distill_dag(sample()))
    assert set(graph) == {"prepare-run", "write-pairs", "base", "tuned", "judge", "report", "finish-run"}
    assert columns(graph) == 6


def test_the_closed_graph_has_no_cycle_and_stays_short_whatever_is_switched_on() -> None:
    graph = closed_graph(distill_dag(sample(**EVERYTHING)))
    assert columns(graph) <= 9


def test_the_ids_of_tasks_do_not_begin_with_the_name_of_a_display_group() -> None:
    ids = {task.task_id for task in distill_dag(sample(**EVERYTHING)).tasks}
    assert {"preflight", "ingest", "estimate", "evaluation_shards", "shards", "synthesize", "curate"} <= ids
    assert {"synthesize_batch.submit", "report", "approve", "promote", "delete_losers", "outcome"} <= ids
    assert not [task_id for task_id in ids if task_id.startswith(DISPLAY_GROUPS)]


@pytest.mark.parametrize("name", DISPLAY_GROUPS)
def test_no_arm_can_have_the_name_of_a_display_group(name: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Slug).validate_python(name)


def test_a_group_inside_a_display_group_keeps_its_id() -> None:
    with DAG("d", schedule=None), display_group("write-pairs", "why"):
        assert TaskGroup("synthesize_batch").child_id("submit") == "synthesize_batch.submit"
