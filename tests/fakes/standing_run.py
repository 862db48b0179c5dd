"""Prepare a run whose winner is put behind a standing endpoint, up to the task that a test is about."""

from __future__ import annotations

from typing import Any

from bedrock_distill.operators.switch import SwitchChampionOperator
from include.distill.config.use_case import UseCase
from include.distill.core.naming import standing_endpoint_name
from include.distill.core.storage import write_jsonl
from include.distill.dataset.splits import shards
from include.distill.evaluation.champion import save_champion_snapshot
from include.distill.evaluation.endpoint_records import SwitchManifest
from tests.fakes.decided_report import ARMS, REPORTED, TRAINED, decide, decision
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze, make_row

NAME = standing_endpoint_name("test", "aws_docs_qa")
ARN = f"arn:deployment/{NAME}"
MODEL = "arn:model/tuned"
ROWS = [make_row(n) for n in range(101, 105)]


def prepare(store: MemoryStore, use_case: UseCase, bedrock: FakeBedrock, **promotion: Any) -> None:
    """Store what the tasks before ``switch`` leave: a report in which ``tuned`` won, and the answers of ``tuned``."""
    rules = {"serve": "on_demand", "smoke_prompts": 3, **promotion}
    freeze(store, use_case, arms=ARMS, promotion=rules)
    save_champion_snapshot(store, FOLDER, None)
    bedrock.models |= {"arn:model/tuned", "arn:model/more", "arn:model/champion"}
    decide(store, decision("tuned"))
    for number, part in enumerate(shards(len(ROWS), use_case.fan_out.evaluation_tasks)):
        answer_rows(store, number, ROWS[part.start : part.stop])


def answer_rows(store: MemoryStore, number: int, rows: list[Any], stop_reason: str = "end_turn") -> None:
    """Store the answers of ``tuned`` to the rows of one shard."""
    answer = {"arm": "tuned", "answer": "A.", "stop_reason": stop_reason}
    answers = [{"row_id": row["row_id"], "question": row["question"], **answer} for row in rows]
    write_jsonl(store, FOLDER.answers("tuned", number), answers)


def switch_task(equip: Any, **more: Any) -> SwitchChampionOperator:
    """Return the task ``switch``."""
    task: SwitchChampionOperator = equip(
        SwitchChampionOperator(task_id="switch", run_uri=RUN_URI, reported=REPORTED, trained=TRAINED, **more)
    )
    return task


def switched(equip: Any, context: Any, bedrock: FakeBedrock, **more: Any) -> SwitchManifest:
    """Switch the endpoint and wait for it; return the result of ``switched``."""
    manifest = switch_task(equip, **more).execute(context)
    bedrock.end_change()
    return manifest
