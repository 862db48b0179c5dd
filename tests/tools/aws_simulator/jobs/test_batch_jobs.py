"""Batch jobs of the stand-in: states, files, minimum, expiry, errors by record, names and tokens, the bill."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.stand_in import RunningStandIn, wait_until
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tools.aws_simulator.jobs.batch_runner import UNFINISHED
from tools.aws_simulator.protocol.specification import load_service

STATES = set(load_service("bedrock").shape_for("ModelInvocationJobStatus").metadata["enum"])


@pytest.fixture(autouse=True)
def _nothing_left_running(stand_in: RunningStandIn) -> Iterator[None]:
    """Let no job of one test be billed in the next."""
    yield
    stand_in.admin("PUT", "settings", {"batch_seconds": 0})
    for job in stand_in.ledger["batch_jobs"]:
        ended(stand_in, job["arn"])


def create(stand_in: RunningStandIn, given: list[Any] | bytes | None = None, **changes: Any) -> str:
    asked = builders.batch_request(stand_in, given, **changes)
    return str(stand_in.boto("bedrock").create_model_invocation_job(**asked)["jobArn"])


def look(stand_in: RunningStandIn, arn: str) -> Any:
    return stand_in.boto("bedrock").get_model_invocation_job(jobIdentifier=arn)


def ended(stand_in: RunningStandIn, arn: str) -> Any:
    return wait_until(lambda: (job := look(stand_in, arn))["status"] not in UNFINISHED and job)


def output(stand_in: RunningStandIn, arn: str, name: str = "input.jsonl.out") -> list[Any]:
    key = f"output/{arn.rpartition('/')[2]}/{name}"
    body = stand_in.boto("s3").get_object(Bucket=builders.BUCKET, Key=key)["Body"].read()
    return [json.loads(line) for line in body.splitlines()]


class TestStates:
    def test_every_state_of_the_api_is_reached(self, stand_in: RunningStandIn) -> None:
        reached = set()
        for kind in ("batch_failed", "batch_expired", "batch_partial", None):
            stand_in.admin("DELETE", "faults")
            if kind:
                stand_in.fail(operation="CreateModelInvocationJob", kind=kind)
            reached.add(ended(stand_in, create(stand_in))["status"])
        stand_in.admin("PUT", "settings", {"batch_seconds": 600})
        arn = create(stand_in)
        reached.add(look(stand_in, arn)["status"])
        for seconds, state in ((0.5, "Validating"), (0.5, "Scheduled"), (0.5, "InProgress")):
            stand_in.admin("PUT", "settings", {"batch_seconds": seconds})
            wait_until(lambda state=state: look(stand_in, arn)["status"] == state)
            reached.add(state)
        stand_in.admin("PUT", "settings", {"batch_seconds": 600})
        stand_in.boto("bedrock").stop_model_invocation_job(jobIdentifier=arn)
        reached.add(look(stand_in, arn)["status"])
        stand_in.admin("PUT", "settings", {"batch_seconds": 0})
        reached.add(ended(stand_in, arn)["status"])
        assert reached == STATES

    def test_a_stalled_job_stays_in_the_queue_until_it_goes_on(self, stand_in: RunningStandIn) -> None:
        stand_in.fail(operation="CreateModelInvocationJob", kind="batch_stalled", seconds=0.6)
        stand_in.admin("PUT", "settings", {"batch_seconds": 0})
        arn = create(stand_in)
        wait_until(lambda: look(stand_in, arn)["status"] == "Scheduled")
        assert ended(stand_in, arn)["status"] == "Completed"

    def test_an_ended_job_cannot_be_stopped(self, stand_in: RunningStandIn) -> None:
        arn = create(stand_in)
        ended(stand_in, arn)
        with refused("ConflictException", "can no longer be stopped"):
            stand_in.boto("bedrock").stop_model_invocation_job(jobIdentifier=arn)


class TestFiles:
    def test_every_record_is_answered_in_another_order_beside_a_manifest(self, stand_in: RunningStandIn) -> None:
        arn = create(stand_in)
        job = ended(stand_in, arn)
        lines = output(stand_in, arn)
        ids = [line["recordId"] for line in lines]
        assert sorted(ids) == sorted(f"r{number}" for number in range(100))
        assert ids != [f"r{number}" for number in range(100)]
        (manifest,) = output(stand_in, arn, "manifest.json.out")
        assert (manifest["totalRecordCount"], manifest["successRecordCount"], manifest["errorRecordCount"]) == (
            *(job["totalRecordCount"], job["successRecordCount"], job["errorRecordCount"]),
        )
        assert manifest["outputTokenCount"] == sum(line["modelOutput"]["usage"]["outputTokens"] for line in lines)

    def test_an_answer_is_the_one_of_the_call_that_the_record_stands_for(self, stand_in: RunningStandIn) -> None:
        arn = create(stand_in)
        ended(stand_in, arn)
        answered = output(stand_in, arn)[0]["modelOutput"]
        asked = builders.converse(stand_in, inferenceConfig={"maxTokens": 50})
        assert answered["output"] == asked["output"]
        assert answered["usage"] == asked["usage"]

    def test_anthropic_records_are_bodies_of_invoke_model(self, stand_in: RunningStandIn) -> None:
        asked = [{"recordId": f"r{n}", "modelInput": builders.anthropic_body()} for n in range(100)]
        arn = create(stand_in, asked, modelId=builders.TEACHER, modelInvocationType="InvokeModel")
        ended(stand_in, arn)
        assert output(stand_in, arn)[0]["modelOutput"]["content"][0]["type"] == "text"

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
        self, stand_in: RunningStandIn, bad: Any, why: str
    ) -> None:
        arn = create(stand_in, [*builders.batch_records(), {"recordId": "bad", "modelInput": bad}])
        job = ended(stand_in, arn)
        assert (job["status"], job["successRecordCount"], job["errorRecordCount"]) == ("Completed", 100, 1)
        (line,) = (line for line in output(stand_in, arn) if "error" in line)
        assert line["recordId"] == "bad"
        assert why in line["error"]["errorMessage"]
        assert stand_in.ledger["billed_calls"] == 100

    def test_faults_by_record(self, stand_in: RunningStandIn) -> None:
        stand_in.fail(operation="CreateModelInvocationJob", kind="batch_record_errors")
        job = ended(stand_in, create(stand_in))
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
    def test_a_file_that_cannot_be_used_fails_the_job(self, stand_in: RunningStandIn, given: Any, why: str) -> None:
        job = ended(stand_in, create(stand_in, given))
        assert job["status"] == "Failed"
        assert why in job["message"]
        assert stand_in.ledger["billed_calls"] == 0

    def test_half_a_job_is_written_and_billed_when_its_time_is_up(self, stand_in: RunningStandIn) -> None:
        stand_in.fail(operation="CreateModelInvocationJob", kind="batch_partial")
        arn = create(stand_in)
        job = ended(stand_in, arn)
        assert (job["status"], job["processedRecordCount"], len(output(stand_in, arn))) == (
            "PartiallyCompleted",
            50,
            50,
        )
        assert stand_in.ledger["billed_calls"] == 50

    def test_a_job_stopped_while_it_answers_keeps_what_it_answered(self, stand_in: RunningStandIn) -> None:
        stand_in.admin("PUT", "settings", {"batch_seconds": 1})
        arn = create(stand_in)
        wait_until(lambda: look(stand_in, arn)["status"] == "InProgress")
        time.sleep(0.2)
        stand_in.boto("bedrock").stop_model_invocation_job(jobIdentifier=arn)
        job = ended(stand_in, arn)
        assert job["status"] == "Stopped"
        assert 0 < job["successRecordCount"] < 100
        assert stand_in.ledger["billed_calls"] == job["successRecordCount"] == len(output(stand_in, arn))


class TestIdentity:
    def test_the_same_token_gives_the_same_job_and_bills_once(self, stand_in: RunningStandIn) -> None:
        asked = builders.batch_request(stand_in, clientRequestToken="token1")
        client = stand_in.boto("bedrock")
        first, second = (client.create_model_invocation_job(**asked)["jobArn"] for _ in range(2))
        assert first == second
        ended(stand_in, first)
        assert stand_in.ledger["billed_calls"] == 100

    def test_a_token_of_another_request_is_a_conflict(self, stand_in: RunningStandIn) -> None:
        create(stand_in, clientRequestToken="token2")
        with refused("ConflictException", "token2"):
            create(stand_in, clientRequestToken="token2")

    def test_a_name_is_taken_for_ever(self, stand_in: RunningStandIn) -> None:
        ended(stand_in, create(stand_in, jobName="taken"))
        with refused("ConflictException", "currently in use"):
            create(stand_in, jobName="taken")

    def test_it_is_found_by_arn_or_its_last_part_and_listed_by_name(self, stand_in: RunningStandIn) -> None:
        arn = create(stand_in, jobName="listed-1")
        assert look(stand_in, arn.rpartition("/")[2])["jobArn"] == arn
        listed = stand_in.boto("bedrock").list_model_invocation_jobs(nameContains="listed")["invocationJobSummaries"]
        assert [(job["jobName"], job["jobArn"]) for job in listed] == [("listed-1", arn)]
        with refused("ResourceNotFoundException"):
            look(stand_in, "abcdefghijkl")
        with refused("ValidationException"):
            look(stand_in, "listed-1")

    def test_its_tags_are_kept(self, stand_in: RunningStandIn) -> None:
        arn = create(stand_in, tags=[{"key": "project", "value": "distill"}])
        tags = stand_in.boto("bedrock").list_tags_for_resource(resourceARN=arn)["tags"]
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
    def test_what_the_api_refuses(self, stand_in: RunningStandIn, changes: Any, why: str) -> None:
        with refused("ValidationException", why):
            create(stand_in, **changes)

    def test_a_model_without_batch_jobs_in_the_region(self, stand_in: RunningStandIn) -> None:
        asked = builders.batch_request(stand_in, modelId="amazon.nova-micro-v1:0")
        with refused("ValidationException", "not supported for the model"):
            stand_in.boto("bedrock", region="eu-west-1").create_model_invocation_job(**asked)


def test_the_ledger_marks_what_costs_half(stand_in: RunningStandIn) -> None:
    builders.converse(stand_in)
    arn = create(stand_in)
    ended(stand_in, arn)
    ledger = stand_in.ledger
    assert ledger["by_model"][builders.STUDENT]["calls"] == 101
    assert ledger["batch_by_model"][builders.STUDENT]["calls"] == 100
    assert sum(ledger["by_document"].values()) == 101
    (job,) = (job for job in ledger["batch_jobs"] if job["arn"] == arn)
    assert (job["status"], job["records"], job["billed_records"]) == ("Completed", 100, 100)
