"""Batch jobs of the AWS simulator: states, files, minimum, expiry, errors by record, names and tokens, the bill."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator, wait_until
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tools.aws_simulator.jobs.batch_runner import UNFINISHED
from tools.aws_simulator.protocol.specification import load_service

STATES = set(load_service("bedrock").shape_for("ModelInvocationJobStatus").metadata["enum"])


@pytest.fixture(autouse=True)
def _nothing_left_running(simulator: RunningSimulator) -> Iterator[None]:
    """Let no job of one test be billed in the next."""
    yield
    simulator.admin("PUT", "settings", {"batch_seconds": 0})
    for job in simulator.ledger["batch_jobs"]:
        ended(simulator, job["arn"])


def create(simulator: RunningSimulator, given: list[Any] | bytes | None = None, **changes: Any) -> str:
    asked = builders.batch_request(simulator, given, **changes)
    return str(simulator.boto("bedrock").create_model_invocation_job(**asked)["jobArn"])


def look(simulator: RunningSimulator, arn: str) -> Any:
    return simulator.boto("bedrock").get_model_invocation_job(jobIdentifier=arn)


def ended(simulator: RunningSimulator, arn: str) -> Any:
    return wait_until(lambda: (job := look(simulator, arn))["status"] not in UNFINISHED and job)


def output(simulator: RunningSimulator, arn: str, name: str = "input.jsonl.out") -> list[Any]:
    key = f"output/{arn.rpartition('/')[2]}/{name}"
    body = simulator.boto("s3").get_object(Bucket=builders.BUCKET, Key=key)["Body"].read()
    return [json.loads(line) for line in body.splitlines()]


class TestStates:
    def test_every_state_of_the_api_is_reached(self, simulator: RunningSimulator) -> None:
        reached = set()
        for kind in ("batch_failed", "batch_expired", "batch_partial", None):
            simulator.admin("DELETE", "faults")
            if kind:
                simulator.fail(operation="CreateModelInvocationJob", kind=kind)
            reached.add(ended(simulator, create(simulator))["status"])
        simulator.admin("PUT", "settings", {"batch_seconds": 600})
        arn = create(simulator)
        reached.add(look(simulator, arn)["status"])
        for seconds, state in ((0.5, "Validating"), (0.5, "Scheduled"), (0.5, "InProgress")):
            simulator.admin("PUT", "settings", {"batch_seconds": seconds})
            wait_until(lambda state=state: look(simulator, arn)["status"] == state)
            reached.add(state)
        simulator.admin("PUT", "settings", {"batch_seconds": 600})
        simulator.boto("bedrock").stop_model_invocation_job(jobIdentifier=arn)
        reached.add(look(simulator, arn)["status"])
        simulator.admin("PUT", "settings", {"batch_seconds": 0})
        reached.add(ended(simulator, arn)["status"])
        assert reached == STATES

    def test_a_stalled_job_stays_in_the_queue_until_it_goes_on(self, simulator: RunningSimulator) -> None:
        simulator.fail(operation="CreateModelInvocationJob", kind="batch_stalled", seconds=0.6)
        simulator.admin("PUT", "settings", {"batch_seconds": 0})
        arn = create(simulator)
        wait_until(lambda: look(simulator, arn)["status"] == "Scheduled")
        assert ended(simulator, arn)["status"] == "Completed"

    def test_an_ended_job_cannot_be_stopped(self, simulator: RunningSimulator) -> None:
        arn = create(simulator)
        ended(simulator, arn)
        with refused("ConflictException", "can no longer be stopped"):
            simulator.boto("bedrock").stop_model_invocation_job(jobIdentifier=arn)


class TestFiles:
    def test_every_record_is_answered_in_another_order_beside_a_manifest(self, simulator: RunningSimulator) -> None:
        arn = create(simulator)
        job = ended(simulator, arn)
        lines = output(simulator, arn)
        ids = [line["recordId"] for line in lines]
        assert sorted(ids) == sorted(f"r{number}" for number in range(100))
        assert ids != [f"r{number}" for number in range(100)]
        (manifest,) = output(simulator, arn, "manifest.json.out")
        assert (manifest["totalRecordCount"], manifest["successRecordCount"], manifest["errorRecordCount"]) == (
            *(job["totalRecordCount"], job["successRecordCount"], job["errorRecordCount"]),
        )
        assert manifest["outputTokenCount"] == sum(line["modelOutput"]["usage"]["outputTokens"] for line in lines)

    def test_an_answer_is_the_one_of_the_call_that_the_record_stands_for(self, simulator: RunningSimulator) -> None:
        arn = create(simulator)
        ended(simulator, arn)
        answered = output(simulator, arn)[0]["modelOutput"]
        asked = builders.converse(simulator, inferenceConfig={"maxTokens": 50})
        assert answered["output"] == asked["output"]
        assert answered["usage"] == asked["usage"]

    def test_anthropic_records_are_bodies_of_invoke_model(self, simulator: RunningSimulator) -> None:
        asked = [{"recordId": f"r{n}", "modelInput": builders.anthropic_body()} for n in range(100)]
        arn = create(simulator, asked, modelId=builders.TEACHER, modelInvocationType="InvokeModel")
        ended(simulator, arn)
        assert output(simulator, arn)[0]["modelOutput"]["content"][0]["type"] == "text"

    @pytest.mark.parametrize(
        ("bad", "why"),
        [
            pytest.param({"messages": "?"}, "Member must be of type list", id="no list"),
            pytest.param(
                builders.converse_input(modelId="m"), "Extra inputs are not permitted", id="model in a record"
            ),
            pytest.param(builders.converse_input(messages=[]), "exactly one user message", id="no message"),
        ],
    )
    def test_a_bad_record_is_an_error_of_its_own_and_costs_nothing(
        self, simulator: RunningSimulator, bad: Any, why: str
    ) -> None:
        arn = create(simulator, [*builders.batch_records(), {"recordId": "bad", "modelInput": bad}])
        job = ended(simulator, arn)
        assert (job["status"], job["successRecordCount"], job["errorRecordCount"]) == ("Completed", 100, 1)
        (line,) = (line for line in output(simulator, arn) if "error" in line)
        assert line["recordId"] == "bad"
        assert why in line["error"]["errorMessage"]
        assert simulator.ledger["billed_calls"] == 100

    def test_faults_by_record(self, simulator: RunningSimulator) -> None:
        simulator.fail(operation="CreateModelInvocationJob", kind="batch_record_errors")
        job = ended(simulator, create(simulator))
        assert (job["successRecordCount"], job["errorRecordCount"]) == (90, 10)

    @pytest.mark.parametrize(
        ("given", "why"),
        [
            pytest.param(
                builders.batch_records(99), "contains less records (99) than the required minimum of: 100", id="few"
            ),
            pytest.param(b"not json\n" * 100, "must conform to JSONL", id="no JSON"),
            pytest.param([{"recordId": "r"}] * 100, "must conform to JSONL", id="no input"),
        ],
    )
    def test_a_file_that_cannot_be_used_fails_the_job(self, simulator: RunningSimulator, given: Any, why: str) -> None:
        job = ended(simulator, create(simulator, given))
        assert job["status"] == "Failed"
        assert why in job["message"]
        assert simulator.ledger["billed_calls"] == 0

    def test_half_a_job_is_written_and_billed_when_its_time_is_up(self, simulator: RunningSimulator) -> None:
        simulator.fail(operation="CreateModelInvocationJob", kind="batch_partial")
        arn = create(simulator)
        job = ended(simulator, arn)
        assert (job["status"], job["processedRecordCount"], len(output(simulator, arn))) == (
            "PartiallyCompleted",
            50,
            50,
        )
        assert simulator.ledger["billed_calls"] == 50

    def test_a_job_stopped_while_it_answers_keeps_what_it_answered(self, simulator: RunningSimulator) -> None:
        simulator.admin("PUT", "settings", {"batch_seconds": 1})
        arn = create(simulator)
        wait_until(lambda: look(simulator, arn)["status"] == "InProgress")
        time.sleep(0.2)
        simulator.boto("bedrock").stop_model_invocation_job(jobIdentifier=arn)
        job = ended(simulator, arn)
        assert job["status"] == "Stopped"
        assert 0 < job["successRecordCount"] < 100
        assert simulator.ledger["billed_calls"] == job["successRecordCount"] == len(output(simulator, arn))


class TestIdentity:
    def test_the_same_token_gives_the_same_job_and_bills_once(self, simulator: RunningSimulator) -> None:
        asked = builders.batch_request(simulator, clientRequestToken="token1")
        client = simulator.boto("bedrock")
        first, second = (client.create_model_invocation_job(**asked)["jobArn"] for _ in range(2))
        assert first == second
        ended(simulator, first)
        assert simulator.ledger["billed_calls"] == 100

    def test_a_token_of_another_request_is_a_conflict(self, simulator: RunningSimulator) -> None:
        create(simulator, clientRequestToken="token2")
        with refused("ConflictException", "token2"):
            create(simulator, clientRequestToken="token2")

    def test_a_name_is_taken_for_ever(self, simulator: RunningSimulator) -> None:
        ended(simulator, create(simulator, jobName="taken"))
        with refused("ConflictException", "currently in use"):
            create(simulator, jobName="taken")

    def test_it_is_found_by_arn_or_its_last_part_and_listed_by_name(self, simulator: RunningSimulator) -> None:
        arn = create(simulator, jobName="listed-1")
        assert look(simulator, arn.rpartition("/")[2])["jobArn"] == arn
        listed = simulator.boto("bedrock").list_model_invocation_jobs(nameContains="listed")["invocationJobSummaries"]
        assert [(job["jobName"], job["jobArn"]) for job in listed] == [("listed-1", arn)]
        with refused("ResourceNotFoundException"):
            look(simulator, "abcdefghijkl")
        with refused("ValidationException"):
            look(simulator, "listed-1")

    def test_its_tags_are_kept(self, simulator: RunningSimulator) -> None:
        arn = create(simulator, tags=[{"key": "project", "value": "distill"}])
        tags = simulator.boto("bedrock").list_tags_for_resource(resourceARN=arn)["tags"]
        assert tags == [{"key": "project", "value": "distill"}]


class TestRefusals:
    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            pytest.param({"modelId": "amazon.titan-unknown"}, "model identifier is invalid", id="unknown model"),
            pytest.param(
                {"modelId": "arn:aws:bedrock:us-east-1:123456789012:inference-profile/x.unknown-v1:0"},
                "model identifier is invalid",
                id="unknown profile",
            ),
            pytest.param({"timeoutDurationInHours": 169}, "less than or equal to 168", id="time-out"),
            pytest.param({"modelInvocationType": "Chat"}, "enum value set", id="type"),
            pytest.param({"jobName": "under_score"}, "regular expression pattern", id="name"),
        ],
    )
    def test_what_the_api_refuses(self, simulator: RunningSimulator, changes: Any, why: str) -> None:
        with refused("ValidationException", why):
            create(simulator, **changes)

    def test_a_model_without_batch_jobs_in_the_region(self, simulator: RunningSimulator) -> None:
        asked = builders.batch_request(simulator, modelId="amazon.nova-micro-v1:0")
        with refused("ValidationException", "not supported for the model"):
            simulator.boto("bedrock", region="eu-west-1").create_model_invocation_job(**asked)


def test_the_ledger_marks_what_costs_half(simulator: RunningSimulator) -> None:
    builders.converse(simulator)
    arn = create(simulator)
    ended(simulator, arn)
    ledger = simulator.ledger
    assert ledger["by_model"][builders.STUDENT]["calls"] == 101
    assert ledger["batch_by_model"][builders.STUDENT]["calls"] == 100
    assert sum(ledger["by_document"].values()) == 101
    (job,) = (job for job in ledger["batch_jobs"] if job["arn"] == arn)
    assert (job["status"], job["records"], job["billed_records"]) == ("Completed", 100, 100)
