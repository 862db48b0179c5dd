from __future__ import annotations

from airflow.triggers.base import BaseTrigger

from bedrock_distill.triggers.worker_answers import WorkerAnswersTrigger


def new_trigger(at_most_usd: float | None) -> WorkerAnswersTrigger:
    return WorkerAnswersTrigger(
        name="arn",
        deadline="2026-11-28T00:00:00+00:00",
        poll_interval_seconds=60,
        aws_conn_id="aws_default",
        region_name=None,
        at_most_usd=at_most_usd,
    )


def test_the_log_line_says_that_each_answer_is_billed() -> None:
    assert new_trigger(8.4).cost_so_far(60) == "each answer of a worker, at most about $8.40 in all"
    assert new_trigger(None).cost_so_far(60) == "each answer of a worker"


def test_the_triggerer_makes_the_same_trigger_again() -> None:
    path, arguments = new_trigger(8.4).serialize()
    assert path == "bedrock_distill.triggers.worker_answers.WorkerAnswersTrigger"
    again: BaseTrigger = WorkerAnswersTrigger(**arguments)
    assert again.serialize() == (path, arguments)
