"""
Create the tasks of Bedrock's evaluation jobs: one job for each arm and evaluator.

The jobs score stored answers, so they run next to the judges, after the endpoints have answered. The verdict and the
promotion do not use the scores, so the report does not wait for a failed job to be repaired.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import TaskGroup, TriggerRule

from bedrock_distill.operators.collect_scores import BedrockCollectScoresOperator
from bedrock_distill.operators.evaluate import BedrockEvaluationJobOperator
from bedrock_distill.operators.gather_scores import GatherScoresOperator
from bedrock_distill.run.task_ids import COLLECT, EVALUATE, GATHER, SUBMIT, WAIT, evaluation_group
from bedrock_distill.sensors.evaluation_job import BedrockEvaluationJobSensor
from bedrock_distill.task_groups.arms import ArmTasks
from bedrock_distill.task_groups.waits import wait_arguments
from include.distill.config.evaluation_settings import PointwiseEvaluation
from include.distill.config.use_case import UseCase


def evaluation_tasks(use_case: UseCase, arms: Mapping[str, ArmTasks]) -> Any:
    """
    Create the tasks that submit the evaluation jobs, wait for them and read the scores.

    :return: the result of the task ``gather``, for the report; an empty list if the use case has no such jobs.
    """
    settings = use_case.evaluations.pointwise
    if settings is None:
        return []
    with TaskGroup(EVALUATE, tooltip="Bedrock's evaluation jobs, in which evaluators score the answers of each arm"):
        scores = [
            _job(settings, arm, evaluator, arms[arm].answer)
            for arm in use_case.scored_arms
            for evaluator in settings.evaluators
        ]
        # The run has paid for everything that the verdict needs, so the report is written even if a job fails.
        return GatherScoresOperator(task_id=GATHER, scores=scores, trigger_rule=TriggerRule.ALL_DONE).output


def _job(settings: PointwiseEvaluation, arm: str, evaluator: str, answer: Any) -> Any:
    with TaskGroup(evaluation_group(arm, evaluator), tooltip=f"{evaluator} scores the answers of {arm}"):
        submit = BedrockEvaluationJobOperator(task_id=SUBMIT, arm=arm, evaluator=evaluator)
        wait = BedrockEvaluationJobSensor(task_id=WAIT, submitted=submit.output, **wait_arguments(settings))
        collect = BedrockCollectScoresOperator(task_id=COLLECT, submitted=submit.output, result=wait.output)
        answer >> submit >> wait >> collect
    return collect.output
