"""
Create the tasks that let Bedrock optimize the prompt of a base arm.

The answers of the arm need the optimized prompt, so they wait for the job. The other arms do not.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import TaskGroup

from bedrock_distill.operators.collect_prompt import BedrockCollectPromptOperator
from bedrock_distill.operators.optimize_prompt import BedrockSubmitPromptOptimizationOperator
from bedrock_distill.run.task_ids import COLLECT, OPTIMIZE, SUBMIT, WAIT
from bedrock_distill.sensors.prompt_optimization import BedrockPromptOptimizationSensor
from bedrock_distill.task_groups.waits import wait_arguments
from include.distill.config.use_case import UseCase


def optimization_tasks(use_case: UseCase, arm: str, *, after: Any) -> Any:
    """
    Create the tasks that submit the job, wait for it and read the prompt, in a group inside the arm's group.

    :param after: the task before which nothing may be bought.
    :return: the result of the task ``collect``.
    """
    settings = use_case.prompt_optimization
    with TaskGroup(OPTIMIZE, tooltip="Bedrock's prompt optimization job, which rewrites the arm's prompt"):
        submit = BedrockSubmitPromptOptimizationOperator(task_id=SUBMIT, arm=arm)
        wait = BedrockPromptOptimizationSensor(task_id=WAIT, submitted=submit.output, **wait_arguments(settings))
        collect = BedrockCollectPromptOperator(task_id=COLLECT, submitted=submit.output, result=wait.output)
        after >> submit >> wait >> collect
    return collect.output
