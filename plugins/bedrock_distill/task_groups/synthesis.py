"""Create the teacher's tasks: split the rows into shards, request pairs, and filter the pairs."""

from __future__ import annotations

from typing import Any

from bedrock_distill.operators.curate import CuratePairsOperator
from bedrock_distill.operators.ingest import ShardRowsOperator
from bedrock_distill.operators.synthesize import BedrockSynthesizeOperator
from bedrock_distill.run.task_ids import CURATE, SYNTHESIZE, TRAINING_SHARDS
from bedrock_distill.task_groups.batch import ask_in_batches
from bedrock_distill.task_groups.display import SYNTHESIS_GROUP, display_group
from include.distill.config.use_case import UseCase
from include.distill.inference.pools import pool_arguments


def synthesis_tasks(use_case: UseCase, *, after: Any) -> list[Any]:
    """Create the teacher's tasks, and return a list with the result of ``curate``.

    If no arm is trained on synthetic pairs, no tasks are created and the list is empty.

    :param after: the task after which the teacher's tasks start.
    """
    if not use_case.wants_pairs:
        return []
    max_tasks = use_case.fan_out.max_tasks
    with display_group(SYNTHESIS_GROUP, "The teacher writes pairs, which are then filtered"):
        shards = ShardRowsOperator(task_id=TRAINING_SHARDS, rows="train", max_tasks=max_tasks)
        synthesize = BedrockSynthesizeOperator.partial(
            task_id=SYNTHESIZE,
            map_index_template="{{ shard_label }}",
            **pool_arguments(use_case, use_case.teacher, tasks=max_tasks),
        ).expand(shard=shards.output)
        ask_in_batches(use_case, SYNTHESIZE, after=shards, before=synthesize, shards=shards.output)
        curate = CuratePairsOperator(task_id=CURATE, synthesis=synthesize.output)
    after >> shards
    return [curate.output]
