"""
Group tasks so that Airflow's graph and grid fit on a screen when they are opened.

Airflow shows groups closed and the graph from left to right until a reader changes this. A DAG cannot set either of
these, so only the number of nodes at the top level decides whether the graph can be read.
"""

from __future__ import annotations

from airflow.sdk import TaskGroup

# The hyphen keeps these names different from the names of arms, which are groups too.
PREPARE_GROUP = "prepare-run"
SYNTHESIS_GROUP = "write-pairs"
FINISH_GROUP = "finish-run"


def display_group(group_id: str, tooltip: str) -> TaskGroup:
    """Return a group that does not change the ids of its tasks, so that tasks can move into it or out of it."""
    return TaskGroup(group_id, tooltip=tooltip, prefix_group_id=False)
