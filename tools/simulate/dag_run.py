"""
Model what Airflow's scheduler and API server do to the tasks of a run.

The model follows Airflow 3.3.2: ``clear_task_instances`` and ``TriggerRuleDep`` in airflow-core, ``mark_tasks``, and
the routes of the execution API. Anything that the pipeline's DAGs do not use is refused and not guessed.
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow.sdk import DAG

from tools.simulate.planned_runs import PlannedRun

ENDED = frozenset({"success", "failed", "skipped", "upstream_failed"})
_FAILURES = ("failed", "upstream_failed")
_RULES = frozenset({"all_success", "all_done", "none_failed", "all_done_setup_success"})


@dataclass(frozen=True)
class Node:
    """
    What the model must know about a task of the DAG.

    :ivar mapped_over: the task whose result has an item for each instance of this task, or the number of instances;
        ``None`` for a task that is not mapped.
    """

    task_id: str
    upstream: frozenset[str]
    downstream: frozenset[str]
    rule: str
    retries: int
    retry_seconds: float
    is_setup: bool
    is_teardown: bool
    fails_run: bool
    indirect_setups: frozenset[str]
    between: frozenset[str]
    mapped_over: str | int | None


class Graph:
    """The tasks of a DAG in topological order."""

    def __init__(self, dag: DAG) -> None:
        self.dag = dag
        self.nodes = {task.task_id: _node(task) for task in dag.topological_sort()}  # type: ignore[no-untyped-call]

    def leaves(self) -> Iterator[str]:
        """Yield the tasks that decide the state of a run."""
        for node in self.nodes.values():
            below = [self.nodes[task_id] for task_id in node.downstream]
            if any(not other.is_teardown or other.fails_run for other in below):
                continue
            if not node.is_teardown or node.fails_run:
                yield node.task_id

    def cleared_with(self, task_id: str, *, downstream: bool) -> set[str]:
        """Return the tasks that are cleared with a task."""
        below = self.below(task_id) if downstream else frozenset()
        found = {task_id, *below}
        for each in list(found):
            if not (self.nodes[each].is_setup or self.nodes[each].is_teardown):
                around = self.dag.get_task(each).get_upstreams_only_setups_and_teardowns()
                found |= {task.task_id for task in around}
        if self.nodes[task_id].is_setup and not downstream:
            found |= {below for below in self.nodes[task_id].downstream if self.nodes[below].is_teardown}
        return found

    def below(self, task_id: str) -> frozenset[str]:
        """Return all tasks that come after a task."""
        return frozenset(self.dag.get_task(task_id).get_flat_relative_ids(upstream=False))

    def require_order(self, part: str, before: Collection[str], tasks: Collection[str]) -> None:
        """Check that no task is executed before a part although it comes after a task of the part."""
        for task in {*tasks} - {*before}:
            if early := self.below(task) & ({*before} - {*tasks}):
                raise ValueError(f"{min(early)} is executed before the part {part}, but comes after {task}.")


def _node(task: Any) -> Node:
    rule = getattr(task.trigger_rule, "value", task.trigger_rule)
    if rule not in _RULES:
        raise NotImplementedError(f"{task.task_id} has the trigger rule {rule}, which the model of Airflow lacks.")
    setups = [] if task.is_teardown else list(task.get_upstreams_only_setups())
    between: set[str] = set()
    if task.is_teardown:
        above = task.get_flat_relative_ids(upstream=True) - task.upstream_task_ids
        own = [other for other in task.upstream_list if other.is_setup]
        between = {one for setup in own for one in above & setup.get_flat_relative_ids(upstream=False)}
    return Node(
        task_id=task.task_id,
        upstream=frozenset(task.upstream_task_ids),
        downstream=frozenset(task.downstream_task_ids),
        rule=rule,
        retries=task.retries or 0,
        retry_seconds=task.retry_delay.total_seconds(),
        is_setup=task.is_setup,
        is_teardown=task.is_teardown,
        fails_run=bool(task.is_teardown and task.on_failure_fail_dagrun),
        indirect_setups=frozenset(one.task_id for one in setups) - frozenset(task.upstream_task_ids),
        between=frozenset(between),
        mapped_over=_mapped_over(task) if task.is_mapped else None,
    )


def _mapped_over(task: Any) -> str | int:
    expanded = task._get_specified_expand_input()
    references = [operator.task_id for operator, _ in expanded.iter_references()]
    if not references and isinstance(expanded.value, list):
        return len(expanded.value)
    if len(references) != 1 or len(expanded.value) != 1:
        raise NotImplementedError(f"{task.task_id} is mapped in a way that the model of Airflow lacks.")
    return str(references[0])


@dataclass
class TaskInstance:
    """
    The row of a task, or of an instance of a mapped task, in Airflow's database.

    :ivar map_index: the number of the instance; -1 if the task is not mapped, or has not been expanded yet.
    :ivar question: the subject and the body of the first question to a person. Airflow keeps them if it asks again.
    :ivar answer_by: when the question is answered with its default.
    """

    task_id: str
    max_tries: int
    state: str | None = None
    map_index: int = -1
    try_number: int = 0
    next_method: str | None = None
    next_kwargs: Any = None
    trigger: tuple[str, Any] | None = None
    retry_at: float = 0.0
    question: tuple[str, str | None] | None = None
    answer_by: float = math.inf
    xcoms: dict[str, Any] = field(default_factory=dict)
    key: uuid.UUID = field(default_factory=lambda: uuid.UUID(int=1))

    def copy(self) -> TaskInstance:
        """Return a copy that later changes do not affect."""
        copied = TaskInstance(**vars(self))
        copied.xcoms = dict(self.xcoms)
        return copied

    @property
    def label(self) -> str:
        """The id of the task, with the number of the instance."""
        return label(self.task_id, self.map_index)

    @property
    def should_retry(self) -> bool:
        """Whether Airflow may repeat the present attempt."""
        return self.max_tries != 0 and self.try_number <= self.max_tries

    def forget_wait(self) -> None:
        """Forget where the task continues after a wait."""
        self.next_method = self.next_kwargs = self.trigger = None


def label(task_id: str, map_index: int) -> str:
    """Return the id of a task, with the number of the instance if the task is mapped."""
    return task_id if map_index < 0 else f"{task_id}[{map_index}]"


class DagRun:
    """
    A run in Airflow's database. :attr:`state` is the state of the run.

    :param tasks: the tasks that have already ended, by their labels.
    """

    def __init__(
        self, graph: Graph, about: PlannedRun, started: float, tasks: Mapping[str, TaskInstance] | None = None
    ) -> None:
        self.graph = graph
        self.about = about
        self.run_id = about.run_id
        self._given = tasks
        self.started = started
        self.state = "running"
        self.instances = {one.task_id: [TaskInstance(one.task_id, one.retries)] for one in graph.nodes.values()}
        given = [task.copy() for task in (tasks or {}).values()]
        self.instances |= {task.task_id: [] for task in given}
        for task in given:
            self.instances[task.task_id].append(task)

    def again(self, now: float) -> DagRun:
        """Return a new run with the same identity, as if this one had never been in the database."""
        return DagRun(self.graph, self.about, now, self._given)

    def copy(self) -> DagRun:
        """Return a copy that later changes do not affect."""
        copied = DagRun(self.graph, self.about, self.started, self.tasks)
        copied.state = self.state
        return copied

    @property
    def tasks(self) -> dict[str, TaskInstance]:
        """All instances of all tasks, by their labels."""
        return {task.label: task for tasks in self.instances.values() for task in tasks}

    def states(self, task_ids: Iterable[str]) -> list[str | None]:
        """Return the states of all instances of tasks."""
        return [task.state for task_id in task_ids for task in self.instances[task_id]]

    # Scheduling

    def ready(self) -> list[TaskInstance]:
        """Decide about all tasks that have not started, and return those that can start now."""
        changed = True
        while changed:
            changed, found = False, []
            for node in self.graph.nodes.values():
                waiting = [task for task in self.instances[node.task_id] if task.state is None]
                decided = self._decide(node) if waiting else None
                if decided == "ready":
                    found += waiting
                elif decided is not None:
                    changed = True
                    for task in waiting:
                        task.state = decided
        return found

    def must_expand(self, task: TaskInstance) -> bool:
        """Return whether a task that can start is mapped and has no instances yet."""
        return self.graph.nodes[task.task_id].mapped_over is not None and task.map_index < 0

    def expand(self, task: TaskInstance) -> None:
        """Create the instances of a mapped task. The row of the task becomes the first of them."""
        count = self._map_length(task)
        if count == 0:
            task.state = "skipped"
            return
        task.map_index = 0
        more = [TaskInstance(task.task_id, task.max_tries, map_index=index) for index in range(1, count)]
        self.instances[task.task_id] += more

    def _map_length(self, task: TaskInstance) -> int:
        over = self.graph.nodes[task.task_id].mapped_over
        if isinstance(over, int):
            return over
        if over is None or len(self.instances[over]) != 1 or "return_value" not in self.instances[over][0].xcoms:
            raise NotImplementedError(f"{task.task_id} is mapped over a result that the model of Airflow lacks.")
        return len(json.loads(self.instances[over][0].xcoms["return_value"]))

    def _decide(self, node: Node) -> str | None:
        """Return ``ready``, a state that ends the task without a start, or ``None`` if the task must wait."""
        setups = self.states(node.indirect_setups)
        if any(state in _FAILURES for state in setups):
            return "upstream_failed"
        if "skipped" in setups:
            return "skipped"
        if any(state != "success" for state in setups):
            return None
        states = self.states(node.upstream)
        if node.rule == "all_done_setup_success":
            return self._decide_teardown(node)
        is_done = all(state in ENDED for state in states)
        if node.rule == "all_done":
            return "ready" if is_done else None
        if any(state in _FAILURES for state in states):
            return "upstream_failed"
        if node.rule == "all_success" and "skipped" in states:
            return "skipped"
        return "ready" if is_done else None

    def _decide_teardown(self, node: Node) -> str | None:
        if any(state not in ENDED for state in self.states(node.upstream | node.between)):
            return None
        setups = self.states(one for one in node.upstream if self.graph.nodes[one].is_setup)
        if setups and all(state == "skipped" for state in setups):
            return "skipped"
        if setups and "success" not in setups:
            return "upstream_failed"
        return "ready"

    def start(self, task: TaskInstance) -> None:
        """Start an attempt of a task, or continue it after a wait."""
        if task.map_index >= 0 and self._map_length(task) != len(self.instances[task.task_id]):
            raise NotImplementedError(f"{task.task_id} would get another number of instances, which the model lacks.")
        if task.next_method is None:
            task.try_number += 1
        task.state = "running"

    def end_if_over(self) -> bool:
        """Set the state of the run if all its tasks have ended. Return whether the run has ended."""
        if self.state == "running" and all(task.state in ENDED for task in self.tasks.values()):
            leaves = self.states(self.graph.leaves())
            self.state = "failed" if any(state in _FAILURES for state in leaves) else "success"
        return self.state != "running"

    def process_died(self, task: TaskInstance, now: float) -> None:
        """Record that the process of a running task was killed."""
        self.end_attempt(task, "up_for_retry" if task.should_retry else "failed", now)

    def end_attempt(self, task: TaskInstance, state: str, now: float, delay: float | None = None) -> None:
        """Record how an attempt has ended."""
        task.state = state
        task.forget_wait()
        node = self.graph.nodes[task.task_id]
        task.retry_at = now + (node.retry_seconds if delay is None else delay)

    # What a person does

    def clear(self, task_ids: Collection[str], only: TaskInstance | None = None) -> None:
        """
        Clear tasks. The process or the trigger of each of them must have been ended.

        :param only: the instance of a mapped task whose other instances are not cleared.
        """
        for task in self.tasks.values():
            if task.task_id not in task_ids or (only and task.task_id == only.task_id and task is not only):
                continue
            if task.state != "running":  # Airflow repeats a running task in any case, but gives it no new retries
                task.max_tries = task.try_number + self.graph.nodes[task.task_id].retries
            task.state = None
            task.forget_wait()
        self.state = "running"

    def mark(self, task: TaskInstance, state: str) -> None:
        """Set the state of a task by hand."""
        task.state = state
        task.forget_wait()

    def mark_failed(self) -> None:
        """Mark the run as failed: running tasks fail, other unfinished tasks are skipped, teardowns still run."""
        for task in self.tasks.values():
            if self.graph.nodes[task.task_id].is_teardown:
                continue
            if task.state in ("running", "deferred", "awaiting_input"):
                self.mark(task, "failed")
            elif task.state not in ENDED:
                self.mark(task, "skipped")
        pending = (one for one in self.tasks.values() if self.graph.nodes[one.task_id].is_teardown)
        if all(task.state in ENDED for task in pending):
            self.state = "failed"
