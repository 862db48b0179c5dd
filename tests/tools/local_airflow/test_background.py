"""`make up` runs what was asked for, continues what was interrupted, and says which component is not healthy."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tools.local_airflow import account, background, commands
from tools.local_airflow.__main__ import main
from tools.local_airflow.airflow_api import AirflowApiError
from tools.local_airflow.background import had_endpoint
from tools.local_airflow.health import Problem
from tools.local_airflow.interruption import Interrupted
from tools.local_airflow.lock import Holder
from tools.local_airflow.ports import Ports
from tools.local_airflow.process_table import start_time
from tools.local_airflow.processes import ComponentDiedError
from tools.local_airflow.runs import FollowedRun
from tools.local_airflow.settings import Layout


class FakeServed:
    """A stack of `make up` with prepared runs. It remembers what the command does with it."""

    ports = Ports(8080, 8090)

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.api: Any = self
        self.holder = Holder("make up", 1, 1.0, "2026-01-01T00:00:00+00:00", 8080, 8090)
        self.restarts = SimpleNamespace(new_lines=lambda: self.restarted)
        self.stored: list[dict[str, str]] = []
        self.instances: list[dict[str, str]] = []
        self.did: list[str] = []
        self.restarted: list[str] = []
        self.sick: list[list[Problem]] = []
        self.rented: list[dict[str, Any]] = []
        self.ends_with = "success"
        self.not_loaded: set[str] = set()

    def find_dag(self, dag_id: str) -> dict[str, str] | None:
        return None if dag_id in self.not_loaded else {"dag_id": dag_id}

    def load(self, served: Any, dag_id: str) -> None:
        self.did.append(f"wait for {dag_id}")
        self.not_loaded.discard(dag_id)

    def add(self, run_id: str, state: str, dag_id: str = "distill_aws_docs_qa") -> None:
        self.stored.insert(0, {"dag_run_id": run_id, "state": state, "dag_id": dag_id})

    def runs(self, dag_id: str) -> list[dict[str, str]]:
        if dag_id in self.not_loaded:
            raise AirflowApiError(f"GET /api/v2/dags/{dag_id}/dagRuns: Airflow answered 404", 404)
        return [run for run in self.stored if dag_id in ("~", run["dag_id"])]

    def unpause(self, dag_id: str) -> None:
        self.did.append("unpause")

    def clear(self, dag_id: str, run_id: str, task_id: str) -> None:
        self.did.append(f"clear {task_id} of {run_id}")

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, str]]:
        return self.instances

    def returned(self, dag_id: str, run_id: str, task_id: str) -> None:
        """No task of a prepared run has a result."""

    def problems(self) -> list[Problem]:
        return self.sick.pop(0) if self.sick else []

    def check(self) -> list[str]:
        return []

    def trigger(self, served: Any, request: Any) -> str:
        self.did.append(f"trigger {sorted(request.conf.items())}")
        return "new"

    def follow(self, served: Any, dag_id: str, run_id: str, **_: Any) -> FollowedRun:
        self.did.append(f"follow {run_id}")
        return FollowedRun(dag_id, run_id, self.ends_with, 60)

    @property
    def runs_shown(self) -> list[str]:
        return [step for step in self.did if step.startswith(("follow", "trigger", "clear", "stop", "launch"))]


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    for name in ("CSV", "EVALUATION_CSV", "USE_CASE", "DOCUMENTS", "EVALUATION"):
        monkeypatch.setenv(name, "")
    (tmp_path / "my.csv").write_text("doc,question,answer\n")
    monkeypatch.chdir(tmp_path)
    return Layout(state=tmp_path / "state")


@pytest.fixture
def served(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServed]:
    stack = FakeServed(layout)
    before = dict(os.environ)

    def launch(_: Layout) -> FakeServed:
        stack.did.append("launch")
        return stack

    def stop(_: Layout) -> bool:
        stack.did.append("stop")
        return True

    monkeypatch.setattr(background, "launch_server", launch)
    monkeypatch.setattr(background, "stop_server", stop)
    monkeypatch.setattr(background, "running_server", lambda _: None)
    monkeypatch.setattr(background, "wait_for_dag", lambda *_: None)
    monkeypatch.setattr(background, "PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(background, "read_ledger", lambda _: {"throughputs": stack.rented, "deployments": []})
    monkeypatch.setattr(commands, "read_ledger", lambda _: {"throughputs": stack.rented, "deployments": []})
    monkeypatch.setattr(commands, "keep_access", lambda *_: "")
    monkeypatch.setattr(account, "standing_endpoints", lambda _: ["standing"])
    monkeypatch.setattr(commands, "standing_endpoints", lambda _: ["standing"])
    monkeypatch.setattr(commands, "give_back_endpoints", lambda _: stack.did.append("give back") or [])
    monkeypatch.setattr(commands, "trigger_run", stack.trigger)
    monkeypatch.setattr(commands, "follow_run", stack.follow)
    monkeypatch.setattr(commands, "let_workers_read", lambda _: stack.did.append("let workers read"))
    monkeypatch.setattr(background, "let_workers_read", lambda _: stack.did.append("let workers read"))
    monkeypatch.setattr(commands, "fetch_report", lambda *_: {})
    monkeypatch.setattr(commands, "fetch_promotion", lambda *_: None)
    monkeypatch.setattr(commands, "describe_outcome", lambda *_, **__: "the verdict")
    monkeypatch.setattr(commands, "explain_failure", lambda *_: "the reason")
    yield stack
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def running(served: FakeServed, monkeypatch: pytest.MonkeyPatch) -> FakeServed:
    """The stack runs already, and may read the folder of the test's files."""
    served.holder.input_roots.append(str(Path.cwd()))
    monkeypatch.setattr(background, "running_server", lambda _: served)
    served.layout.make_private()
    holder = replace(served.holder, pid=os.getpid(), started=start_time(os.getpid()))
    served.layout.lock.write_text(json.dumps(asdict(holder)))
    return served


def up(served: FakeServed) -> int:
    return main(["up", "--state", str(served.layout.state)])


CONF = "[('evaluation_rows', 100), ('training_csv', '{}')]"


class TestWhatIsRun:
    def test_a_finished_run_is_shown_if_no_rows_are_chosen(self, served: FakeServed, capsys: Any) -> None:
        served.add("old", "success")
        assert up(served) == 0
        assert served.runs_shown == ["launch"]
        assert served.did[-1] == "let workers read"
        assert "an earlier run has already succeeded: old" in capsys.readouterr().out

    @pytest.mark.parametrize("earlier", [[], ["failed"], ["failed", "failed"]])
    def test_without_a_finished_run_the_sample_is_run(self, served: FakeServed, earlier: list[str]) -> None:
        for number, state in enumerate(earlier):
            served.add(f"old{number}", state)
        assert up(served) == 0
        assert served.runs_shown[1:] == ["trigger [('documents', 40), ('evaluation_rows', 100)]", "follow new"]

    @pytest.mark.parametrize("name", ["CSV", "EVALUATION_CSV", "DOCUMENTS", "EVALUATION"])
    def test_chosen_rows_are_run_whatever_has_been_run(
        self, served: FakeServed, monkeypatch: pytest.MonkeyPatch, capsys: Any, name: str
    ) -> None:
        served.add("old", "success")
        monkeypatch.setenv(name, "12" if name in ("DOCUMENTS", "EVALUATION") else "my.csv")
        assert up(served) == 0
        assert served.did[-2:] == ["follow new", "let workers read"]
        assert "the verdict" in capsys.readouterr().out

    def test_chosen_rows_are_run_in_an_airflow_that_runs_already(
        self, running: FakeServed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        running.add("old", "success")
        monkeypatch.setenv("CSV", "my.csv")
        assert up(running) == 0
        assert running.runs_shown == [f"trigger {CONF.format(Path.cwd() / 'my.csv')}", "follow new"]

    @pytest.mark.parametrize(
        ("states", "starts"), [([], True), (["failed"], True), (["success", "failed"], False), (["running"], False)]
    )
    def test_a_chosen_use_case_is_run_in_an_airflow_that_runs_already_unless_it_has_a_run(
        self, running: FakeServed, monkeypatch: pytest.MonkeyPatch, states: list[str], starts: bool
    ) -> None:
        running.add("sample", "success")
        for number, state in enumerate(states):
            running.add(f"old{number}", state, "distill_compare_arms")
        monkeypatch.setenv("USE_CASE", "compare_arms")
        assert up(running) == 0
        assert running.runs_shown == (["trigger []", "follow new"] if starts else [])

    def test_a_new_use_case_is_awaited_in_an_airflow_that_runs_already_and_then_run(
        self, running: FakeServed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        running.not_loaded.add("distill_compare_arms")
        monkeypatch.setattr(background, "wait_for_dag", running.load)
        monkeypatch.setenv("USE_CASE", "compare_arms")
        assert up(running) == 0
        assert running.did[0] == "wait for distill_compare_arms"
        assert running.runs_shown == ["trigger []", "follow new"]

    def test_a_run_in_progress_keeps_its_endpoint_while_the_next_one_waits(
        self, running: FakeServed, monkeypatch: pytest.MonkeyPatch, capsys: Any
    ) -> None:
        running.add("other", "running")
        monkeypatch.setenv("CSV", "my.csv")
        assert up(running) == 0
        assert "give back" not in running.did
        assert (
            "Run other of DAG distill_aws_docs_qa is still in progress. The new run starts when it has ended."
            in capsys.readouterr().out
        )

    def test_a_folder_that_airflow_may_not_read_needs_a_restart(
        self, running: FakeServed, monkeypatch: pytest.MonkeyPatch, capsys: Any
    ) -> None:
        running.holder.input_roots.clear()
        monkeypatch.setenv("CSV", "my.csv")
        running.add("sweep", "running", "distill_release_leftovers")
        assert up(running) == 0
        assert running.runs_shown[:2] == ["stop", "launch"]
        assert running.did[-2:] == ["follow new", "let workers read"]

    def test_a_restart_never_interrupts_a_run(
        self, running: FakeServed, monkeypatch: pytest.MonkeyPatch, capsys: Any
    ) -> None:
        running.holder.input_roots.clear()
        monkeypatch.setenv("CSV", "my.csv")
        running.add("other", "running", "distill_compare_arms")
        assert up(running) == 2
        assert running.did == []
        assert "Run other of DAG distill_compare_arms is in progress" in capsys.readouterr().err

    def test_ctrl_c_leaves_an_airflow_running_that_was_running_before(
        self, running: FakeServed, monkeypatch: pytest.MonkeyPatch, capsys: Any
    ) -> None:
        def interrupt(*_: Any, **__: Any) -> None:
            raise Interrupted

        monkeypatch.setattr(commands, "follow_run", interrupt)
        monkeypatch.setenv("CSV", "my.csv")
        assert up(running) == 130
        assert "stop" not in running.did
        assert "Interrupted. Airflow is still running: http://127.0.0.1:8080." in capsys.readouterr().err

    def test_ctrl_c_while_an_unhealthy_airflow_recovers_leaves_it_running(
        self, running: FakeServed, monkeypatch: pytest.MonkeyPatch, capsys: Any
    ) -> None:
        def interrupt() -> Any:
            raise Interrupted

        monkeypatch.setattr(running, "problems", interrupt)
        assert up(running) == 130
        assert running.did == []
        assert "Interrupted. Airflow is still running: http://127.0.0.1:8080." in capsys.readouterr().err

    def test_ctrl_c_during_a_restart_finishes_the_stop(
        self, running: FakeServed, monkeypatch: pytest.MonkeyPatch, capsys: Any
    ) -> None:
        signals = [Interrupted()]

        def stop(layout: Layout) -> bool:
            running.did.append("stop")
            if signals:
                raise signals.pop()
            layout.lock.write_text("")
            return True

        running.holder.input_roots.clear()
        monkeypatch.setattr(background, "stop_server", stop)
        monkeypatch.setenv("CSV", "my.csv")
        assert up(running) == 130
        assert running.did == ["stop", "stop"]
        assert "Interrupted. Everything that was started has been stopped." in capsys.readouterr().err

    def test_ctrl_c_during_the_first_start_stops_it_undisturbed(
        self, served: FakeServed, monkeypatch: pytest.MonkeyPatch, capsys: Any
    ) -> None:
        def interrupt(*_: Any, **__: Any) -> None:
            raise Interrupted

        def stop(_: Layout) -> bool:
            os.kill(os.getpid(), signal.SIGTERM)  # a second signal
            served.did.append("stopped")
            return True

        monkeypatch.setattr(background, "wait_for_dag", interrupt)
        monkeypatch.setattr(background, "stop_server", stop)
        assert up(served) == 130
        assert served.did[-1] == "stopped"
        assert "Interrupted. Everything that was started has been stopped." in capsys.readouterr().err


class TestInterruptedRuns:
    @pytest.mark.parametrize("state", ["queued", "running"])
    def test_a_run_that_was_interrupted_continues(self, served: FakeServed, capsys: Any, state: str) -> None:
        served.add("old", "success")
        served.add("cut", state)
        assert up(served) == 0
        assert served.runs_shown == ["launch", "follow cut"]
        assert (
            "Run cut of DAG distill_aws_docs_qa was left unfinished by an earlier command. It continues now."
            in capsys.readouterr().out
        )

    def test_several_continue_in_their_order_and_chosen_rows_follow(
        self, served: FakeServed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        served.add("first", "running")
        served.add("second", "queued")
        monkeypatch.setenv("DOCUMENTS", "12")
        assert up(served) == 0
        shown = ["launch", "follow first", "follow second"]
        assert served.runs_shown[:3] == shown
        assert served.runs_shown[-1] == "follow new"

    @pytest.mark.parametrize(
        ("rented", "cleared"),
        [
            ([], True),
            ([{"arn": "of the run", "alive": True}], False),
            ([{"arn": "of the run", "alive": False}], True),
            ([{"arn": "standing", "alive": True}], True),
        ],
    )
    def test_a_run_whose_endpoint_is_gone_starts_again_at_preflight(
        self, served: FakeServed, rented: list[dict[str, Any]], cleared: bool
    ) -> None:
        served.add("cut", "running")
        served.instances = [{"task_id": "tuned.provision", "state": "success"}]
        served.rented = rented
        assert up(served) == 0
        assert served.runs_shown[1:] == [*(["clear preflight of cut"] if cleared else []), "follow cut"]

    def test_a_run_that_fails_again_keeps_airflow_running_for_a_look(self, served: FakeServed, capsys: Any) -> None:
        served.add("cut", "running")
        served.ends_with = "failed"
        assert up(served) == 1
        printed = capsys.readouterr().out
        assert "The run FAILED after 1:00:\nthe reason" in printed
        assert "Airflow is running" in printed
        assert "stop" not in served.did

    @pytest.mark.parametrize(
        ("states", "had"),
        [
            ({}, False),
            ({"base.answer": "success", "tuned.submit": "success"}, False),
            ({"tuned.provision": "running"}, False),
            ({"tuned.provision": "success"}, True),
            ({"tuned.provision": "success", "tuned.answer": "running", "tuned.release": "running"}, True),
            ({"tuned.provision": "success", "tuned.release": "success"}, False),
            ({"a.provision": "success", "a.release": "success", "b.provision": "success"}, True),
            ({"tuned.deploy": "success"}, True),
            ({"tuned.deploy": "success", "tuned.undeploy": "success"}, False),
        ],
    )
    def test_only_an_endpoint_that_was_bought_and_not_released_can_be_lost(
        self, states: dict[str, str], had: bool
    ) -> None:
        assert had_endpoint([{"task_id": task_id, "state": state} for task_id, state in states.items()]) is had


class TestHealth:
    DEAD = Problem("scheduler", "has sent no heartbeat since 02:33:44 UTC")

    def test_a_healthy_airflow_is_said_to_be_running(self, running: FakeServed, capsys: Any) -> None:
        assert up(running) == 0
        assert "all its components are healthy: http://127.0.0.1:8080" in capsys.readouterr().out
        assert running.did == []

    @pytest.mark.parametrize("launched", [False, True])
    def test_an_airflow_with_a_dead_scheduler_is_never_said_to_be_running(
        self, served: FakeServed, monkeypatch: pytest.MonkeyPatch, capsys: Any, launched: bool
    ) -> None:
        served.add("old", "success")
        served.sick = [[self.DEAD]] * 10_000
        monkeypatch.setattr(background, "RECOVERY_SECONDS", 0.01)
        if not launched:
            monkeypatch.setattr(background, "running_server", lambda _: served)
        assert up(served) == 1
        printed = capsys.readouterr().out
        assert "Airflow is not healthy: scheduler has sent no heartbeat since 02:33:44 UTC." in printed
        assert "Airflow is NOT healthy" in printed
        assert f"Read {served.layout.log_of('scheduler')}. To restart everything, run `make down`" in printed
        assert "all its components are healthy" not in printed

    def test_a_component_that_recovers_is_awaited(self, running: FakeServed, capsys: Any) -> None:
        running.sick = [[self.DEAD], [self.DEAD]]
        assert up(running) == 0
        printed = capsys.readouterr().out
        assert printed.count("Airflow is not healthy") == 1
        assert "all its components are healthy" in printed

    def test_earlier_restarts_are_told(self, running: FakeServed, capsys: Any) -> None:
        running.restarted = ["2026-11-26 02:36:00 UTC: scheduler ended on its own (exit code 137)"]
        assert up(running) == 0
        assert running.restarted[0] in capsys.readouterr().out

    def test_an_airflow_that_ends_during_the_wait_is_a_failure(
        self, running: FakeServed, monkeypatch: pytest.MonkeyPatch, capsys: Any
    ) -> None:
        def died() -> list[str]:
            raise ComponentDiedError("The local Airflow has ended on its own.")

        running.sick = [[self.DEAD]]
        monkeypatch.setattr(running, "check", died)
        assert up(running) == 1
        assert "Failed: The local Airflow has ended on its own." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("running", "wanted", "named"),
    [
        pytest.param(
            "", "2025-02-12", "account of today, but this command asks for the account as of 2025-02-12", id="past"
        ),
        pytest.param("2025-02-12", "", "run `make up AS_OF=2025-02-12`", id="today"),
        pytest.param("2025-02-12", "2025-02-13", "account as of 2025-02-13", id="two days"),
    ],
)
def test_a_running_stack_is_never_used_for_the_account_of_another_day(
    running: str,
    wanted: str,
    named: str,
    served: FakeServed,
    layout: Layout,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    served.holder = replace(served.holder, as_of=running)
    monkeypatch.setattr(background, "running_server", lambda _: served)
    monkeypatch.setenv("AS_OF", wanted)
    assert main(["up", "--state", str(layout.state)]) == 2
    assert named in (error := capsys.readouterr().err)
    assert "Nothing was started or stopped." in error
    assert served.runs_shown == []
    monkeypatch.setenv("AS_OF", running)
    served.add("earlier", "success")
    assert main(["up", "--state", str(layout.state)]) == 0
