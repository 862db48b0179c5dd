"""
Read the results that tasks pass to each other, even if a task ran under an earlier version of the pipeline.

Airflow stores the results (XCom) when a task ends. If a run started before an upgrade and a person clears one of its
tasks, this task gets the results of an earlier version. A key that the earlier version did not write gets a default if
the default is certainly right. Otherwise, the error names the task to clear and says what that costs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar, cast, overload

from bedrock_distill.run.task_ids import (
    ANSWER,
    DEPLOY,
    INGEST,
    JUDGE,
    JUDGE_CHAMPION,
    PROVISION,
    SUBMIT,
    SYNTHESIZE,
    sibling_task,
)
from include.distill.core.errors import EarlierVersionError
from include.distill.core.record_types import record_fault
from include.distill.core.version import VERSION

ResultT = TypeVar("ResultT")

# The key of an XCom of the tasks that split rows into shards: the number of rows in all shards.
SHARDED_ROWS = "sharded_rows"

# Keys that earlier versions did not write, with the value that is right for these versions.
_DEFAULTS: Mapping[str, object] = {
    # Versions without these keys had no batch jobs.
    "batch_calls": 0,
    "batch_input_tokens": 0,
    "batch_output_tokens": 0,
}
_STORED_ANSWERS = "It reuses the stored answers and pays only for requests that this version words differently."
# What it costs to clear a task, by the last part of its id.
_COSTS = {
    INGEST: "It costs nothing. The tasks after it reuse stored answers and jobs if the rows have not changed.",
    SYNTHESIZE: _STORED_ANSWERS,
    ANSWER: _STORED_ANSWERS,
    JUDGE: _STORED_ANSWERS,
    JUDGE_CHAMPION: _STORED_ANSWERS,
    SUBMIT: "It finds the job by its name, and buys a job only if the training data or the settings have changed.",
    DEPLOY: "It creates an endpoint only if answers of the arm are missing. A deployment is billed by the token.",
    PROVISION: "It buys an endpoint, billed by the hour until `release`, only if answers of the arm are missing.",
}
_NO_COST = "It costs nothing."


class TaskResult(dict[str, Any]):
    """
    The result of a task. A missing key gets its default. If there is no default, an error names the task to clear.

    :param task: id of the task that wrote the result.
    :param reader: id of the task that reads the result.
    """

    def __init__(self, result: Mapping[str, Any], *, task: str, reader: str) -> None:
        super().__init__(result)
        self._task = task
        self._reader = reader

    def __missing__(self, key: str) -> object:
        """Return the default of ``key``.

        :raises EarlierVersionError: ``key`` has no default.
        """
        if key in _DEFAULTS:
            return _DEFAULTS[key]
        raise self.unusable(f"has no {key!r}" if self else "is missing")

    def unusable(self, fault: str) -> EarlierVersionError:
        """Return the error that names the task to clear. ``fault`` completes "The result of the task X ..."."""
        group, _, name = self._task.rpartition(".")  # the tasks in the group `judge` have the names of models
        cost = _COSTS.get(name) or _COSTS.get(group, _NO_COST)
        return EarlierVersionError(
            f"The result of the task {self._task} {fault}, which {self._reader} needs. An earlier version of the"
            f" pipeline may have run {self._task}; this is version {VERSION}.",
            left="This task bought nothing, and everything that is paid for stays stored.",
            to_do=f"Clear {self._task} with downstream. {cost} The tasks after it reuse stored answers and the trained"
            " model, unless data, prompts, filters or requests have changed (docs/upgrading.md).",
        )


def read_result(result: object, kind: type[ResultT], *, task: str, reader: str) -> ResultT:
    """
    Return the result of a task, whichever version wrote it.

    :param result: the result, as Airflow passes it. ``None`` counts as a result without keys.
    :param kind: the type of the result, for the type checker only.
    :param task: id of the task that wrote the result.
    :param reader: id of the task that reads it. Errors name both tasks.
    """
    found = result if isinstance(result, Mapping) else {}
    return cast(ResultT, TaskResult(found, task=task, reader=reader))


def require_result(result: Mapping[str, Any] | None, *keys: str, task: str, reader: str) -> None:
    """
    Check that the result of a task exists and has ``keys``.

    :raises EarlierVersionError: the result or a key is missing. The message names the task to clear.
    """
    found = TaskResult(result or {}, task=task, reader=reader)
    for key in keys:
        found[key]


def require_whole_parts(result: Mapping[str, Any], kind: type, *, task: str, reader: str) -> None:
    """
    Check the types of a result's values and the keys of the objects in it. Keys of the result itself may be absent.

    :raises EarlierVersionError: a value does not have the type that ``kind`` requires, or an object in it lacks a key.
        The message names the task to clear.
    """
    if fault := record_fault(kind, dict(result), is_partial=True):
        raise TaskResult(result, task=task, reader=reader).unusable(fault)


def require_all_results(results: Sequence[object], tasks: int, *, task: str, reader: str) -> None:
    """
    Check that every instance of a mapped task has a result.

    :param tasks: the number of instances.
    :raises EarlierVersionError: results are missing, for example because they were deleted from Airflow's database.
    """
    if len(results) < tasks:
        raise TaskResult({}, task=task, reader=reader).unusable(
            f"is missing for {tasks - len(results)} of its {tasks} mapped instances"
        )


def read_mapped_results(
    output: Any, kind: type[ResultT], *, task: str, reader: str, required: bool = False
) -> list[ResultT]:
    """
    Return the results of all task instances of a mapped task, whichever version wrote them.

    :param output: the lazy sequence that Airflow puts in a template field.
    :param required: whether there must be a result. Airflow passes no result if it deleted the results from its
        database.
    :raises EarlierVersionError: ``required`` is set, and there is no result.
    """
    # Slicing fetches all results in one request. Iterating sends one request per result, and logs an error at the end.
    results = list(output[:])
    if required and not results:
        require_result(None, "", task=task, reader=reader)
    return [read_result(result, kind, task=task, reader=reader) for result in results]


class ResultOf(Generic[ResultT]):
    """
    A template field of an operator that contains the result of another task.

    ``ResultOf[TrainingJobManifest](SUBMIT)`` is the result of the task ``submit`` of the operator's task group. The
    type is for the type checker only.

    :param task: name of the task that writes the result.
    :param sibling: whether this task is in the task group of the operator. Otherwise, it is in no group.
    :param optional: whether the field may be ``None``.
    """

    def __init__(self, task: str, *, sibling: bool = True, optional: bool = False) -> None:
        self._task = task
        self._sibling = sibling
        self._optional = optional
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __set__(self, operator: Any, value: Any) -> None:
        operator.__dict__[self._name] = value

    @overload
    def __get__(self, operator: None, owner: type) -> ResultOf[ResultT]: ...

    @overload
    def __get__(self, operator: object, owner: type) -> ResultT: ...

    def __get__(self, operator: Any, owner: type) -> ResultOf[ResultT] | ResultT:
        """Return the result. While the DAG is parsed, this is a reference to the task."""
        if operator is None:
            return self
        value = operator.__dict__[self._name]
        if (value is None and self._optional) or not isinstance(value, Mapping | None):
            return cast(ResultT, value)  # `None`, or a template that is not rendered yet
        task = sibling_task(operator.task_id, self._task) if self._sibling else self._task
        return cast(ResultT, read_result(value, dict, task=task, reader=operator.task_id))
