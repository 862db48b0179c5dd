"""Test the records of a run's report outside of the run's folder."""

from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.operators.report_record import results_of, usages_of, write_list_entry
from include.distill.config.use_case import UseCase
from include.distill.core.errors import MissingObjectError
from include.distill.core.storage import read_json
from include.distill.evaluation.champion import save_champion_snapshot
from include.distill.report.build import build_report
from include.distill.report.records import PastRun
from include.distill.report.run_summary import ArmSummary
from tests.distill.history.test_months import NOVEMBER, entry
from tests.distill.report.example_report import inputs
from tests.fakes.decided_report import ARMS
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze, make_champion

USAGE: Any = {"calls": 2, "cache_hits": 1, "input_tokens": 30, "output_tokens": 4}
ARM = ArmSummary("tuned", "tuned", [USAGE, USAGE])
REPORT = build_report(**inputs())


@pytest.fixture
def task(equip: Any) -> Any:
    return equip(DistillOperator(task_id="report", run_uri=RUN_URI))


def test_the_entry_in_the_list_is_named_by_the_time_at_which_the_run_was_due(
    task: Any, store: MemoryStore, context: Any
) -> None:
    write_list_entry(task, context, REPORT)
    uri = f"{FOLDER.root}/reports/aws_docs_qa/20261122T020000Z-{FOLDER.run_key}.json"
    assert read_json(store, uri, PastRun)["claim"] == "tuned is better than base for 1 of 2 judges"


def test_the_calls_of_all_steps_are_counted(task: Any) -> None:
    synthesis: Any = {**USAGE, "critic": USAGE}
    run = results_of(task, REPORT, [synthesis], [USAGE], [ARM])(entry("a", NOVEMBER))
    assert len(usages_of([synthesis], [USAGE], [ARM])) == 4
    assert run["calls"] == {"calls": 10, "stored": 5, "input_tokens": 150, "output_tokens": 20}


def test_the_champion_is_that_of_the_snapshot(task: Any, store: MemoryStore, use_case: UseCase) -> None:
    freeze(store, use_case, arms=ARMS)
    save_champion_snapshot(store, FOLDER, make_champion())
    assert results_of(task, REPORT, [], [], [])(entry("a", NOVEMBER))["champion_model_arn"] == "arn:model/champion"


def test_a_use_case_without_a_champion_arm_needs_no_snapshot(task: Any, store: MemoryStore) -> None:
    store.delete(FOLDER.champion)
    assert results_of(task, REPORT, [], [], [])(entry("a", NOVEMBER))["champion_model_arn"] is None


def test_a_champion_that_cannot_be_read_is_not_recorded_as_none(
    task: Any, store: MemoryStore, use_case: UseCase
) -> None:
    freeze(store, use_case, arms=ARMS)
    store.delete(FOLDER.champion)
    with pytest.raises(MissingObjectError):
        results_of(task, REPORT, [], [], [])(entry("a", NOVEMBER))
