from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from bedrock_distill.run.dropped_promotion import dropped_promotion, skip_promotion

TASKS = ("approve", "switch", "switched", "smoke", "promote")
YES = {"chosen_options": ["Approve"]}


def reader(*skipped_themselves: str, approval: Any = None) -> Any:
    stored = {("approve", "return_value"): approval}
    for task in skipped_themselves:
        writer = SimpleNamespace(xcom_push=lambda key, value, task=task: stored.update({(task, key): value}))
        with pytest.raises(AirflowSkipException, match="the sample is small"):
            skip_promotion(writer, "the sample is small")
    return SimpleNamespace(xcom_pull=lambda task_ids, key="return_value": stored.get((task_ids, key)))


@pytest.mark.parametrize(
    ("states", "dropped"),
    [
        (("success", "success", "success", "success", "skipped"), {"promote"}),
        (("success", "success", "skipped", "skipped", "skipped"), {"switched", "smoke", "promote"}),
        (("success", "skipped", "skipped", "skipped", "skipped"), set()),
        (("success", "success", "failed", "upstream_failed", "upstream_failed"), set()),
        (("success", "success", "success", "success", "success"), set()),
    ],
)
def test_a_task_that_is_skipped_after_the_change_has_begun_was_dropped(
    states: tuple[str, ...], dropped: set[str]
) -> None:
    assert dropped_promotion(dict(zip(TASKS, states, strict=True)), reader()) == dropped


@pytest.mark.parametrize("change", [("switch", "switched", "smoke", "promote"), ("promote",)])
def test_an_approved_promotion_is_dropped_unless_its_first_task_says_why(change: tuple[str, ...]) -> None:
    states = {"approve": "success", **dict.fromkeys(change, "skipped")}
    assert dropped_promotion(states, reader(approval=YES)) == set(change)
    assert dropped_promotion(states, reader(change[0], approval=YES)) == set()
    assert dropped_promotion(states, reader(approval={"chosen_options": ["Reject"]})) == set()
    assert dropped_promotion({**states, "approve": "skipped"}, reader(approval=YES)) == set()


@pytest.mark.parametrize("change", [("switch", "switched", "smoke", "promote"), ("promote",)])
def test_without_a_question_a_promotion_is_dropped_unless_its_first_task_says_why(change: tuple[str, ...]) -> None:
    states = {"report": "success", **dict.fromkeys(change, "skipped")}
    assert dropped_promotion(states, reader()) == set(change)
    assert dropped_promotion(states, reader(change[0])) == set()
    assert dropped_promotion({**states, "report": "skipped"}, reader()) == set()


def test_a_task_that_skips_itself_after_the_smoke_test_drops_nothing() -> None:
    states = dict(zip(TASKS, ("success", "success", "success", "success", "skipped"), strict=True))
    assert dropped_promotion(states, reader("promote", approval=YES)) == set()
