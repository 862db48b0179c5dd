"""The life of a customization job."""

from __future__ import annotations

import time
from typing import Any

from botocore.model import Shape

from tests.fakes.aws_simulator import RunningSimulator
from tests.fakes.patience import wait_until
from tests.tools.aws_simulator import builders
from tools.aws_simulator.protocol.specification import load_service

JOB_STATES = load_service("bedrock").shape_for("ModelCustomizationJobStatus")


def test_every_state_of_a_job_can_be_reached(simulator: RunningSimulator) -> None:
    states: Shape = JOB_STATES
    reached = {builders.finished_job(simulator, builders.create_job(simulator))["status"]}
    simulator.fail(operation="CreateModelCustomizationJob", kind="job_failed", times=1)
    reached.add(builders.finished_job(simulator, builders.create_job(simulator))["status"])
    simulator.admin("PUT", "settings", {"job_seconds": 600})
    arn = builders.create_job(simulator)
    reached.add(builders.job_state(simulator, arn)["status"])
    simulator.boto("bedrock").stop_model_customization_job(jobIdentifier=arn)
    reached.add(builders.job_state(simulator, arn)["status"])
    simulator.admin("PUT", "settings", {"job_seconds": 0})
    reached.add(builders.finished_job(simulator, arn)["status"])
    assert reached == set(states.metadata["enum"])


def test_a_jobs_phases_follow_each_other(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"job_seconds": 600})
    arn = builders.create_job(simulator)
    phases = ("validationDetails", "dataProcessingDetails", "trainingDetails")

    def statuses() -> list[str]:
        details = builders.job_state(simulator, arn)["statusDetails"]
        return [details[phase]["status"] for phase in phases]

    wait_until(lambda: statuses()[0] == "InProgress")
    assert statuses() == ["InProgress", "NotStarted", "NotStarted"]
    simulator.admin("PUT", "settings", {"job_seconds": 0})
    builders.finished_job(simulator, arn)
    assert statuses() == ["Completed"] * 3


def test_a_trained_student_answers_differently_from_its_base(simulator: RunningSimulator) -> None:
    answer = "Objects are private unless a policy says otherwise."
    records = [builders.conversation(f"Who sees objects, case {index}?", answer) for index in range(20)]
    uri = builders.put(simulator, "private.jsonl", builders.jsonl(records))
    model = builders.custom_model(simulator, trainingDataConfig={"s3Uri": uri}, hyperParameters={"epochCount": "5"})
    arn = builders.provision(simulator, model)
    asked = builders.prompt("Who sees objects in a bucket?")
    trained = builders.text_of(builders.converse(simulator, arn, asked))
    base = builders.text_of(builders.converse(simulator, builders.STUDENT, asked))
    assert trained != base
    assert "private" in trained


def test_a_job_with_bad_data_fails_with_bedrocks_message_and_is_free(simulator: RunningSimulator) -> None:
    uri = builders.put(simulator, "broken.jsonl", b'{"schemaVersion": \n')
    arn = builders.create_job(simulator, trainingDataConfig={"s3Uri": uri})
    job = builders.finished_job(simulator, arn)
    words = "Unable to parse Amazon S3 file: broken.jsonl. Data files must conform to JSONL format."
    assert job["failureMessage"].startswith(words)
    assert job["statusDetails"]["validationDetails"]["status"] == "Failed"
    assert next(known for known in simulator.ledger["jobs"] if known["arn"] == arn)["billed_tokens"] == 0


def test_llama_is_trained_in_its_own_region_and_format(simulator: RunningSimulator) -> None:
    records = [{"prompt": builders.prompt(f"Rule {i}?"), "completion": "Up to 1,000."} for i in range(100)]
    west = {"bucket": "llama-bucket", "region": "us-west-2"}
    uri = builders.put(simulator, "train.jsonl", builders.jsonl(records), **west)
    request = builders.job_request(
        simulator,
        baseModelIdentifier="meta.llama3-1-8b-instruct-v1:0:128k",
        trainingDataConfig={"s3Uri": uri},
        outputDataConfig={"s3Uri": "s3://llama-bucket/out"},
        hyperParameters={"epochCount": "1"},
    )
    client = simulator.boto("bedrock", region="us-west-2")
    arn = client.create_model_customization_job(**request)["jobArn"]
    status = wait_until(
        lambda: (job := client.get_model_customization_job(jobIdentifier=arn))["status"] != "InProgress" and job
    )
    assert status["status"] == "Completed", status.get("failureMessage")


def test_a_job_with_a_fault_fails_in_training_and_the_next_job_completes(simulator: RunningSimulator) -> None:
    simulator.fail(operation="CreateModelCustomizationJob", kind="job_failed", times=1)
    failed = builders.finished_job(simulator, builders.create_job(simulator))
    assert (failed["status"], failed["failureMessage"]) == (
        "Failed",
        "Encountered an internal error when processing the request.",
    )
    assert failed["statusDetails"]["trainingDetails"]["status"] == "Failed"
    assert builders.finished_job(simulator, builders.create_job(simulator))["status"] == "Completed"


def test_a_stalled_job_does_not_start_training_before_it_is_stopped(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"job_seconds": 0})
    simulator.fail(operation="CreateModelCustomizationJob", kind="job_stalled", times=1)
    arn = builders.create_job(simulator)

    def details() -> dict[str, Any]:
        return builders.job_state(simulator, arn)["statusDetails"]

    wait_until(lambda: details()["dataProcessingDetails"]["status"] == "Completed")
    time.sleep(0.1)
    assert builders.job_state(simulator, arn)["status"] == "InProgress"
    assert details()["trainingDetails"]["status"] == "NotStarted"
    simulator.boto("bedrock").stop_model_customization_job(jobIdentifier=arn)
    assert builders.finished_job(simulator, arn)["status"] == "Stopped"


def test_a_stall_of_limited_duration_ends(simulator: RunningSimulator) -> None:
    simulator.fail(kind="job_stalled", times=1, seconds=0.3)
    assert builders.finished_job(simulator, builders.create_job(simulator))["status"] == "Completed"


def test_a_stall_is_ended_only_for_matching_names(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"job_seconds": 0})
    simulator.fail(kind="job_stalled")
    ended, other = (builders.create_job(simulator, jobName=name) for name in ("mine-1", "theirs-1"))
    assert simulator.admin("DELETE", "stalls?match=mine-") == {"ended": 1}
    assert builders.finished_job(simulator, ended)["status"] == "Completed"
    assert builders.job_state(simulator, other)["status"] == "InProgress"
