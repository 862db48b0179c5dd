"""The state survives when the simulator's process is stopped or killed and started again."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator, start_simulator
from tests.fakes.patience import wait_until
from tests.fakes.simulator_process import exit_code, port_in, simulator_process, wait_for
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tools.aws_simulator.account.state import State
from tools.aws_simulator.jobs.job_runner import PHASES
from tools.aws_simulator.jobs.prompts import Prompt
from tools.aws_simulator.jobs.synthesis import Teacher
from tools.aws_simulator.runtime.inference import Charge


@contextmanager
def process(state: Path, *options: str) -> Iterator[tuple[RunningSimulator, subprocess.Popen[bytes]]]:
    """Run ``python -m tools.aws_simulator`` until the block ends."""
    port_file = state.parent / f"{state.name}.port"
    port_file.unlink(missing_ok=True)
    account = ["--state", str(state), "--role", builders.ROLE]
    with simulator_process([*account, "--port-file", str(port_file), *options]) as child:
        port = wait_for(child, lambda: port_in(port_file))
        yield RunningSimulator(f"http://127.0.0.1:{port}"), child


def test_a_student_of_any_file_remembers_its_answers_and_can_be_trained_further(tmp_path: Path) -> None:
    with start_simulator(tmp_path, throughput_seconds=0) as simulator:
        first = builders.free_training_data(simulator, builders.GATES[:10])
        model = builders.custom_model(simulator, trainingDataConfig=first)
        throughput = builders.provision(simulator, model)
    with start_simulator(tmp_path, throughput_seconds=0) as simulator:
        question, answer = builders.GATES[3]
        assert builders.text_of(builders.converse(simulator, throughput, question)) == answer
        second = builders.free_training_data(simulator, builders.GATES[10:])
        further = builders.custom_model(simulator, trainingDataConfig=second, baseModelIdentifier=model)
        arn = builders.provision(simulator, further)
        assert [builders.text_of(builders.converse(simulator, arn, one)) for one, _ in builders.GATES] == [
            answer for _, answer in builders.GATES
        ]


def test_jobs_models_throughputs_tags_settings_faults_and_counts_survive(tmp_path: Path) -> None:
    with start_simulator(tmp_path, throughput_seconds=0) as simulator:
        request = builders.job_request(simulator, clientRequestToken="kept-token", jobTags=[{"key": "a", "value": "b"}])
        job = simulator.boto("bedrock").create_model_customization_job(**request)["jobArn"]
        model = builders.finished_job(simulator, job)["outputModelArn"]
        throughput = builders.provision(simulator, model)
        deployment = builders.deploy(simulator, model, tags=[{"key": "c", "value": "d"}])
        builders.converse(simulator, deployment)
        answer = builders.text_of(builders.converse(simulator, throughput))
        simulator.admin("PUT", "settings", {"quotas": {builders.TEACHER: {"rpm": 1}}})
        simulator.fail(operation="Converse", kind="throttle", times=1, after=1)
        builders.converse(simulator, throughput)
        before, noted = simulator.ledger, simulator.admin("GET", "requests")
        settings, faults = simulator.admin("GET", "settings"), simulator.admin("GET", "faults")
    with start_simulator(tmp_path, throughput_seconds=0) as simulator:
        assert (simulator.admin("GET", "settings"), simulator.admin("GET", "faults")) == (settings, faults)
        assert simulator.admin("GET", "requests") == noted
        after = simulator.ledger
        assert (after["by_model"], after["by_document"], after["jobs"]) == (
            before["by_model"],
            before["by_document"],
            before["jobs"],
        )
        assert after["throughputs_alive"] == 1
        assert after["throughput_seconds"] > before["throughput_seconds"]
        bedrock = simulator.boto("bedrock")
        assert bedrock.create_model_customization_job(**request)["jobArn"] == job
        assert bedrock.list_tags_for_resource(resourceARN=job)["tags"] == [{"key": "a", "value": "b"}]
        assert after["deployments"] == before["deployments"]
        assert bedrock.list_tags_for_resource(resourceARN=deployment)["tags"] == [{"key": "c", "value": "d"}]
        assert builders.deployment_state(simulator, deployment)["status"] == "Active"
        with refused("ThrottlingException"):
            builders.converse(simulator, throughput)
        assert builders.text_of(builders.converse(simulator, throughput)) == answer


def test_a_job_in_progress_continues_after_a_restart_and_is_billed_once(tmp_path: Path) -> None:
    with start_simulator(tmp_path, job_seconds=600) as simulator:
        arn = builders.create_job(simulator)
        wait_until(
            lambda: builders.job_state(simulator, arn)["statusDetails"]["validationDetails"]["status"] == "InProgress"
        )
    with start_simulator(tmp_path, job_seconds=0.2) as simulator:
        assert builders.finished_job(simulator, arn)["status"] == "Completed"
        assert len(simulator.ledger["jobs"]) == len(simulator.ledger["custom_models"]) == 1


@pytest.mark.parametrize(
    ("phase", "seconds"), [("validationDetails", 600), ("dataProcessingDetails", 4), ("trainingDetails", 4)]
)
def test_a_distillation_job_continues_after_a_restart_and_its_teacher_is_billed_once(
    tmp_path: Path, phase: str, seconds: float
) -> None:
    with start_simulator(tmp_path, job_seconds=seconds) as simulator:
        arn = builders.create_distillation(simulator)
        wait_until(lambda: builders.job_state(simulator, arn)["statusDetails"][phase]["status"] == "InProgress")
    with start_simulator(tmp_path, job_seconds=0) as simulator:
        job = builders.finished_job(simulator, arn)
        assert (job["status"], job["customizationConfig"]) == ("Completed", builders.teacher())
        (cost,) = simulator.ledger["jobs"]
        assert cost["teacher_calls"] == 100
        assert cost["billed_tokens"] == 2 * (cost["teacher_input_tokens"] + cost["teacher_output_tokens"])


def test_a_job_that_was_stopping_is_stopped_after_a_restart(tmp_path: Path) -> None:
    with start_simulator(tmp_path, job_seconds=600) as simulator:
        arn = builders.create_job(simulator)
        simulator.boto("bedrock").stop_model_customization_job(jobIdentifier=arn)
    with start_simulator(tmp_path, job_seconds=0) as simulator:
        assert builders.finished_job(simulator, arn)["status"] == "Stopped"


def in_phase(state_dir: Path, arn: str, phase: str) -> None:
    """Put a job in a phase that began 60 seconds before the simulator was closed, 300 seconds ago."""
    state, closed = State(state_dir / "bedrock.sqlite"), time.time() - 300
    began = {"creationTime": closed - 60, "lastModifiedTime": closed - 60}
    details: dict[str, Any] = {one: {"status": "NotStarted"} for one in PHASES}
    details |= {one: {"status": "Completed", **began} for one in PHASES[: PHASES.index(phase)]}
    details[phase] = {"status": "InProgress", **began}
    use = {"calls": 100, "input_tokens": 1200, "output_tokens": 2700}
    state.jobs.change(arn, statusDetails=details, modified=closed, tokens=3900, teacher_use=use, billed_teacher_use=use)
    state.close()


def test_a_phase_that_was_completed_before_a_restart_keeps_its_times(tmp_path: Path) -> None:
    with start_simulator(tmp_path, job_seconds=600) as simulator:
        arn = builders.create_distillation(simulator)
    in_phase(tmp_path, arn, "trainingDetails")
    with start_simulator(tmp_path, job_seconds=0) as simulator:
        before = datetime.now(UTC) - timedelta(seconds=60)
        details = builders.finished_job(simulator, arn)["statusDetails"]
    assert [details[phase]["lastModifiedTime"] < before for phase in PHASES] == [True, True, False]


@pytest.mark.parametrize(
    ("phase", "calls", "tokens"), [("dataProcessingDetails", 40, 0), ("trainingDetails", 100, 1560)]
)
def test_the_time_of_a_restart_is_not_billed_for_a_job_that_was_stopping(
    tmp_path: Path, phase: str, calls: int, tokens: int
) -> None:
    with start_simulator(tmp_path, job_seconds=600) as simulator:
        arn = builders.create_distillation(simulator)
    in_phase(tmp_path, arn, phase)
    state = State(tmp_path / "bedrock.sqlite")
    state.jobs.change(arn, status="Stopping")
    state.close()
    with start_simulator(tmp_path, job_seconds=600) as simulator:
        wait_until(lambda: builders.job_state(simulator, arn)["statusDetails"][phase]["status"] == "Stopping")
    with start_simulator(tmp_path, job_seconds=0) as simulator:
        assert builders.finished_job(simulator, arn)["status"] == "Stopped"
        (cost,) = simulator.ledger["jobs"]
    # 60 of the 150 seconds of data processing were over, or 60 of the 300 seconds of training.
    assert (cost["teacher_calls"], cost["billed_tokens"]) == (
        pytest.approx(calls, abs=1),
        pytest.approx(tokens, abs=1),
    )


def test_a_stop_while_the_teacher_answers_again_after_a_restart_does_not_reduce_the_bill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start_simulator(tmp_path, job_seconds=600) as simulator:
        arn = builders.create_distillation(simulator)
    in_phase(tmp_path, arn, "trainingDetails")
    asked, stopped, ask = threading.Event(), threading.Event(), Teacher.ask

    def ask_slowly(teacher: Teacher, prompt: Prompt) -> tuple[str, Charge]:
        asked.set()
        assert stopped.wait(60)
        return ask(teacher, prompt)

    monkeypatch.setattr(Teacher, "ask", ask_slowly)
    with start_simulator(tmp_path, job_seconds=0) as simulator:
        assert asked.wait(60)
        simulator.boto("bedrock").stop_model_customization_job(jobIdentifier=arn)
        stopped.set()
        assert builders.finished_job(simulator, arn)["status"] == "Stopped"
        (cost,) = simulator.ledger["jobs"]
        assert (cost["teacher_calls"], cost["teacher_output_tokens"]) == (100, 2700)


@pytest.mark.parametrize("ending", ["Completed", "Stopped"])
def test_a_job_with_a_number_of_epochs_that_is_refused_today_goes_on(tmp_path: Path, ending: str) -> None:
    with start_simulator(tmp_path, job_seconds=600) as simulator:
        arn = builders.create_job(simulator)
    state = State(tmp_path / "bedrock.sqlite")
    body = state.jobs.get(arn).body
    training = {"status": "InProgress", "creationTime": body["modified"], "lastModifiedTime": body["modified"]}
    details = {**body["statusDetails"], "trainingDetails": training}
    state.jobs.change(arn, hyperParameters={"epochCount": "2.0"}, statusDetails=details, tokens=100)
    state.close()
    with start_simulator(tmp_path, job_seconds=600) as simulator:
        if ending == "Stopped":
            simulator.boto("bedrock").stop_model_customization_job(jobIdentifier=arn)
        simulator.admin("PUT", "settings", {"job_seconds": 0})
        job = builders.finished_job(simulator, arn)
        assert (job["status"], job["hyperParameters"]) == (ending, {"epochCount": "2.0"}), job.get("failureMessage")


def test_rules_of_an_earlier_version_get_the_largest_values_and_their_stalls_still_hold(tmp_path: Path) -> None:
    state = State(tmp_path / "bedrock.sqlite")
    rule = {"operation": "*", "kind": "job_stalled", "times": 10**30, "match": None, "after": 0, "seconds": math.inf}
    state.store("faults", [(rule, {"seen": 3, "fired": 2})])
    state.close()
    with start_simulator(tmp_path, job_seconds=0) as simulator:
        (shown,) = simulator.admin("GET", "faults")
        assert (shown["times"], shown["seconds"], shown["fired"]) == (10**9, 1e9, 2)
        arn = builders.create_job(simulator)
        details = wait_until(lambda: builders.job_state(simulator, arn)["statusDetails"])
        assert details["trainingDetails"]["status"] == "NotStarted"
    state = State(tmp_path / "bedrock.sqlite")
    state.jobs.change(arn, fault={**rule, "seconds": 1e308})
    state.close()
    with start_simulator(tmp_path, job_seconds=0) as simulator:
        assert builders.job_state(simulator, arn)["status"] == "InProgress"
        assert simulator.admin("DELETE", "stalls") == {"ended": 1}
        assert builders.finished_job(simulator, arn)["status"] == "Completed"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_simulator_promptly_despite_open_jobs_and_connections(
    tmp_path: Path, number: signal.Signals
) -> None:
    with process(tmp_path / "state", "--job-seconds", "600", "--model-units", "1") as (simulator, child):
        assert simulator.admin("GET", "settings")["model_units"] == 1
        builders.create_job(simulator)
        child.send_signal(number)
        assert exit_code(child) == 0  # fails if the simulator waits for the job, which has 600 s left


def test_answered_changes_survive_a_kill(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with process(state) as (simulator, child):
        client = simulator.boto("s3")
        client.create_bucket(Bucket="kept")
        for index in range(20):
            client.put_object(Bucket="kept", Key=f"{index}", Body=b"x")
        arn = builders.create_job(simulator)
        os.kill(child.pid, signal.SIGKILL)
    with process(state, "--job-seconds", "0") as (simulator, _):
        assert len(simulator.boto("s3").list_objects_v2(Bucket="kept")["Contents"]) == 20
        assert builders.finished_job(simulator, arn)["status"] == "Completed"
