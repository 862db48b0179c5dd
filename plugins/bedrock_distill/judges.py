"""The judges as tasks: one mapped task per pair of arms and judge."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from bedrock_distill.operators.evaluate import BedrockJudgeOperator
from include.distill.use_case import UseCase
from include.distill.use_case_sections import Comparison


def new_judges(use_case: UseCase) -> list[Any]:
    """
    Return the mapped tasks that judge, one after another.

    Before there is a champion, the base student takes its place, and both would be put to the judges in the same words:
    the champion's pairs come after the others, so that those questions are found again and not paid for twice.
    """
    champion = use_case.champion_arm
    pairs: dict[str, list[Comparison]] = {"judge": [], "judge_champion": []}
    for pair in use_case.judged_pairs:
        pairs["judge_champion" if champion in (pair.candidate, pair.baseline) else "judge"].append(pair)
    tasks = [
        BedrockJudgeOperator.partial(
            task_id=task_id, pool="bedrock_judge", map_index_template="{{ judge_label }}"
        ).expand_kwargs([{**pair.model_dump(), "judge": judge} for pair in found for judge in use_case.judges])
        for task_id, found in pairs.items()
        if found
    ]
    for before, after in pairwise(tasks):
        before >> after
    return tasks
