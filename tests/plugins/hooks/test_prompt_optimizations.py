"""Test prompt optimization jobs with the real hook, whose requests are recorded before they reach a socket."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from bedrock_distill.hooks.prompt_optimizations import OptimizationJob, OptimizationJobRequest, PromptOptimizationJobs
from bedrock_distill.hooks.statuses import Progress
from include.distill.core.errors import ContractError
from include.distill.core.naming import request_token
from tests.contract.recorded_wire import ARN, NOW, RecordedWire

NAME = "test-docs-prompted-0123456789abcdef"
REQUEST = OptimizationJobRequest(
    name=NAME,
    token=request_token(NAME),
    model={"modelId": "us.amazon.nova-micro-v1:0", "inferenceConfig": {"maxTokens": 300, "temperature": 0.0}},
    input_uri="s3://training/distill/prompt_optimizations/0/input.jsonl",
    output_uri="s3://output/distill/prompt_optimizations/0/",
    tags={"project": "bedrock-distill", "arm": "prompted"},
)


def arn(number: int) -> str:
    return f"{ARN}:advanced-prompt-optimization-job/job{number:09d}"


def job(number: int = 1, name: str = NAME, **more: Any) -> dict[str, Any]:
    """Return a job as Bedrock describes it. A job with a higher number was created later."""
    return {
        "jobArn": arn(number),
        "jobName": name,
        "jobStatus": "InProgress",
        "creationTime": NOW + datetime.timedelta(hours=number),
        "inputConfig": {"s3Uri": REQUEST.input_uri},
        "outputConfig": {"s3Uri": REQUEST.output_uri},
        "modelConfigurations": [REQUEST.model],
        **more,
    }


def jobs(**answers: Any) -> tuple[RecordedWire, PromptOptimizationJobs]:
    wire = RecordedWire(answers)
    return wire, PromptOptimizationJobs(wire.hook())


def listing(*pages: list[dict[str, Any]]) -> Any:
    """Return a function that answers each request for a page of the list of jobs."""

    def answer(given: Any) -> dict[str, Any]:
        number = int(given.get("nextToken", "0"))
        more = {"nextToken": str(number + 1)} if number + 1 < len(pages) else {}
        return {"jobSummaries": pages[number], **more}

    return answer


def described(given: Any) -> dict[str, Any]:
    return job(int(given["jobIdentifier"][-1]))


class TestGet:
    def test_a_job_is_read_with_its_locations_its_model_and_bedrocks_message(self) -> None:
        _, client = jobs(GetAdvancedPromptOptimizationJob=job(failureMessage="Input file is empty"))
        assert client.get(arn(1)) == OptimizationJob(
            name=NAME,
            arn=arn(1),
            status="InProgress",
            created=NOW + datetime.timedelta(hours=1),
            input_uri=REQUEST.input_uri,
            output_uri=REQUEST.output_uri,
            model_ids=(REQUEST.model["modelId"],),
            message="Input file is empty",
        )

    @pytest.mark.parametrize(
        ("status", "progress"),
        [
            ("InProgress", Progress.RUNNING),
            ("Stopping", Progress.RUNNING),
            ("Completed", Progress.SUCCEEDED),
            ("PartiallyCompleted", Progress.SUCCEEDED),
            ("Failed", Progress.FAILED),
            ("Stopped", Progress.FAILED),
            ("Deleting", Progress.FAILED),
        ],
    )
    def test_every_status_has_a_meaning(self, status: str, progress: Progress) -> None:
        assert OptimizationJob.from_response(job(jobStatus=status)).progress is progress

    def test_an_unknown_status_names_the_job(self) -> None:
        with pytest.raises(ContractError, match=f"Prompt optimization job {NAME} has the unknown status 'Paused'"):
            _ = OptimizationJob.from_response(job(jobStatus="Paused")).progress


class TestFind:
    def test_the_newest_job_with_exactly_this_name_is_found_without_reading_older_pages(self) -> None:
        pages = [[job(8, f"{NAME}-a2"), job(7, "other")], [job(6), job(5)], [job(4)]]
        wire, client = jobs(
            ListAdvancedPromptOptimizationJobs=listing(*pages), GetAdvancedPromptOptimizationJob=described
        )
        found = client.find(NAME)
        assert found
        assert found.arn == arn(6)
        first, second, looked_up = wire.requests
        newest_first = {"maxResults": 1_000, "sortBy": "CreationTime", "sortOrder": "Descending"}
        assert first.arguments == newest_first
        assert second.arguments == {**newest_first, "nextToken": "1"}
        assert looked_up.arguments == {"jobIdentifier": arn(6)}
        assert [request.violations() for request in wire.requests] == [[], [], []]

    def test_all_pages_are_read_before_a_job_counts_as_missing(self) -> None:
        pages = [[job(3, f"{NAME}-a2")], [], [job(1, "other")]]
        wire, client = jobs(ListAdvancedPromptOptimizationJobs=listing(*pages))
        assert client.find(NAME) is None
        assert [request.operation for request in wire.requests] == ["ListAdvancedPromptOptimizationJobs"] * 3

    def test_all_jobs_of_the_account_can_be_listed(self) -> None:
        pages = [[job(2, "other", jobStatus="Stopped")], [job(1)]]
        _, client = jobs(ListAdvancedPromptOptimizationJobs=listing(*pages))
        assert [(one.name, one.arn, one.status) for one in client.list()] == [
            ("other", arn(2), "Stopped"),
            (NAME, arn(1), "InProgress"),
        ]


class TestCreate:
    def test_the_request_keeps_the_rules_of_the_service_model(self) -> None:
        wire, client = jobs(CreateAdvancedPromptOptimizationJob={"jobArn": arn(7)})
        assert client.create(REQUEST) == arn(7)
        [request] = wire.requests
        assert request.violations() == []
        assert request.arguments == {
            "jobName": NAME,
            "clientToken": request_token(NAME),
            "inputConfig": {"s3Uri": REQUEST.input_uri},
            "outputConfig": {"s3Uri": REQUEST.output_uri},
            "modelConfigurations": [REQUEST.model],
            "tags": [{"key": "arm", "value": "prompted"}, {"key": "project", "value": "bedrock-distill"}],
        }
