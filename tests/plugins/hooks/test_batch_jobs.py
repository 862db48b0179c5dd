"""Test batch jobs with the real hook, whose requests are recorded before they reach a socket."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bedrock_distill.hooks.batch_jobs import BatchJob, BatchJobRequest, BatchJobs
from bedrock_distill.hooks.statuses import Progress
from include.distill.core.errors import InvalidRequestError, NotFoundError, ThrottledError
from tests.contract.recorded_wire import ARN, NOW, RecordedWire, not_found

REQUEST = BatchJobRequest(
    name="aws-docs-qa-judge-0123456789ab",
    token="0123456789abcdef",
    model_id="us.anthropic.claude-haiku-4-5",
    invocation_type="InvokeModel",
    role_arn="arn:aws:iam::123456789012:role/bedrock-distill-customization",
    input_uri="s3://training/distill/batches/0/input.jsonl",
    output_uri="s3://output/distill/batches/0/",
    timeout_hours=72,
    tags={"project": "bedrock-distill", "run-key": "manual-1"},
)


def job_arn(number: int) -> str:
    return f"{ARN}:model-invocation-job/job{number:09d}"


def job(number: int = 1, name: str = "name", **more: Any) -> dict[str, Any]:
    """Return a job as Bedrock describes it. A job with a higher number was submitted later."""
    submitted = NOW + datetime.timedelta(hours=number)
    return {
        "jobArn": job_arn(number),
        "jobName": name,
        "status": "InProgress",
        "submitTime": submitted,
        "roleArn": "arn:aws:iam::123456789012:role/r",
        "inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://training/i/input.jsonl"}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://output/o/"}},
        **more,
    }


def refused(code: str, message: str = "m") -> Any:
    def refuse(_: Any) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": message}}, "StopModelInvocationJob")

    return refuse


class TestGet:
    def test_a_job_is_read_with_its_counts_and_bedrocks_message(self) -> None:
        answer = job(message="half is done", processedRecordCount=60, successRecordCount=50, totalRecordCount=120)
        read = BatchJobs(RecordedWire({"GetModelInvocationJob": answer}).hook()).get(job_arn(1))
        assert read == BatchJob(
            "name",
            job_arn(1),
            "InProgress",
            "half is done",
            processed=60,
            successes=50,
            total=120,
            role_arn="arn:aws:iam::123456789012:role/r",
            input_uri="s3://training/i/input.jsonl",
            output_uri="s3://output/o/",
        )
        assert read.id == "job000000001"

    def test_a_job_without_counts_has_answered_nothing_yet(self) -> None:
        read = BatchJobs(RecordedWire({"GetModelInvocationJob": job(status="Submitted")}).hook()).get(job_arn(1))
        assert (read.processed, read.total, read.message) == (0, 0, None)

    @pytest.mark.parametrize(("headers", "simulated"), [({"x-simulated": "true"}, True), ({}, False)])
    def test_a_job_of_the_aws_simulator_is_marked_as_simulated(self, headers: dict[str, str], simulated: bool) -> None:
        answer = job(ResponseMetadata={"HTTPHeaders": headers})
        assert BatchJobs(RecordedWire({"GetModelInvocationJob": answer}).hook()).get(job_arn(1)).simulated is simulated

    def test_a_job_that_does_not_exist_is_an_error(self) -> None:
        wire = RecordedWire({"GetModelInvocationJob": not_found("GetModelInvocationJob")})
        with pytest.raises(NotFoundError, match=job_arn(1)):
            BatchJobs(wire.hook()).get(job_arn(1))


class TestFind:
    def find(self, *listed: dict[str, Any]) -> BatchJob | None:
        jobs = {summary["jobArn"]: summary for summary in listed}
        answers = {
            "ListModelInvocationJobs": {"invocationJobSummaries": list(listed)},
            "GetModelInvocationJob": lambda arguments: jobs[arguments["jobIdentifier"]],
        }
        return BatchJobs(RecordedWire(answers).hook()).find("name")

    def test_a_job_whose_name_only_contains_the_name_is_not_found(self) -> None:
        assert self.find(job(name="name-a2"), job(2, name="my-name")) is None

    def test_the_newest_of_several_jobs_with_one_name_is_found(self) -> None:
        newest = self.find(job(1), job(3), job(2), job(4, name="name-a2"))
        assert newest is not None
        assert newest.arn == job_arn(3)


class TestCreate:
    def test_the_request_has_every_setting_and_satisfies_the_service_model(self) -> None:
        wire = RecordedWire({"CreateModelInvocationJob": {"jobArn": job_arn(1)}})
        assert BatchJobs(wire.hook()).create(REQUEST) == job_arn(1)
        (request,) = wire.named("CreateModelInvocationJob")
        assert request.violations() == []
        assert request.arguments == {
            "jobName": REQUEST.name,
            "clientRequestToken": REQUEST.token,
            "modelId": REQUEST.model_id,
            "modelInvocationType": "InvokeModel",
            "roleArn": REQUEST.role_arn,
            "inputDataConfig": {"s3InputDataConfig": {"s3Uri": REQUEST.input_uri, "s3InputFormat": "JSONL"}},
            "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": REQUEST.output_uri}},
            "timeoutDurationInHours": 72,
            "tags": [{"key": "project", "value": "bedrock-distill"}, {"key": "run-key", "value": "manual-1"}],
        }


class TestStop:
    def test_the_job_is_stopped_by_its_arn(self) -> None:
        wire = RecordedWire()
        BatchJobs(wire.hook()).stop(job_arn(1))
        assert [request.arguments for request in wire.named("StopModelInvocationJob")] == [
            {"jobIdentifier": job_arn(1)}
        ]

    @pytest.mark.parametrize("code", ["ConflictException", "ResourceNotFoundException"])
    def test_stopping_an_ended_job_does_nothing(self, code: str) -> None:
        BatchJobs(RecordedWire({"StopModelInvocationJob": refused(code)}).hook()).stop(job_arn(1))

    def test_bedrock_says_with_a_validation_error_that_a_job_has_ended(self) -> None:
        """The code and the words are those that the amazon provider's example of batch inference expects."""
        ended = refused("ValidationException", "The job cannot be stopped. State was: Completed")
        BatchJobs(RecordedWire({"StopModelInvocationJob": ended}).hook()).stop(job_arn(1))
        invalid = refused("ValidationException", "The provided ARN is invalid")
        with pytest.raises(InvalidRequestError):
            BatchJobs(RecordedWire({"StopModelInvocationJob": invalid}).hook()).stop(job_arn(1))

    def test_a_failure_to_stop_a_job_is_an_error(self) -> None:
        wire = RecordedWire({"StopModelInvocationJob": refused("ThrottlingException")})
        with pytest.raises(ThrottledError):
            BatchJobs(wire.hook()).stop(job_arn(1))


class TestProgress:
    def test_a_job_that_expired_with_some_answers_has_not_failed(self) -> None:
        assert BatchJob("name", "arn", "Expired").progress is Progress.SUCCEEDED
