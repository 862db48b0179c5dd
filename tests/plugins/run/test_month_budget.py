"""Tests of a run's claim on the monthly budgets of its use case and its owner."""

from __future__ import annotations

import datetime
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from bedrock_distill.hooks.bedrock import Throughput
from bedrock_distill.lifecycle.tags import standing_tags
from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.operators.ended_run import record_end
from bedrock_distill.operators.outcome import RunOutcomeOperator
from bedrock_distill.operators.spent import spent
from bedrock_distill.run import month_budget
from bedrock_distill.run.month_budget import RunBudgets
from include.distill.config.budgets import OwnerBudgets
from include.distill.config.use_case import UseCase
from include.distill.core.errors import BudgetExceededError, BudgetUnknownError, RefusedError, TransientError
from include.distill.core.storage import write_json
from include.distill.evaluation.champion_parts import ChampionEndpoint
from include.distill.history.months import read_month, update_run
from include.distill.history.records import HistoryEntry
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.recorded_stats import RecordedStats
from tests.fakes.standing_run import NAME
from tests.plugins.conftest import FOLDER, RUN_URI, freeze, make_champion

ROOT = "s3://bedrock-distill-training/distill"
OTHER_ROOT = "s3://other-training/distill"
NOVEMBER = datetime.datetime(2026, 11, 20, 2, tzinfo=datetime.UTC)
NOW = datetime.datetime(2026, 11, 22, 3, tzinfo=datetime.UTC)
ENDPOINT_ARN = "arn:throughput/standing"


def past_run(key: str, usd: float | None, **changes: Any) -> HistoryEntry:
    run: HistoryEntry = {
        "run_key": key,
        "use_case": "aws_docs_qa",
        "dag_id": "distill_aws_docs_qa",
        "run_id": f"scheduled__{key}",
        "owner": "ml-platform",
        "started_at": NOVEMBER.isoformat(),
        "ended_at": None,
        "state": "succeeded",
        "scheduled": True,
        "estimated_usd": usd,
        "spent_usd": usd,
        "spent_by_kind": {},
    }
    return {**run, **changes}  # type: ignore[typeddict-item]


def put(store: MemoryStore, run: HistoryEntry, root: str = ROOT) -> None:
    started = datetime.datetime.fromisoformat(run["started_at"])
    update_run(store, root, run["use_case"], run["run_key"], started, lambda _: run)


def asking(usd: float, *, run_key: str = "b-run", started: datetime.datetime = NOVEMBER) -> HistoryEntry:
    claim = {"to_pay_usd": usd, "decided": False, "warned": []}
    return past_run(run_key, None, state="running", started_at=started.isoformat(), budget=claim)


@pytest.fixture(autouse=True)
def clocks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Set the time, and do not wait. Return the waits."""
    waits: list[float] = []
    monkeypatch.setattr(month_budget, "utc_now", lambda: NOW)
    monkeypatch.setattr(month_budget, "time", SimpleNamespace(sleep=waits.append))
    return waits


@pytest.fixture
def task(equip: Any) -> Any:
    return equip(DistillOperator(task_id="estimate", run_uri=RUN_URI))


@pytest.fixture
def budgets(task: Any, use_case: UseCase, context: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that sets the budget of the use case, and of its owner."""

    def make(month_usd: float | None = None, promotion: dict[str, Any] | None = None, **owners: float) -> RunBudgets:
        found = OwnerBudgets.model_validate(
            {"owners": {name.replace("_", "-"): {"month_usd": usd} for name, usd in owners.items()}}
        )
        monkeypatch.setattr(month_budget, "load_owner_budgets", lambda: found)
        budget = use_case.budget.model_copy(update={"month_usd": month_usd})
        served = use_case.promotion.model_copy(update=promotion or {})
        changed = use_case.model_copy(update={"budget": budget, "promotion": served})
        return RunBudgets(task, changed, context, folder=tmp_path)

    return make


@pytest.fixture
def another_use_case(use_case: UseCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    """A use case of the same owner in another bucket, which another connection reads. Return the bucket's store."""
    raw = use_case.model_dump(mode="json", exclude={"environment"})
    raw |= {"name": "wages", "aws": {**raw["aws"], "conn_id": "aws_wages"}}
    raw["storage"] = {**raw["storage"], "training_bucket": "other-training"}
    (tmp_path / "wages.yaml").write_text(yaml.safe_dump(raw))
    store, hook = MemoryStore(), FakeBedrock()

    def connect(conn_id: str, region: str, **_: Any) -> FakeBedrock:
        assert (conn_id, region) == ("aws_wages", use_case.aws.region)
        return hook

    monkeypatch.setattr(month_budget, "BedrockDistillHook", connect)
    monkeypatch.setattr(month_budget, "S3ObjectStore", lambda clients: store if clients is hook else None)
    return store


def own_record(store: MemoryStore) -> HistoryEntry:
    runs = read_month(store, ROOT, NOVEMBER, use_case="aws_docs_qa")
    return next(run for run in runs if run["run_key"] == FOLDER.run_key)


def stand(store: MemoryStore, bedrock: FakeBedrock, created: datetime.datetime) -> None:
    """Record a champion that answers on provisioned throughput with two model units."""
    endpoint = ChampionEndpoint(
        kind="provisioned",
        name="standing",
        arn=ENDPOINT_ARN,
        region="us-east-1",
        created=created.isoformat(),
        units=2,
    )
    champion = make_champion(student="llama-3-1-8b", endpoint=endpoint)
    write_json(store, f"{ROOT}/champions/aws_docs_qa.json", champion.model_dump(mode="json"))
    bedrock.throughputs["standing"] = Throughput("standing", ENDPOINT_ARN, "InService", created, "arn:model/x", 2)


class TestClaim:
    def test_without_a_budget_nothing_is_read_or_written(self, budgets: Any, store: MemoryStore) -> None:
        store.objects.clear()
        store.writes.clear()
        store.list = None  # type: ignore[assignment, method-assign]
        found = budgets(someone_else=5)
        assert (found.claim(10.0), found.require_some_left(), found.preview(10.0)) == ([], None, None)
        assert store.writes == []

    def test_a_run_that_fits_claims_what_it_will_pay(
        self, budgets: Any, store: MemoryStore, capsys: pytest.CaptureFixture[str]
    ) -> None:
        put(store, past_run("a", 30.0))
        [state] = budgets(100).claim(12.5)
        assert (state["spent_usd"], state["left_usd"], state["expected_usd"]) == (30.0, 70.0, 12.5)
        assert own_record(store)["budget"] == {"to_pay_usd": 12.5, "decided": True, "warned": []}
        assert "$30.00 of $100.00 spent, $0.00 reserved for other runs, this run is expected to pay $12.50" in (
            capsys.readouterr().out
        )

    def test_a_run_that_does_not_fit_is_refused_and_withdraws_its_claim(self, budgets: Any, store: MemoryStore) -> None:
        put(store, past_run("a", 90.0))
        with pytest.raises(BudgetExceededError, match=r"pay \$12\.50, but \$10\.00 is left .*scheduled__a"):
            budgets(100).claim(12.5)
        assert own_record(store)["budget"] == {"to_pay_usd": 0.0, "decided": True, "warned": []}

    def test_a_refused_run_sends_its_budgets_as_metrics_too(
        self, budgets: Any, store: MemoryStore, sent_metrics: RecordedStats
    ) -> None:
        put(store, past_run("a-run", 7.0))
        with pytest.raises(BudgetExceededError):
            budgets(10.0).claim(5.0)
        assert sent_metrics.values["distill.budget_usd"] == {"use_case": 10.0}
        assert sent_metrics.values["distill.budget_used_usd"] == {"use_case": 7.0}

    def test_a_retry_is_not_held_up_by_its_own_claim(self, budgets: Any, store: MemoryStore) -> None:
        first = budgets(100).claim(60.0)
        assert budgets(100).claim(60.0) == first

    def test_a_cleared_run_counts_with_what_it_has_paid_before(self, budgets: Any, store: MemoryStore) -> None:
        found = budgets(100)
        found.claim(60.0)
        put(store, {**own_record(store), "state": "failed", "spent_usd": 55.0})
        [state] = found.claim(5.0)
        assert (state["spent_usd"], own_record(store)["state"]) == (55.0, "running")
        with pytest.raises(BudgetExceededError, match=r"but \$45\.00 is left"):
            found.claim(45.01)

    def test_most_of_the_budget_is_reported_once(
        self, budgets: Any, store: MemoryStore, capsys: pytest.CaptureFixture[str]
    ) -> None:
        put(store, past_run("a", 79.0))
        [state] = budgets(100).claim(2.0)
        assert (state["is_warning"], own_record(store)["budget"]["warned"]) == (True, ["use_case"])
        assert "81% of $100.00" in capsys.readouterr().out
        put(store, {**own_record(store), "run_key": "earlier"})
        assert [state["is_warning"] for state in budgets(100).claim(2.0)] == [False]

    def test_an_earlier_run_waits_until_a_later_one_is_refused(
        self, budgets: Any, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        later = asking(60.0, started=NOW)
        put(store, later)
        withdrawn: HistoryEntry = {**later, "budget": {"to_pay_usd": 0.0, "decided": True, "warned": []}}
        monkeypatch.setattr(month_budget, "time", SimpleNamespace(sleep=lambda _: put(store, withdrawn)))
        [state] = budgets(100).claim(60.0)
        assert state["left_usd"] == 100.0

    def test_a_later_run_is_refused_without_waiting(
        self, budgets: Any, store: MemoryStore, clocks: list[float]
    ) -> None:
        put(store, asking(60.0))
        with pytest.raises(BudgetExceededError, match="b-run"):
            budgets(100).claim(60.0)
        assert clocks == []

    def test_a_claim_that_nobody_decides_ends_the_wait(
        self, budgets: Any, store: MemoryStore, clocks: list[float]
    ) -> None:
        put(store, asking(60.0, started=NOW))
        with pytest.raises(BudgetExceededError, match=r"\$60\.00, running, reserved"):
            budgets(100).claim(60.0)
        assert 30 < sum(clocks) < 120
        assert own_record(store)["budget"]["to_pay_usd"] == 0.0

    def test_a_record_has_its_claim_before_the_budget_is_compared(self, budgets: Any) -> None:
        """Otherwise, other runs would count the full price."""
        run = past_run("own", None, state="running", estimated_usd=500.0)
        assert budgets().with_claim(run, 5.0) == run
        assert budgets(100).with_claim(run, 5.0)["budget"] == {"to_pay_usd": 5.0, "decided": False, "warned": []}
        assert budgets(100).with_claim(run, 0.0)["budget"]["decided"]


class TestOwner:
    def test_all_use_cases_of_the_owner_count_wherever_they_are_stored(
        self, budgets: Any, store: MemoryStore, another_use_case: MemoryStore
    ) -> None:
        put(store, past_run("a", 30.0))
        put(store, past_run("gone", 5.0, use_case="deleted_file"))
        put(store, past_run("foreign", 500.0, use_case="foreign", owner="web"))
        put(another_use_case, past_run("w", 40.0, use_case="wages"), OTHER_ROOT)
        own, owner = budgets(50, ml_platform=100).claim(1.0)
        assert (own["kind"], own["spent_usd"], owner["kind"], owner["spent_usd"]) == ("use_case", 30.0, "owner", 75.0)
        with pytest.raises(BudgetExceededError, match=r"owner ml-platform .*owners\.ml-platform\.month_usd") as raised:
            budgets(1000, ml_platform=75.5).claim(1.0)
        assert "then clear estimate with downstream" in raised.value.to_do

    def test_a_budget_of_the_use_case_does_not_read_other_use_cases(
        self, budgets: Any, store: MemoryStore, another_use_case: MemoryStore
    ) -> None:
        another_use_case.list = None  # type: ignore[assignment, method-assign]
        put(store, past_run("gone", 5.0, use_case="deleted_file"))
        [state] = budgets(100).claim(1.0)
        assert state["spent_usd"] == 0

    def test_a_history_that_may_not_be_read_stops_the_run_and_names_the_use_case(
        self, budgets: Any, store: MemoryStore, another_use_case: MemoryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_: str) -> list[str]:
            raise RefusedError("AccessDenied for ListObjectsV2.")

        monkeypatch.setattr(another_use_case, "list", refuse)
        expected = r"owner ml-platform cannot be kept, because the history of wages in s3://other-training/distill"
        with pytest.raises(BudgetUnknownError, match=expected) as raised:
            budgets(None, ml_platform=100).claim(1.0)
        assert "connection aws_wages. AccessDenied" in raised.value.happened
        assert own_record(store)["budget"]["to_pay_usd"] == 0.0

    def test_an_error_that_may_be_temporary_lets_airflow_repeat_the_task(
        self, budgets: Any, another_use_case: MemoryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(_: str) -> list[str]:
            raise TransientError("503")

        monkeypatch.setattr(another_use_case, "list", fail)
        with pytest.raises(TransientError, match="503"):
            budgets(None, ml_platform=100).claim(1.0)

    def test_a_broken_history_of_the_own_use_case_stops_the_run(self, budgets: Any, store: MemoryStore) -> None:
        store.objects[f"{ROOT}/history/aws_docs_qa/2026-11.json"] = b"not JSON"
        with pytest.raises(BudgetUnknownError, match="the history of use case aws_docs_qa cannot be used") as raised:
            budgets(100).claim(1.0)
        assert "history/aws_docs_qa/2026-11.json is not JSON" in raised.value.happened
        assert raised.value.to_do.startswith("Download the object and correct it. Or move it out of the folder")
        assert "access" not in raised.value.to_do, "the connection is not the problem"

    def test_an_amount_that_is_not_a_number_does_not_fit_into_every_budget(
        self, budgets: Any, store: MemoryStore
    ) -> None:
        put(store, past_run("odd", float("nan")))
        with pytest.raises(BudgetUnknownError, match="a number that is not finite"):
            budgets(100).claim(1.0)

    def test_a_history_of_a_newer_version_stops_the_run_and_asks_for_an_upgrade(
        self, budgets: Any, store: MemoryStore
    ) -> None:
        store.objects[f"{ROOT}/history/aws_docs_qa/2026-11.json"] = b'{"format": 99, "version": "9.0.0", "runs": []}'
        with pytest.raises(BudgetUnknownError, match=r"written by version 9\.0\.0") as raised:
            budgets(100).claim(1.0)
        assert "Upgrade this installation" in raised.value.to_do

    def test_a_use_case_file_that_is_not_valid_is_named_in_the_log(
        self, budgets: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "broken.yaml").write_text("name: other")
        budgets(None, ml_platform=100).claim(1.0)
        assert "A use-case file is not valid." in (out := capsys.readouterr().out)
        assert "broken.yaml" in out

    def test_an_owner_that_no_use_case_has_is_a_warning(self, budgets: Any, another_use_case: MemoryStore) -> None:
        assert budgets(5).warnings() == []
        [warning] = budgets(None, ml_platfrom=100, ml_platform=7).warnings()
        assert "'ml-platfrom'" in warning


class TestStandingEndpoint:
    HOUR = datetime.timedelta(hours=1)

    def test_its_hours_of_the_month_are_spent(self, budgets: Any, store: MemoryStore, bedrock: FakeBedrock) -> None:
        stand(store, bedrock, NOW - 3 * self.HOUR)
        [state] = budgets(100_000).claim(1.0)
        per_hour = 2 * month_budget.load_prices().price("llama-3-1-8b", "throughput_per_hour")
        assert state["standing_usd"] == pytest.approx(3 * per_hour)
        assert state["spent_usd"] == state["standing_usd"]
        with pytest.raises(BudgetExceededError) as raised:
            budgets(1).claim(1.0)
        assert "The standing endpoint standing of use case aws_docs_qa is billed" in raised.value.billed

    def test_an_endpoint_whose_run_failed_before_it_recorded_the_champion_counts_once(
        self, equip: Any, budgets: Any, context: Any, store: MemoryStore, bedrock: FakeBedrock, use_case: UseCase
    ) -> None:
        """The sentence about the run's purchases contains the hours of the endpoint. The run's record does not."""
        freeze(store, use_case, promotion={"serve": "provisioned"})
        buyer = equip(RunOutcomeOperator(task_id="outcome", run_uri=RUN_URI))
        bedrock.put_throughput(NAME, "InService", created=NOW - 3 * self.HOUR)
        bedrock.tags_of[f"arn:throughput/{NAME}"] = standing_tags(
            use_case, dag_id="d", run_id="r", run_key=FOLDER.run_key
        )
        record_end(buyer, context, "failed", report_uri=None, purchases=lambda: spent(buyer, []))
        assert own_record(store)["spent_usd"] == 0
        put(store, {**own_record(store), "run_key": "the failed run"})
        [state] = budgets(100_000, promotion={"serve": "provisioned"}).claim(1.0)
        hours = 3 * month_budget.load_prices().price("nova-micro", "throughput_per_hour")
        assert state["spent_usd"] == state["standing_usd"] == pytest.approx(hours)

    def test_an_endpoint_of_somebody_else_costs_nothing(
        self, budgets: Any, store: MemoryStore, bedrock: FakeBedrock
    ) -> None:
        bedrock.put_throughput(NAME, "InService", created=NOW - 3 * self.HOUR)
        assert budgets(100, promotion={"serve": "provisioned"}).claim(1.0)[0]["standing_usd"] == 0

    def test_an_endpoint_that_was_deleted_by_hand_costs_nothing(
        self, budgets: Any, store: MemoryStore, bedrock: FakeBedrock
    ) -> None:
        stand(store, bedrock, NOW - 3 * self.HOUR)
        bedrock.throughputs.clear()
        assert budgets(100).claim(1.0)[0]["standing_usd"] == 0


class TestBeforeAnyWork:
    def test_a_run_may_begin_as_long_as_anything_is_left(self, budgets: Any, store: MemoryStore) -> None:
        put(store, past_run("a", 99.99))
        store.writes.clear()
        budgets(100).require_some_left()
        assert store.writes == []

    def test_nothing_left_stops_the_run(self, budgets: Any, store: MemoryStore) -> None:
        put(store, past_run("a", 60.0))
        put(store, past_run("b", 40.0, state="running"))
        with pytest.raises(BudgetExceededError, match="Nothing is left of the budget of use case aws_docs_qa"):
            budgets(100).require_some_left()

    def test_a_claim_that_may_be_refused_in_a_moment_stops_nobody(self, budgets: Any, store: MemoryStore) -> None:
        put(store, past_run("a", 60.0))
        put(store, asking(40.0))
        budgets(100).require_some_left()

    def test_a_cleared_run_does_not_count_with_its_own_reservation(self, budgets: Any, store: MemoryStore) -> None:
        budgets(100).claim(100.0)
        budgets(100).require_some_left()


def test_a_dry_run_claims_nothing_and_says_whether_the_run_would_start(
    budgets: Any, store: MemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    put(store, past_run("a", 90.0))
    store.writes.clear()
    budgets(100).preview(12.0)
    assert "would not start now. This run is expected to pay $12.00, but $10.00 is left" in capsys.readouterr().out
    budgets(100).preview(10.0)
    assert "would not start" not in capsys.readouterr().out
    assert store.writes == []


class LockedStore(MemoryStore):
    """A store whose conditional writes are atomic, as those of S3 are."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.RLock()

    def write_if_absent(self, uri: str, body: bytes) -> bool:
        with self._lock:
            return super().write_if_absent(uri, body)

    def write_if_unchanged(self, uri: str, body: bytes, version: str) -> bool:
        with self._lock:
            return super().write_if_unchanged(uri, body, version)


def test_runs_that_start_at_the_same_time_never_exceed_the_budget_together(
    use_case: UseCase, bedrock: FakeBedrock, context: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store, together = LockedStore(), threading.Barrier(6)
    monkeypatch.setattr(month_budget, "load_owner_budgets", OwnerBudgets)
    monkeypatch.setattr(month_budget, "time", SimpleNamespace(sleep=lambda _: time.sleep(0.05)))
    limited = use_case.model_copy(update={"budget": use_case.budget.model_copy(update={"month_usd": 100})})

    def start(number: int) -> bool:
        task: Any = DistillOperator(task_id="estimate", run_uri=RUN_URI[:-1] + str(number))
        task.__dict__ |= {"store": store, "hook": bedrock, "use_case": limited}
        together.wait(timeout=30)
        try:
            return bool(RunBudgets(task, limited, context, folder=tmp_path).claim(30.0))
        except BudgetExceededError:
            return False

    with ThreadPoolExecutor(6) as pool:
        started = list(pool.map(start, range(6)))
    runs = read_month(store, ROOT, NOVEMBER)  # type: ignore[arg-type]
    assert len(runs) == 6
    assert all(run["budget"]["decided"] for run in runs)
    assert sum(run["budget"]["to_pay_usd"] for run in runs) == 30.0 * sum(started) <= 100.0
    assert any(started)
