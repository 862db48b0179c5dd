"""Create the tasks of the judges: one for each judge, mapped over the pairs of arms."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from airflow.sdk import TaskGroup

from bedrock_distill.operators.judge import BedrockJudgeOperator
from bedrock_distill.run.task_ids import JUDGE, JUDGE_CHAMPION
from bedrock_distill.task_groups.batch import ask_in_batches
from include.distill.config.arms import Comparison
from include.distill.config.use_case import UseCase
from include.distill.inference.pools import pool_arguments


def judge_tasks(use_case: UseCase, *, after: Sequence[Any]) -> list[list[Any]]:
    """
    Create the tasks ``judge.<model>``, and the tasks ``judge_champion.<model>`` if arms are compared with the champion.

    The tasks are in the task groups ``judge`` and ``judge_champion``. Return one list for each task group that has
    tasks, with one task per judge. Before the first promotion, the base student takes the champion's place, so both
    groups need the same verdicts. ``judge_champion`` runs after ``judge``, so that each verdict is bought once.

    :param after: the tasks that get the answers of all arms.
    """
    champion = use_case.champion_arm
    pairs: dict[str, list[Comparison]] = {JUDGE: [], JUDGE_CHAMPION: []}
    for pair in use_case.judged_pairs:
        pairs[JUDGE_CHAMPION if champion in (pair.candidate, pair.baseline) else JUDGE].append(pair)
    groups = [_group(name, group_pairs, use_case) for name, group_pairs in pairs.items() if group_pairs]
    for earlier_group, later_group in pairwise(groups):
        for earlier, later in zip(earlier_group, later_group, strict=True):
            earlier >> later
    for answer in after:
        answer >> groups[0]
    ask_in_batches(use_case, JUDGE, after=after, before=groups[0])
    return groups


def _group(name: str, pairs: list[Comparison], use_case: UseCase) -> list[Any]:
    with TaskGroup(name):
        return [
            BedrockJudgeOperator.partial(
                task_id=judge,
                judge=judge,
                map_index_template="{{ judge_label }}",
                **pool_arguments(use_case, judge, tasks=len(pairs)),
            ).expand_kwargs([pair.model_dump() for pair in pairs])
            for judge in use_case.judges
        ]
