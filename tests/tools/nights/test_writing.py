"""The nights are written with two promotions, one drift and one failure, and replace only earlier simulated nights."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from include.distill.config.layout import Layout as UseCaseLayout
from include.distill.config.loader import load_use_case
from include.distill.core.storage import read_json, write_json
from include.distill.evaluation.champion import read_champion
from include.distill.history.months import read_history, update_run
from include.distill.history.records import HistoryEntry
from include.distill.report.past_runs import read_entry
from tests.fakes.memory_store import MemoryStore
from tools.local_airflow.settings import LOCAL_INSTALLATION, Layout
from tools.nights.plan import PLANS, plan_nights
from tools.nights.writing import NightWriter, Written

NOW = datetime.datetime(2026, 11, 28, 14, tzinfo=datetime.UTC)
PLAN = PLANS[0]
USE_CASE = load_use_case(Layout().use_cases / "aws_docs_qa.yaml", LOCAL_INSTALLATION)
ROOT = UseCaseLayout(USE_CASE.storage).roots[0]
CHAMPION = UseCaseLayout(USE_CASE.storage).champion(USE_CASE.name)


def written_to(store: MemoryStore, nights: int, plan: int = 0, now: datetime.datetime = NOW) -> Written:
    use_case = load_use_case(Layout().use_cases / f"{PLANS[plan].name}.yaml", LOCAL_INSTALLATION)
    return NightWriter(store, use_case, PLANS[plan], "local").write(plan_nights(PLANS[plan], now)[:nights])


@pytest.fixture(scope="module")
def month() -> tuple[MemoryStore, Written]:
    store = MemoryStore()
    return store, written_to(store, 30)


def test_a_month_has_two_promotions_one_drift_and_one_failure(month: tuple[MemoryStore, Written]) -> None:
    store, written = month
    history = read_history(store, ROOT, USE_CASE.name)
    assert history == written.entries
    assert [index for index, run in enumerate(history) if "promoted" in run] == [8, 16]
    assert [index for index, run in enumerate(history) if run["state"] == "failed"] == [12]
    assert history[12]["failed_tasks"] == ["tuned.trained"]
    assert all(run["example"] for run in history), "neither budgets nor the drift of other runs count them"
    [drift] = [run for run in history if run.get("drift")]
    assert history.index(drift) == PLAN.drifts
    assert {change["measure"] for change in drift["drift"]} == {"half_win_rate", "usd_per_pair"}


def test_the_champion_is_the_one_of_the_second_promotion(month: tuple[MemoryStore, Written]) -> None:
    store, written = month
    champion = read_champion(store, CHAMPION)
    first, second = written.promoted
    assert champion is not None
    assert champion.simulated
    assert (champion.run_key, champion.model_arn) == (second["run_key"], second["champion_model_arn"])
    assert champion.previous is not None
    assert champion.previous.run_key == first["run_key"]
    assert champion.promoted_at.startswith(second["started_at"][:10])


def test_each_night_that_succeeded_has_a_report_and_is_in_the_list(month: tuple[MemoryStore, Written]) -> None:
    store, written = month
    succeeded = [entry for entry in written.entries if entry["state"] == "succeeded"]
    listed = [read_entry(store.read(uri)) for uri in store.list(UseCaseLayout(USE_CASE.storage).reports(USE_CASE.name))]
    assert [entry["run_key"] for entry in listed] == [entry["run_key"] for entry in succeeded]
    for entry in succeeded:
        folder = UseCaseLayout(USE_CASE.storage).run_uri(USE_CASE.name, entry["run_key"])
        report = read_json(store, f"{folder}/report/report.json", dict[str, Any])
        assert (report["dag_id"], report["run_id"]) == (entry["dag_id"], entry["run_id"])
        assert entry["spent_usd"] == report["cost"]["actual_usd"]
        assert b"SIMULATED" in store.read(f"{folder}/report/report.html")
        assert read_json(store, f"{folder}/run.json", dict[str, Any])["run_id"] == entry["run_id"]


def test_the_other_use_case_promotes_nothing_and_has_no_drift() -> None:
    written = written_to(MemoryStore(), 30, plan=1)
    assert (written.promoted, written.drifted, written.failed) == ([], [], [])
    assert len(written.entries) == 6


def test_a_second_command_changes_nothing() -> None:
    store = MemoryStore()
    first = written_to(store, 3)
    objects = dict(store.objects)
    second = written_to(store, 3)
    assert second.removed == 3
    assert second.entries == first.entries
    assert store.objects == objects


def test_a_command_on_a_later_day_leaves_no_earlier_night() -> None:
    store = MemoryStore()
    written_to(store, 2)
    later = written_to(store, 2, now=NOW + datetime.timedelta(days=5))
    assert read_history(store, ROOT, USE_CASE.name) == later.entries
    keys = {entry["run_key"] for entry in later.entries}
    assert {uri.split("/")[6] for uri in store.list(f"{ROOT}/runs/")} == keys
    assert len(store.list(f"{ROOT}/reports/")) == 2


def test_other_runs_and_their_champion_are_kept() -> None:
    store = MemoryStore()
    night = written_to(MemoryStore(), 1).entries[0]
    own: HistoryEntry = {**night, "run_key": "manual-1", "run_id": "manual__1"}
    update_run(
        store, ROOT, USE_CASE.name, "manual-1", datetime.datetime.fromisoformat(own["started_at"]), lambda _: own
    )
    champion = {
        "use_case": USE_CASE.name,
        "model_arn": "arn:own",
        "student": "nova-micro",
        "arm": "tuned",
        "run_key": "manual-1",
        "dag_id": USE_CASE.dag_id,
        "run_id": "manual__1",
        "verdict": "Better.",
        "promoted_at": "2026-11-01T00:00:00+00:00",
        "simulated": True,
        "report_uri": "s3://b/k",
    }
    write_json(store, CHAMPION, champion)
    for _ in range(2):
        written = written_to(store, 2)
        assert written.keeps_champion
        assert own in read_history(store, ROOT, USE_CASE.name)
    kept = read_champion(store, CHAMPION)
    assert kept is not None
    assert kept.model_arn == "arn:own"
