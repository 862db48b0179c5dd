"""Test that a run closes the records of earlier runs that ended without recording it."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.operators.lost_runs import close_lost_runs
from bedrock_distill.run.run_history import history_of
from include.distill.config.frozen_use_case import dump_use_case
from include.distill.config.layout import RunFolder, run_uri
from include.distill.config.run_record import RunIdentity, claim_run_folder
from include.distill.config.use_case import UseCase
from include.distill.core.naming import throughput_names
from include.distill.cost.month_budget import budget_state
from include.distill.cost.prices import load_prices, total_usd
from include.distill.history.months import update_run
from include.distill.history.records import HistoryEntry
from include.distill.inference.answer_store import AnswerStore
from include.distill.inference.requests import Completion
from tests.distill.conftest import make_request
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI

LAST_NIGHT = datetime.datetime(2026, 11, 21, 2, tzinfo=datetime.UTC)
KEY = "scheduled-20261121T020000-0123456789abcdef0123456789abcdef"
ANSWER_USD = total_usd(load_prices().token_lines("calls", "claude-sonnet-4-6", 1_000_000, 100_000, batch=True))
LOST = RunFolder(run_uri(FOLDER.root, "aws_docs_qa", KEY))


class Airflow:
    """What Airflow knows about other runs."""

    def __init__(self, state: str | None) -> None:
        self.state, self.asked = state, 0

    def get_dagrun_state(self, dag_id: str, run_id: str) -> str:
        raise AssertionError("the id of the run cannot be part of an address")

    def get_dr_count(self, dag_id: str, *, run_ids: list[str], states: list[str]) -> int:
        assert (dag_id, run_ids) == ("distill_aws_docs_qa", ["scheduled/1"])
        self.asked += 1
        return int(states == [self.state])


def put(store: MemoryStore, **changes: Any) -> HistoryEntry:
    """Record the run of last night as ``estimate`` does."""
    run: Any = {
        "run_key": KEY,
        "use_case": "aws_docs_qa",
        "dag_id": "distill_aws_docs_qa",
        "run_id": "scheduled/1",
        "owner": "ml-platform",
        "started_at": LAST_NIGHT.isoformat(),
        "ended_at": None,
        "state": "running",
        "scheduled": True,
        "estimated_usd": 20.0,
        "spent_usd": None,
        "spent_by_kind": {},
        "budget": {"to_pay_usd": 20.0, "decided": True, "warned": []},
        **changes,
    }
    started = datetime.datetime.fromisoformat(run["started_at"])
    return update_run(store, FOLDER.root, "aws_docs_qa", run["run_key"], started, lambda _: run)


def buy(store: MemoryStore, use_case: UseCase) -> None:
    """Let the run of last night pay for one answer: 1,000,000 tokens in and 100,000 out."""
    claim_run_folder(store, LOST, RunIdentity("test", "d", "r"), use_case="aws_docs_qa")
    store.write(LOST.use_case, dump_use_case(use_case))
    request = make_request("claude-sonnet-4-6", user="a question")
    AnswerStore(store, FOLDER.responses, KEY).store_batch_answer(
        request.key, Completion("text", "end_turn", 1_000_000, 100_000), identity=request.identity, max_tokens=64
    )


@pytest.fixture
def task(equip: Any) -> Any:
    return equip(DistillOperator(task_id="estimate", run_uri=RUN_URI))


def close(task: Any, context: Any, airflow: Airflow) -> HistoryEntry:
    close_lost_runs(task, {**context, "ti": airflow})  # type: ignore[typeddict-item]
    [run] = history_of(task)
    return run


@pytest.mark.parametrize(("known", "state"), [(None, "lost"), ("failed", "failed"), ("success", "succeeded")])
def test_a_run_that_airflow_does_not_run_gets_its_end_and_its_bill(
    task: Any, context: Any, store: MemoryStore, use_case: UseCase, known: str | None, state: str
) -> None:
    put(store)
    buy(store, use_case)
    run = close(task, context, Airflow(known))
    assert (run["state"], run["spent_usd"], run["ended_at"]) == (state, ANSWER_USD, None)
    budget = budget_state("use_case", 100.0, [run], LAST_NIGHT)
    assert (budget["spent_usd"], budget["reserved_usd"]) == (ANSWER_USD, 0.0)


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_run_in_progress_keeps_its_record(
    task: Any, context: Any, store: MemoryStore, use_case: UseCase, state: str
) -> None:
    before = put(store)
    buy(store, use_case)
    assert close(task, context, Airflow(state)) == before


def test_a_cleared_estimate_keeps_what_the_run_had_spent(task: Any, context: Any, store: MemoryStore) -> None:
    put(store, spent_usd=7.5, spent_by_kind={"teacher": 7.5})
    run = close(task, context, Airflow("success"))
    assert (run["state"], run["spent_usd"], run["spent_by_kind"]) == ("succeeded", 7.5, {"teacher": 7.5})


def test_an_endpoint_that_still_exists_is_counted_and_named_in_the_log(
    task: Any,
    context: Any,
    store: MemoryStore,
    use_case: UseCase,
    bedrock: FakeBedrock,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    put(store)
    buy(store, use_case)
    arm = next(arm.name for arm in use_case.arms if arm.is_trained)
    name = throughput_names("test", "aws_docs_qa", arm, KEY, 1).name
    bedrock.put_throughput(name, "InService")
    bedrock.tags_of[f"arn:throughput/{name}"] |= {"run-key": KEY, "arm": arm}
    assert (close(task, context, Airflow(None))["spent_usd"] or 0) > 1
    assert "Endpoints that still exist cost" in capsys.readouterr().out + caplog.text


def test_a_record_that_is_not_running_is_not_looked_up(task: Any, context: Any, store: MemoryStore) -> None:
    airflow = Airflow(None)
    put(store, state="failed")
    assert close(task, context, airflow)["state"] == "failed"
    put(store, started_at="2026-09-30T02:00:00+00:00")  # neither this month nor the last
    close_lost_runs(task, {**context, "ti": airflow})
    assert airflow.asked == 0


def test_the_own_record_is_left_to_the_own_tasks(task: Any, context: Any, store: MemoryStore) -> None:
    put(store, run_key=FOLDER.run_key)
    airflow = Airflow(None)
    assert close(task, context, airflow)["state"] == "running"
    assert airflow.asked == 0


@pytest.mark.parametrize("broken", ["airflow", "folder", "history"])
def test_an_error_leaves_the_record_for_the_next_run(
    task: Any, context: Any, store: MemoryStore, use_case: UseCase, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store)
    buy(store, use_case)
    airflow = Airflow(None)

    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError("no answer")

    if broken == "airflow":
        monkeypatch.setattr(airflow, "get_dr_count", fail)
    elif broken == "folder":
        store.write(LOST.use_case, b"{")
    else:
        with monkeypatch.context() as patch:
            patch.setattr(store, "list", fail)
            close_lost_runs(task, {**context, "ti": airflow})
        assert history_of(task)[0]["state"] == "running"
        return
    assert close(task, context, airflow)["state"] == "running"
