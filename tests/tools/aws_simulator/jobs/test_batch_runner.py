"""A batch job passes through its states, writes its files, and is billed for the records it answered."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from include.distill.synthesis.teacher import PAIRS_SCHEMA
from tests.fakes.aws_simulator import RunningSimulator
from tests.fakes.patience import wait_until
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tools.aws_simulator.protocol.specification import load_service

STATES = set(load_service("bedrock").shape_for("ModelInvocationJobStatus").metadata["enum"])
SONNET = "us.anthropic.claude-sonnet-4-6"

pytestmark = pytest.mark.usefixtures("no_batch_left_running")


def output(simulator: RunningSimulator, arn: str, name: str = "input.jsonl.out") -> list[Any]:
    key = f"output/{arn.rpartition('/')[2]}/{name}"
    body = simulator.boto("s3").get_object(Bucket=builders.BUCKET, Key=key)["Body"].read()
    return [json.loads(line) for line in body.splitlines()]


def is_seen(simulator: RunningSimulator, state: str) -> bool:
    """Start jobs that last longer and longer, as a busy machine may need, until one of them is seen in a state."""
    for seconds in (0.5, 5, 50):
        simulator.admin("PUT", "settings", {"batch_seconds": seconds})
        arn = builders.create_batch(simulator)
        seen = wait_until(
            lambda arn=arn: (now := builders.batch_state(simulator, arn)["status"]) in (state, "Completed") and now
        )
        simulator.admin("PUT", "settings", {"batch_seconds": 0})
        builders.finished_batch(simulator, arn)
        if seen == state:
            return True
    return False


class TestStates:
    def test_a_batch_job_passes_through_every_state_of_the_api(self, simulator: RunningSimulator) -> None:
        reached = set()
        for kind in ("batch_failed", "batch_expired", "batch_partial", None):
            simulator.admin("DELETE", "faults")
            if kind:
                simulator.fail(operation="CreateModelInvocationJob", kind=kind)
            reached.add(builders.finished_batch(simulator, builders.create_batch(simulator))["status"])
        simulator.admin("PUT", "settings", {"batch_seconds": 600})
        arn = builders.create_batch(simulator)
        reached.add(builders.batch_state(simulator, arn)["status"])
        reached |= {state for state in ("Validating", "Scheduled", "InProgress") if is_seen(simulator, state)}
        simulator.admin("PUT", "settings", {"batch_seconds": 600})
        arn = builders.create_batch(simulator)
        simulator.boto("bedrock").stop_model_invocation_job(jobIdentifier=arn)
        reached.add(builders.batch_state(simulator, arn)["status"])
        simulator.admin("PUT", "settings", {"batch_seconds": 0})
        reached.add(builders.finished_batch(simulator, arn)["status"])
        assert reached == STATES

    def test_a_stalled_job_stays_in_the_queue_until_the_stall_ends(self, simulator: RunningSimulator) -> None:
        simulator.admin("PUT", "settings", {"batch_seconds": 0})
        simulator.fail(operation="CreateModelInvocationJob", kind="batch_stalled", seconds=0.6)
        job = builders.finished_batch(simulator, builders.create_batch(simulator))
        assert job["status"] == "Completed"
        assert (job["endTime"] - job["submitTime"]).total_seconds() >= 0.6
        simulator.admin("DELETE", "faults")
        simulator.fail(operation="CreateModelInvocationJob", kind="batch_stalled", seconds=600)
        stalled = builders.create_batch(simulator)
        wait_until(lambda: builders.batch_state(simulator, stalled)["status"] == "Scheduled")
        simulator.admin("DELETE", "faults")
        builders.finished_batch(simulator, builders.create_batch(simulator))
        assert builders.batch_state(simulator, stalled)["status"] == "Scheduled"
        simulator.boto("bedrock").stop_model_invocation_job(jobIdentifier=stalled)

    def test_an_ended_job_cannot_be_stopped(self, simulator: RunningSimulator) -> None:
        arn = builders.create_batch(simulator)
        builders.finished_batch(simulator, arn)
        with refused("ValidationException", "State was: Completed"):
            simulator.boto("bedrock").stop_model_invocation_job(jobIdentifier=arn)


class TestFiles:
    def test_every_record_is_answered_in_a_different_order_and_a_manifest_is_written(
        self, simulator: RunningSimulator
    ) -> None:
        arn = builders.create_batch(simulator)
        job = builders.finished_batch(simulator, arn)
        lines = output(simulator, arn)
        ids = [line["recordId"] for line in lines]
        assert sorted(ids) == sorted(f"r{number}" for number in range(100))
        assert ids != [f"r{number}" for number in range(100)]
        (manifest,) = output(simulator, arn, "manifest.json.out")
        assert (manifest["totalRecordCount"], manifest["successRecordCount"], manifest["errorRecordCount"]) == (
            *(job["totalRecordCount"], job["successRecordCount"], job["errorRecordCount"]),
        )
        assert manifest["outputTokenCount"] == sum(line["modelOutput"]["usage"]["outputTokens"] for line in lines)

    def test_a_record_gets_the_same_answer_as_the_corresponding_call(self, simulator: RunningSimulator) -> None:
        arn = builders.create_batch(simulator)
        builders.finished_batch(simulator, arn)
        answered = output(simulator, arn)[0]["modelOutput"]
        asked = builders.converse(simulator, inferenceConfig={"maxTokens": 50})
        assert answered["output"] == asked["output"]
        assert answered["usage"] == asked["usage"]

    def test_anthropic_records_are_bodies_of_invoke_model(self, simulator: RunningSimulator) -> None:
        asked = [{"recordId": f"r{n}", "modelInput": builders.anthropic_body()} for n in range(100)]
        arn = builders.create_batch(simulator, asked, modelId=SONNET, modelInvocationType="InvokeModel")
        builders.finished_batch(simulator, arn)
        assert output(simulator, arn)[0]["modelOutput"]["content"][0]["type"] == "text"

    def test_any_prompt_is_answered(self, simulator: RunningSimulator) -> None:
        messages = [{"role": "user", "content": [{"text": "Say hello. It is morning."}]}]
        arn = builders.create_batch(simulator, builders.batch_records(modelInput={"messages": messages}))
        assert builders.finished_batch(simulator, arn)["successRecordCount"] == 100

    def test_records_of_invoke_model_may_have_tools(self, simulator: RunningSimulator) -> None:
        tool = {"name": "search", "description": "Search rules.", "input_schema": {"type": "object", "properties": {}}}
        asked = builders.batch_records(modelInput=builders.anthropic_body(tools=[tool]))
        arn = builders.create_batch(simulator, asked, modelId=SONNET, modelInvocationType="InvokeModel")
        assert builders.finished_batch(simulator, arn)["successRecordCount"] == 100

    def test_a_teacher_with_a_schema_writes_its_pairs_into_one_object(self, simulator: RunningSimulator) -> None:
        form = {"format": {"type": "json_schema", "schema": json.loads(PAIRS_SCHEMA)}}
        messages = [{"role": "user", "content": builders.synthesis_prompt()}]
        body = builders.anthropic_body(messages=messages, output_config=form)
        asked = [{"recordId": f"r{n}", "modelInput": body} for n in range(100)]
        model_id = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
        arn = builders.create_batch(simulator, asked, modelId=model_id, modelInvocationType="InvokeModel")
        builders.finished_batch(simulator, arn)
        text = output(simulator, arn)[0]["modelOutput"]["content"][0]["text"]
        assert [set(pair) for pair in json.loads(text)["pairs"]] == [{"question", "answer", "topic"}] * 2

    @pytest.mark.parametrize(
        ("bad", "why"),
        [
            pytest.param({"messages": "?"}, "Member must be of type list", id="no list"),
            pytest.param(
                builders.converse_input(modelId="m"), "Extra inputs are not permitted", id="model in a record"
            ),
            pytest.param(
                builders.converse_input(toolConfig={"tools": []}), "doesn't support toolConfig", id="tools of Converse"
            ),
            pytest.param(builders.converse_input(messages=[]), "must start with a user message", id="no message"),
        ],
    )
    def test_a_bad_record_fails_without_affecting_others_and_is_free(
        self, simulator: RunningSimulator, bad: Any, why: str
    ) -> None:
        arn = builders.create_batch(simulator, [*builders.batch_records(), {"recordId": "bad", "modelInput": bad}])
        job = builders.finished_batch(simulator, arn)
        assert (job["status"], job["successRecordCount"], job["errorRecordCount"]) == ("Completed", 100, 1)
        (line,) = (line for line in output(simulator, arn) if "error" in line)
        assert line["recordId"] == "bad"
        assert why in line["error"]["errorMessage"]
        assert simulator.ledger["billed_calls"] == 100

    def test_a_fault_makes_every_tenth_record_fail(self, simulator: RunningSimulator) -> None:
        simulator.fail(operation="CreateModelInvocationJob", kind="batch_record_errors")
        job = builders.finished_batch(simulator, builders.create_batch(simulator))
        assert (job["successRecordCount"], job["errorRecordCount"]) == (90, 10)

    @pytest.mark.parametrize(
        ("given", "why"),
        [
            pytest.param(
                builders.batch_records(99), "contains less records (99) than the required minimum of: 100", id="few"
            ),
            pytest.param(b"not json\n" * 100, "must conform to JSONL format. Line 1 is not JSON: ", id="no JSON"),
            pytest.param(
                [*builders.batch_records(2), {"recordId": "r"}],
                "must conform to JSONL format. Line 3 is not an object whose modelInput is an object.",
                id="no input",
            ),
            pytest.param(b"[" * 100_000, "Line 1 is not JSON", id="nested too deeply"),
        ],
    )
    def test_a_file_that_cannot_be_used_fails_the_job(self, simulator: RunningSimulator, given: Any, why: str) -> None:
        job = builders.finished_batch(simulator, builders.create_batch(simulator, given))
        assert job["status"] == "Failed"
        assert why in job["message"]
        assert simulator.ledger["billed_calls"] == 0

    def test_a_record_that_cannot_be_answered_gets_an_error_and_the_others_answers(
        self, simulator: RunningSimulator
    ) -> None:
        valid = builders.jsonl(builders.batch_records(100))
        deep = b'{"a": ' * 5_000 + b"1" + b"}" * 5_000
        halved = builders.converse_input(system=[{"text": "\ud800"}])
        broken = [
            b'{"recordId": "deep", "modelInput": {"messages": %s}}' % deep,
            json.dumps({"recordId": "text", "modelInput": halved}).encode(),
            json.dumps({"recordId": "\udc00", "modelInput": builders.converse_input()}).encode(),
            b'{"recordId": "number", "modelInput": {"messages": [], "inferenceConfig": {"temperature": NaN}}}',
        ]
        arn = builders.create_batch(simulator, valid + b"\n".join(broken) + b"\n")
        job = builders.finished_batch(simulator, arn)
        assert (job["status"], job["successRecordCount"], job["errorRecordCount"]) == ("Completed", 100, 4)
        errors = {line["recordId"]: line["error"]["errorMessage"] for line in output(simulator, arn) if "error" in line}
        assert set(errors) == {"deep", "text", "\udc00", "number"}
        assert "nested more than 200 levels deep" in errors["deep"]
        assert errors["number"] == "The record is refused: NaN is not a JSON value."
        assert errors["text"] == errors["\udc00"] == "The record is not JSON: no low surrogate in string."

    def test_a_record_whose_schema_cannot_be_followed_gets_an_error(self, simulator: RunningSimulator) -> None:
        deep: dict[str, Any] = {"type": "string"}
        for _ in range(80):
            deep = {"type": "object", "properties": {"a": deep}, "required": ["a"]}
        bodies = {"none": {"type": "object", "properties": {"a": {"enum": []}}, "required": ["a"]}, "deep": deep}
        records = builders.batch_records(100, modelInput=builders.anthropic_body())
        for name, schema in bodies.items():
            tools = [{"name": "get", "input_schema": schema}]
            model_input = builders.anthropic_body(tools=tools, tool_choice={"type": "any"})
            records.append({"recordId": name, "modelInput": model_input})
        arn = builders.create_batch(simulator, records, modelId=SONNET, modelInvocationType="InvokeModel")
        job = builders.finished_batch(simulator, arn)
        assert (job["status"], job["successRecordCount"], job["errorRecordCount"]) == ("Completed", 100, 2)
        errors = {line["recordId"]: line["error"]["errorMessage"] for line in output(simulator, arn) if "error" in line}
        assert "an enum without values" in errors["none"]
        assert errors["deep"]

    def test_a_job_with_an_invalid_file_is_shown_validating(self, simulator: RunningSimulator) -> None:
        simulator.admin("PUT", "settings", {"batch_seconds": 2})
        arn = builders.create_batch(simulator, b"not json")
        wait_until(lambda: builders.batch_state(simulator, arn)["status"] == "Validating")
        assert builders.finished_batch(simulator, arn)["status"] == "Failed"

    def test_a_partially_completed_job_is_written_and_billed_for_half_of_its_records(
        self, simulator: RunningSimulator
    ) -> None:
        simulator.fail(operation="CreateModelInvocationJob", kind="batch_partial")
        arn = builders.create_batch(simulator)
        job = builders.finished_batch(simulator, arn)
        assert (job["status"], job["processedRecordCount"], len(output(simulator, arn))) == (
            "PartiallyCompleted",
            50,
            50,
        )
        assert simulator.ledger["billed_calls"] == 50

    def test_a_job_that_is_stopped_while_it_answers_keeps_the_answers_so_far(self, simulator: RunningSimulator) -> None:
        simulator.admin("PUT", "settings", {"batch_seconds": 1})
        arn = builders.create_batch(simulator)
        wait_until(lambda: builders.batch_state(simulator, arn)["status"] == "InProgress")
        time.sleep(0.2)
        simulator.boto("bedrock").stop_model_invocation_job(jobIdentifier=arn)
        job = builders.finished_batch(simulator, arn)
        assert job["status"] == "Stopped"
        assert 0 < job["successRecordCount"] < 100
        assert simulator.ledger["billed_calls"] == job["successRecordCount"] == len(output(simulator, arn))
