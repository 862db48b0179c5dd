"""Check what holds for every operator and sensor, including those that are added later."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator
from inspect import Parameter
from typing import Any

import pytest
from airflow.sdk import BaseOperator

import bedrock_distill.operators
import bedrock_distill.sensors
from bedrock_distill.lifecycle.run_task import RunTask
from tests.fakes.each_case import each_case
from tests.plugins.conftest import RUN_URI

# A valid value for every argument that a task may require.
ARGUMENTS: dict[str, Any] = {
    "run_uri": RUN_URI,
    "use_case_name": "aws_docs_qa",
    "rows": "train",
    "max_tasks": 4,
    "shard": 0,
    "arm": "tuned",
    "synthesis": [],
    "merged": {},
    "dataset": {},
    "trained": {},
    "judge": "claude-haiku-4-5",
    "evaluator": "nova-pro",
    "result": {},
    "candidate": "tuned",
    "baseline": "base",
    "ingested": {},
    "arms": {},
    "step": "synthesize",
    "judgments": [],
    "scores": [],
    "submitted": {},
    "reported": {},
    "sample": {},
    "answered": [],
    "number": 0,
    "provisioned": {},
    "listed": {},
    "switching": {},
    "switched": {},
    "smoked": {},
    "poll_interval_seconds": 1,
    "timeout_seconds": 1,
}


def task_classes() -> list[type[BaseOperator]]:
    packages = (bedrock_distill.operators, bedrock_distill.sensors)
    names = [
        f"{package.__name__}.{module.name}" for package in packages for module in pkgutil.iter_modules(package.__path__)
    ]
    classes = [
        member
        for name in names
        for _, member in inspect.getmembers(importlib.import_module(name), inspect.isclass)
        if issubclass(member, BaseOperator) and member.__module__ == name
    ]
    return sorted(classes, key=lambda task_class: task_class.__name__)


def arguments(task_class: type[BaseOperator]) -> set[str]:
    """Return the names of the arguments of a task class and of its parents in this project."""
    ours = [parent for parent in task_class.__mro__ if parent.__module__.startswith("bedrock_distill")]
    return {name for parent in ours for name in inspect.signature(parent.__init__).parameters} - {"self", "kwargs"}


def new_task(task_class: type[BaseOperator], **changes: Any) -> Any:
    known = arguments(task_class)  # reading signatures takes long, and many tests make many tasks
    given = {name: value for name, value in ARGUMENTS.items() if name in known}
    return task_class(task_id="task", **{**given, **changes})


ALL = [pytest.param(task_class, id=task_class.__name__) for task_class in task_classes()]
CONCRETE = [
    pytest.param(task_class, id=task_class.__name__)
    for task_class in task_classes()
    if not inspect.isabstract(task_class)
]
IN_A_RUN = [parameter for parameter in CONCRETE if "run_uri" in arguments(parameter.values[0])]  # type: ignore[arg-type]


def test_the_packages_contain_a_task_class_for_every_step() -> None:
    assert len(CONCRETE) >= 14


def each_class(parameters: Iterable[Any]) -> Iterator[type[BaseOperator]]:
    """Return the classes of parameters."""
    return (parameter.values[0] for parameter in parameters)


def test_every_template_field_is_an_argument() -> None:
    with each_case() as case:
        for task_class in each_class(ALL):
            with case(task_class):
                assert set(task_class.template_fields) <= arguments(task_class)


def test_arguments_are_keyword_only() -> None:
    with each_case() as case:
        for task_class in each_class(ALL):
            with case(task_class):
                parameters = list(inspect.signature(task_class.__init__).parameters.values())
                assert {p.kind for p in parameters[1:]} <= {Parameter.KEYWORD_ONLY, Parameter.VAR_KEYWORD}


def test_every_template_field_is_rendered() -> None:
    with each_case() as case:
        for task_class in each_class(CONCRETE):
            with case(task_class):
                names = task_class.template_fields
                task = new_task(task_class, **dict.fromkeys(names, "{{ filled }}"))
                task.render_template_fields({"filled": "value"})
                assert {name: getattr(task, name) for name in task.template_fields} == dict.fromkeys(names, "value")


def test_a_task_without_a_run_folder_is_an_error_while_the_dag_is_parsed() -> None:
    with each_case() as case:
        for task_class in each_class(IN_A_RUN):
            with case(task_class), pytest.raises(ValueError, match="task: run_uri is missing"):
                new_task(task_class, run_uri="")


def test_a_task_of_a_run_checks_whose_folder_and_whose_buckets_it_uses() -> None:
    with each_case() as case:
        for task_class in each_class(IN_A_RUN):
            with case(task_class):
                assert issubclass(task_class, RunTask)
                task = new_task(task_class, bucket_owners={"*": "123456789012"})
                assert task.bucket_owners == {"*": "123456789012"}


def test_a_task_of_a_run_writes_objects_with_the_key_of_its_use_case() -> None:
    with each_case() as case:
        for task_class in each_class(IN_A_RUN):
            with case(task_class):
                task = new_task(task_class, kms_key_arn="arn:key")
                assert task.hook.kms_key_arn == "arn:key"


def test_making_a_task_does_not_make_a_hook() -> None:
    with each_case() as case:
        for task_class in each_class(CONCRETE):
            with case(task_class):
                assert not {"hook", "store", "use_case"} & new_task(task_class).__dict__.keys()


@pytest.mark.parametrize("name", ["poll_interval_seconds", "timeout_seconds"])
def test_the_poll_interval_and_the_time_out_must_be_positive(name: str) -> None:
    with each_case() as case:
        for task_class in each_class(CONCRETE):
            if "timeout_seconds" in arguments(task_class):
                with case(task_class), pytest.raises(ValueError, match="must be positive"):
                    new_task(task_class, **{name: 0})
