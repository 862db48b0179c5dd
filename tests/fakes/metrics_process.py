"""
Run real tasks with fakes in place of AWS, in a process of its own, and send their metrics as Airflow is configured.

A shard is answered by a model whose first call is throttled, the run ends, and the run gets its bill.
"""

from __future__ import annotations

import datetime
import inspect
from types import SimpleNamespace
from typing import Any

from airflow.sdk.configuration import conf
from airflow.sdk.observability.metrics import stats_utils
from airflow.sdk.observability.stats import Stats

from bedrock_distill.operators.answer import BedrockAnswerOperator
from bedrock_distill.operators.outcome import RunOutcomeOperator
from bedrock_distill.run.run_history import record_run
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.core.errors import ThrottledError
from include.distill.core.storage import write_jsonl
from include.distill.evaluation.champion import save_champion_snapshot
from include.distill.history.records import HistoryEntry
from include.distill.inference.requests import ModelRequest
from tests.distill.conftest import make_row
from tests.fakes.dialogue import say
from tests.fakes.fake_bedrock import RUN_KEY, FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.variables import VARIABLES
from tests.plugins.conftest import FOLDER, FakeTaskInstance, freeze

RUN_URI = f"s3://bedrock-distill-training/distill/runs/aws_docs_qa/{RUN_KEY}"


def initialize() -> None:
    """Do what Airflow's task process does before it runs a task."""
    factory = stats_utils.get_stats_factory()
    legacy: dict[str, Any] = {}
    if "export_legacy_names" in inspect.signature(Stats.initialize).parameters:  # not in Airflow 3.2
        legacy["export_legacy_names"] = conf.getboolean("metrics", "legacy_names_on")
    Stats.initialize(factory=factory, **legacy)


def throttled_once() -> Any:
    throttled: list[ModelRequest] = []

    def reply(request: ModelRequest) -> str:
        if not throttled:
            throttled.append(request)
            raise ThrottledError("slow down")
        return say(request)

    return reply


def bill(run: HistoryEntry) -> HistoryEntry:
    return {
        **run,
        "spent_usd": 1.25,
        "spent_by_kind": {"training": 1.25},
        "candidate": "tuned",
        "baseline": "base",
        "judges": [{"judge": "nova-pro", "half_win_rate": 0.625, "half_win_ci95": [0.5, 0.75], "questions": 4}],
    }


def main() -> None:
    initialize()
    store, bedrock = MemoryStore(), FakeBedrock()
    freeze(store, load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment=VARIABLES))
    save_champion_snapshot(store, FOLDER, None)
    write_jsonl(store, FOLDER.shard("evaluation", 0), [make_row(101)])
    bedrock.say = throttled_once()
    started = datetime.datetime(2026, 11, 22, 2, 0, tzinfo=datetime.UTC)
    ti = FakeTaskInstance(task_id="t", try_number=1, max_tries=2, map_index=-1, xcoms={}, dag_id="d", run_id="r")
    ti.get_task_states = lambda dag_id, run_ids=("r",), **_: {run_ids[0]: {"report": "success"}}
    run = SimpleNamespace(start_date=started, run_after=started, dag_id="d", run_id="r", run_type="scheduled")
    context: Any = {"ti": ti, "params": {}, "dag_run": run}
    answer = BedrockAnswerOperator(task_id="answer", run_uri=RUN_URI, arm="base", shard=0)
    outcome = RunOutcomeOperator(task_id="outcome", run_uri=RUN_URI)
    for task in (answer, outcome):
        task.__dict__["store"] = store
        task.__dict__["hook"] = bedrock
    answer.execute(context)
    outcome.execute(context)
    record_run(outcome, context, bill)


if __name__ == "__main__":
    main()
