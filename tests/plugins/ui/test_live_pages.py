from __future__ import annotations

import datetime
from typing import Any

import pytest

from bedrock_distill.ui.live_pages import live_run, live_steps
from bedrock_distill.ui.stored_run import Instance, StoredRun
from include.distill.config.use_case import UseCase
from include.distill.core.errors import RefusedError
from include.distill.core.record_types import record_fault
from include.distill.core.storage import write_json
from include.distill.report.live_page import render_live_page
from include.distill.report.live_records import LiveProgress
from tests.distill.progress.example import progress
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER

DAG_ID, RUN_ID = "distill_aws_docs_qa", "manual__2026-11-28T02:00:00+00:00"
START = datetime.datetime(2026, 11, 28, 2, tzinfo=datetime.UTC)
NOW = START + datetime.timedelta(minutes=10)
NOTE = {"to_do": "Raise the quota, then clear tuned.provision with downstream.", "billed": "Nothing."}
ENDED = ("success", "failed", "skipped")


def instance(task_id: str, state: str | None, map_index: int = -1) -> Instance:
    started = None if state in (None, "upstream_failed") else START + datetime.timedelta(minutes=1)
    return Instance(task_id, map_index, state, started, NOW - datetime.timedelta(minutes=5) if state in ENDED else None)


def stored_run(*instances: Instance, state: str = "running", **xcoms: Any) -> StoredRun:
    values = {(task, -1, key): value for key, by_task in xcoms.items() for task, value in by_task.items()}
    order = list(dict.fromkeys(one.task_id for one in instances))
    upstream = {task: order[max(0, number - 1) : number] for number, task in enumerate(order)}
    return StoredRun(DAG_ID, RUN_ID, state, START, None, instances, upstream, (), values)


def shown(use_case: UseCase, store: MemoryStore, run: StoredRun) -> Any:
    return live_run(use_case, store, FOLDER, run, now=NOW)


def steps(run: StoredRun, *records: Any) -> dict[str, Any]:
    return {step["task_id"]: step for step in live_steps(run, records, now=NOW)}


class TestSteps:
    def test_they_are_in_the_order_of_the_pipeline_with_links_to_the_tasks(self) -> None:
        run = stored_run(instance("preflight", "success"), instance("ingest", "running"), instance("curate", None))
        assert [step["task_id"] for step in live_steps(run, [], now=NOW)] == ["preflight", "ingest", "curate"]
        assert steps(run)["ingest"]["url"] == (
            "/dags/distill_aws_docs_qa/runs/manual__2026-11-28T02:00:00+00:00/tasks/ingest"
        )

    def test_a_step_that_has_ended_has_a_duration_and_one_that_runs_grows_older(self) -> None:
        found = steps(stored_run(instance("a", "success"), instance("b", "running"), instance("c", None)))
        assert [found[name]["seconds"] for name in "abc"] == [240, 540, None]

    @pytest.mark.parametrize(
        ("states", "expected"),
        [
            (["success", "success"], "done"),
            (["success", "running"], "running"),
            (["success", "failed", "running"], "failed"),
            (["success", None], "running"),
            (["success", "skipped"], "done"),
            (["up_for_retry", "success"], "retrying"),
            ([None, None], "pending"),
            (["upstream_failed", "upstream_failed"], "blocked"),
            (["a state of a later Airflow"], "pending"),
        ],
    )
    def test_the_instances_of_a_mapped_task_are_one_step(self, states: list[str | None], expected: str) -> None:
        run = stored_run(*(instance("synthesize", state, number) for number, state in enumerate(states)))
        step = steps(run)["synthesize"]
        assert step["state"] == expected
        assert (step["instances"], step["ended"]) == (len(states), states.count("success"))
        assert step["url"].endswith("/tasks/synthesize/mapped") is (len(states) > 1)

    def test_a_task_that_waits_for_a_person_says_so(self) -> None:
        found = steps(stored_run(instance("approve_spending", "deferred"), instance("tuned.trained", "deferred")))
        assert (found["approve_spending"]["state"], found["tuned.trained"]["state"]) == ("asking", "waiting")

    def test_the_records_of_the_instances_are_added_up_and_the_others_are_expected_to_be_alike(self) -> None:
        run = stored_run(*(instance("synthesize", state, n) for n, state in enumerate(["success", "running", None])))
        records = [
            progress(map_index=0, rows=40, rows_done=40, usd=1.0, ended_at="2026-11-28T02:05:00+00:00"),
            progress(map_index=1, rows=40, rows_done=20, usd=0.5, rows_per_second=0.5),
        ]
        found = steps(run, *records)["synthesize"]["progress"]
        assert (found["rows"], found["rows_done"], found["are_rows_estimated"], found["usd"]) == (120, 60, True, 1.5)
        assert (found["not_started"], found["is_working"]) == (1, True)
        assert found["seconds_left"] == 120

    def test_the_rows_of_all_answers_are_those_that_ingest_counted(self) -> None:
        answers = [instance("base.answer", state, n) for n, state in enumerate(["success", "queued"])]
        run = stored_run(instance("ingest", "success"), *answers, return_value={"ingest": {"evaluation": 15}})
        record = progress(task_id="base.answer", map_index=0, rows=8, rows_done=8, ended_at=NOW.isoformat())
        found = steps(run, record)["base.answer"]["progress"]
        assert (found["rows"], found["are_rows_estimated"], found["is_working"]) == (15, False, False)

    def test_the_rows_for_the_teacher_are_those_that_were_put_into_shards(self) -> None:
        tasks = [instance("synthesize", state, n) for n, state in enumerate(["success", "running", None])]
        run = stored_run(instance("shards", "success"), *tasks, sharded_rows={"shards": 5})
        records = [
            progress(map_index=0, rows=3, rows_done=3, ended_at=NOW.isoformat()),
            progress(map_index=1, rows=1, rows_done=0, rows_per_second=0.1),
        ]
        found = steps(run, *records)["synthesize"]["progress"]
        assert (found["rows"], found["rows_done"], found["are_rows_estimated"]) == (5, 3, False)
        assert found["seconds_left"] == pytest.approx(20)

    def test_the_progress_of_a_step_has_all_its_figures(self) -> None:
        run = stored_run(instance("synthesize", "running"))
        found = steps(run, progress(updated_at=(NOW - datetime.timedelta(seconds=9)).isoformat()))["synthesize"]
        assert record_fault(LiveProgress, found["progress"]) is None
        assert found["progress"].keys() == LiveProgress.__annotations__.keys()
        assert found["progress"]["seconds_old"] == 9

    def test_a_record_of_an_attempt_before_the_task_was_cleared_is_not_progress(self) -> None:
        run = stored_run(instance("synthesize", None))
        assert steps(run, progress(rows_done=10))["synthesize"]["progress"] is None


class TestRun:
    def test_the_dollars_the_estimate_and_the_cap_are_shown(self, use_case: UseCase) -> None:
        store = MemoryStore()
        write_json(store, FOLDER.estimate, {"lines": [], "estimated_usd": 3.21, "tokens": {}})
        write_json(store, FOLDER.task_progress("synthesize", -1), progress(usd=0.5))
        run = shown(use_case, store, stored_run(instance("synthesize", "running")))
        assert (run["spent"], run["estimated_usd"]) == ([{"kind": "teacher", "usd": 0.5}], 3.21)
        assert (run["cap_usd"], run["seconds"], run["refreshes"]) == (use_case.max_spend_usd, 600, True)
        assert run["problems"] == []

    def test_a_simulated_run_is_marked(self, use_case: UseCase) -> None:
        stored = stored_run(instance("ingest", "running"))
        run = live_run(use_case, MemoryStore(), FOLDER, stored, now=NOW, simulated=True)
        assert (run["simulated"], shown(use_case, MemoryStore(), stored)["simulated"]) == (True, False)

    def test_the_cap_of_the_form_counts(self, use_case: UseCase) -> None:
        stored = stored_run(instance("estimate", "success"), return_value={"estimate": {"max_spend_usd": 1.5}})
        assert shown(use_case, MemoryStore(), stored)["cap_usd"] == 1.5

    def test_a_run_that_has_stored_nothing_is_shown_too(self, use_case: UseCase) -> None:
        run = shown(use_case, MemoryStore(), stored_run(instance("preflight", "queued"), state="queued"))
        assert (run["estimated_usd"], run["spent"], run["problems"], run["billing"]) == (None, [], [], "")
        assert "Between two tasks" not in render_live_page(run)

    def test_an_endpoint_is_billed_by_the_hour(self, use_case: UseCase) -> None:
        created = {
            "student": "nova-micro",
            "throughput_name": "tuned-s1",
            "created": START.isoformat(),
            "usd_per_hour": 24.0,
        }
        tasks = [instance("tuned.provision", "success"), instance("tuned.in_service", "deferred")]
        stored = stored_run(*tasks, instance("tuned.release", None), return_value={"tuned.provision": created})
        run = shown(use_case, MemoryStore(), stored)
        assert (
            run["billing"] == "The endpoint of arm tuned is billed at $24.00 per hour until tuned.release deletes it."
        )
        assert [part["kind"] for part in run["spent"]] == ["endpoints"]

    def test_s3_that_cannot_be_read_leaves_the_states(self, use_case: UseCase, monkeypatch: pytest.MonkeyPatch) -> None:
        store = MemoryStore()

        def refuse(*_: Any) -> Any:
            raise RefusedError("arn:aws:sts::123456789012:assumed-role/distill is not authorized")

        monkeypatch.setattr(store, "list", refuse)
        monkeypatch.setattr(store, "read", refuse)
        run = shown(use_case, store, stored_run(instance("synthesize", "running")))
        assert [step["state"] for step in run["steps"]] == ["running"]
        assert len(run["problems"]) == 3
        assert "123456789012" not in render_live_page(run)


class TestFailure:
    def test_the_note_of_the_failed_task_says_what_to_do(self, use_case: UseCase) -> None:
        stored = stored_run(instance("tuned.provision", "failed"), failure={"tuned.provision": NOTE})
        assert shown(use_case, MemoryStore(), stored)["to_do"] == NOTE["to_do"]

    def test_the_note_of_outcome_replaces_the_others(self, use_case: UseCase) -> None:
        tasks = [instance("tuned.provision", "failed"), instance("outcome", "failed")]
        last = {"to_do": "In this order: clear both.", "billed": ""}
        stored = stored_run(*tasks, state="failed", failure={"tuned.provision": NOTE, "outcome": last})
        run = shown(use_case, MemoryStore(), stored)
        assert (run["to_do"], run["refreshes"]) == (last["to_do"], False)

    def test_a_task_without_a_note_is_to_be_cleared(self, use_case: UseCase) -> None:
        run = shown(use_case, MemoryStore(), stored_run(instance("judge.nova-pro", "failed")))
        assert "lear judge.nova-pro with downstream" in run["to_do"]

    def test_without_a_failure_nothing_is_to_be_done(self, use_case: UseCase) -> None:
        assert shown(use_case, MemoryStore(), stored_run(instance("ingest", "running")))["to_do"] == ""
