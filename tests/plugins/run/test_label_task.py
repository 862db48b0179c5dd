"""Check what the tasks of the labeling DAG say after an error: they buy nothing, and a form needs a new run."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from airflow.sdk import BaseOperator

from bedrock_distill.operators import collect_labels, label_ask, label_sample
from bedrock_distill.run.four_lines import BILLED, HAPPENED, LEFT, TO_DO, four_lines
from bedrock_distill.run.label_task import LabelTask
from include.distill.core.errors import (
    FAILED_TASK,
    InputError,
    RefusedError,
    SpendCapError,
    ThrottledError,
    UseCaseError,
)
from tests.plugins.operators.test_every_operator import new_task
from tests.plugins.run.test_four_lines import attempt, explained, failing, four

OPERATORS = [
    found
    for module in (label_sample, label_ask, collect_labels)
    for _, found in inspect.getmembers(module, inspect.isclass)
    if issubclass(found, BaseOperator) and found.__module__ == module.__name__
]


class Task(LabelTask, BaseOperator):
    """A task of the labeling DAG that does nothing."""

    dag_id = "distill_label_sample"


def lines_after(error: Exception, context: Any) -> dict[str, str]:
    """Return the four lines of a task of the labeling DAG."""
    labels = (HAPPENED, LEFT, BILLED, TO_DO)
    text = four_lines(Task(task_id="task"), attempt(context, 3), error)
    return dict(zip(labels, (line.split(": ", 1)[1] for line in text.splitlines()), strict=True))


def test_every_task_of_the_labeling_dag_is_one() -> None:
    assert len(OPERATORS) >= 4
    assert [found.__name__ for found in OPERATORS if not issubclass(found, LabelTask)] == []


@pytest.mark.parametrize("error", [InputError("x"), RefusedError("x"), ThrottledError("x"), OSError("x")], ids=repr)
def test_after_any_error_nothing_is_billed_and_stored_labels_are_unchanged(error: Exception, context: Any) -> None:
    lines = lines_after(error, context)
    assert lines[BILLED].startswith("Nothing")
    assert "endpoint" not in lines[BILLED].partition("No other task")[0]
    assert "labels" in lines[LEFT]
    assert "unchanged" in lines[LEFT]


@pytest.mark.parametrize("error", [InputError("x"), UseCaseError("x")], ids=repr)
def test_a_wrong_form_needs_a_new_run_because_clearing_keeps_the_form(error: Exception, context: Any) -> None:
    step = lines_after(error, context)[TO_DO]
    assert step.startswith("Trigger a new run of distill_label_sample ")
    assert "Clearing a task keeps the form values of this run" in step
    assert "preflight" not in step  # the labeling DAG has no such task


@pytest.mark.parametrize("error", [RefusedError("x"), ThrottledError("x"), OSError("x")], ids=repr)
def test_any_other_error_says_which_task_to_clear(error: Exception, context: Any) -> None:
    step = lines_after(error, context)[TO_DO]
    assert "clear task with downstream" in step
    assert "new run" not in step


def test_a_step_that_the_error_states_is_kept(context: Any) -> None:
    error = InputError("The sheet has no label.", to_do="Fill in the column.", then_clear=FAILED_TASK)
    assert lines_after(error, context)[TO_DO] == "Fill in the column. Then clear task with downstream."


@pytest.mark.parametrize("task_class", OPERATORS)
@pytest.mark.parametrize("error", [InputError("x"), SpendCapError("x"), RefusedError("x")], ids=repr)
def test_no_operator_of_the_dag_says_something_else(task_class: Any, error: Exception, context: Any) -> None:
    """No operator overrides what the mixin says, and no base class of Airflow hides it."""
    lines = four(explained(failing(task_class, error), context))
    task = new_task(task_class)
    assert lines[LEFT] == LabelTask.state_left(task, error)
    assert lines[BILLED].startswith(LabelTask.billed_now(task, error))


def test_the_line_about_a_wait_says_that_nothing_is_bought() -> None:
    assert Task(task_id="task").waiting_line(60).endswith("Cost so far: nothing, this task buys nothing.")
