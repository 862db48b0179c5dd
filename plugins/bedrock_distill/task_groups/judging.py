"""The judges as tasks: one per judge, in the pool of its own model, mapped over the pairs of arms."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from airflow.sdk import TaskGroup

from bedrock_distill.operators.judge import BedrockJudgeOperator
from bedrock_distill.run.task_ids import JUDGE, JUDGE_CHAMPION
from include.distill.config.sections import Comparison
from include.distill.config.use_case import UseCase
from include.distill.inference.pools import pool_arguments


def judge_tasks(use_case: UseCase) -> list[list[Any]]:
    """
    Return the tasks ``judge.<model>`` and, when there is a champion's arm, ``judge_champion.<model>``.

    Before there is a champion, the base student takes its place, and both would be put to the judges in the same words:
    the champion's pairs come after the others, so that those questions are found again and not paid for twice.
    """
    champion = use_case.champion_arm
    pairs: dict[str, list[Comparison]] = {JUDGE: [], JUDGE_CHAMPION: []}
    for pair in use_case.judged_pairs:
        pairs[JUDGE_CHAMPION if champion in (pair.candidate, pair.baseline) else JUDGE].append(pair)
    groups = [_group(name, group_pairs, use_case) for name, group_pairs in pairs.items() if group_pairs]
    for before, after in pairwise(groups):
        for first, second in zip(before, after, strict=True):
            first >> second
    return groups


def _group(name: str, pairs: list[Comparison], use_case: UseCase) -> list[Any]:
    with TaskGroup(name):
        return [
            BedrockJudgeOperator.partial(
                task_id=judge,
                judge=judge,
                map_index_template="{{ judge_label }}",
                **pool_arguments(judge, use_case.aws.region, tasks=len(pairs)),
            ).expand_kwargs([pair.model_dump() for pair in pairs])
            for judge in use_case.judges
        ]
