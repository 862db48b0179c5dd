from __future__ import annotations

import datetime
from typing import Any

import pytest

from include.distill.config.layout import RunFolder
from include.distill.core.storage import write_json
from include.distill.cost.bought_jobs import BoughtJobs
from include.distill.cost.prices import load_prices
from include.distill.cost.throughput_hours import release_record
from include.distill.report.live_records import SpentPart
from include.distill.report.live_spending import spent_so_far
from tests.distill.progress.example import progress
from tests.fakes.memory_store import MemoryStore

FOLDER = RunFolder(f"s3://b/d/runs/docs/manual-{'0' * 32}")
NOW = datetime.datetime(2026, 11, 28, 4, tzinfo=datetime.UTC)
HOUR = load_prices().price("nova-micro", "throughput_per_hour")


def spent(store: MemoryStore, *tasks: Any, endpoints: Any = None, units: int = 1) -> list[SpentPart]:
    return spent_so_far(store, FOLDER, tasks, endpoints or {}, model_units=units, now=NOW)


def endpoint(**values: Any) -> dict[str, Any]:
    return {"student": "nova-micro", "throughput_name": "tuned-s1", "created": "2026-11-28T02:00:00+00:00", **values}


def test_a_run_that_has_paid_nothing_has_no_parts() -> None:
    assert spent(MemoryStore()) == []
    assert spent(MemoryStore(), progress(usd=0.0)) == []


def test_calls_are_added_up_by_what_they_are_for() -> None:
    parts = spent(
        MemoryStore(),
        progress(task_id="synthesize", map_index=0, usd=1.0),
        progress(task_id="synthesize", map_index=1, usd=2.0),
        progress(task_id="tuned.answer", usd=0.25),
        progress(task_id="base.answer", usd=0.25),
        progress(task_id="judge.nova-pro", usd=0.5),
        progress(task_id="judge_champion.nova-pro", usd=0.25),
    )
    assert parts == [
        {"kind": "teacher", "usd": 3.0},
        {"kind": "judges", "usd": 0.75},
        {"kind": "answers", "usd": 0.5},
    ]


def test_a_job_is_counted_once_it_is_bought() -> None:
    store = MemoryStore()
    line = load_prices().throughput_line("tuned", "nova-micro", 1.0)
    BoughtJobs(store, FOLDER).add("training", "job-1", [line])
    BoughtJobs(store, FOLDER).add("evaluation", "job-2", [line])
    assert spent(store) == [
        {"kind": "evaluations", "usd": pytest.approx(HOUR)},
        {"kind": "training", "usd": pytest.approx(HOUR)},
    ]


class TestEndpoints:
    def test_an_endpoint_that_exists_is_billed_until_now(self) -> None:
        assert spent(MemoryStore(), endpoints={"tuned": endpoint()}, units=2) == [
            {"kind": "endpoints", "usd": pytest.approx(2 * 2 * HOUR)}
        ]

    def test_an_endpoint_that_was_released_is_billed_until_then(self) -> None:
        store = MemoryStore()
        found: Any = [{"name": "tuned-s1", "created": "2026-11-28T02:00:00+00:00", "units": 1}]
        released = NOW - datetime.timedelta(hours=1)
        write_json(store, FOLDER.release_record("tuned", 1), release_record(found, now=released))
        assert spent(store, endpoints={"tuned": endpoint()}) == [{"kind": "endpoints", "usd": pytest.approx(HOUR)}]

    def test_an_earlier_endpoint_of_the_arm_is_counted_too(self) -> None:
        store = MemoryStore()
        found: Any = [{"name": "tuned-s1", "created": "2026-11-28T02:00:00+00:00", "units": 1}]
        released = NOW - datetime.timedelta(hours=1)
        write_json(store, FOLDER.release_record("tuned", 1), release_record(found, now=released))
        second = endpoint(throughput_name="tuned-s2", created="2026-11-28T03:00:00+00:00")
        assert spent(store, endpoints={"tuned": second}) == [{"kind": "endpoints", "usd": pytest.approx(2 * HOUR)}]

    @pytest.mark.parametrize("values", [{"throughput_name": None}, {"deployment_name": "d", "throughput_name": None}])
    def test_an_arm_without_provisioned_throughput_costs_nothing(self, values: dict[str, Any]) -> None:
        assert spent(MemoryStore(), endpoints={"tuned": endpoint(**values)}) == []
