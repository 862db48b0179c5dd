"""Test evaluation jobs with the real hook, whose requests are recorded before they reach a socket."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

import pytest

from bedrock_distill.hooks.evaluations import EvaluationJob, EvaluationJobRequest, EvaluationJobs
from bedrock_distill.hooks.statuses import Progress
from include.distill.managed_evaluation.plan import dataset_metrics, judge_config
from tests.contract.recorded_wire import ARN, NOW, RecordedWire
from tests.distill.conftest import CATALOG
from tests.distill.managed_evaluation.test_plan import SETTINGS

DATASET = "s3://training/distill/evaluations/0/dataset.jsonl"
REQUEST = EvaluationJobRequest(
    name="test-docs-tuned-0123456789ab",
    token="0123456789abcdef",
    role_arn="arn:aws:iam::123456789012:role/bedrock-distill-customization",
    config=judge_config(SETTINGS, CATALOG.model("nova-pro")),
    sources=("tuned",),
    dataset_uri=DATASET,
    output_uri="s3://output/distill/evaluations/0/",
    tags={"project": "bedrock-distill", "arm": "tuned"},
)


def arn(number: int) -> str:
    return f"{ARN}:evaluation-job/job{number:09d}"


def job(number: int = 1, name: str = "name", **more: Any) -> dict[str, Any]:
    """Return a job as Bedrock describes it. A job with a higher number was created later."""
    return {
        "jobArn": arn(number),
        "jobName": name,
        "status": "InProgress",
        "jobType": "Automated",
        "creationTime": NOW + datetime.timedelta(hours=number),
        "roleArn": "arn:aws:iam::123456789012:role/r",
        "evaluationConfig": REQUEST.parameters()["evaluationConfig"],
        "outputDataConfig": {"s3Uri": "s3://output/o/"},
        **more,
    }


def jobs(**answers: Any) -> tuple[RecordedWire, EvaluationJobs]:
    wire = RecordedWire(answers)
    return wire, EvaluationJobs(wire.hook())


class TestGet:
    def test_a_job_is_read_with_its_locations_and_bedrocks_messages(self) -> None:
        _, client = jobs(GetEvaluationJob=job(failureMessages=["one", "two"]))
        assert client.get(arn(1)) == EvaluationJob(
            name="name",
            arn=arn(1),
            status="InProgress",
            created=NOW + datetime.timedelta(hours=1),
            role_arn="arn:aws:iam::123456789012:role/r",
            dataset_uri=DATASET,
            output_uri="s3://output/o/",
            message="one; two",
        )

    def test_a_job_of_people_on_a_dataset_of_bedrock_has_no_location(self) -> None:
        config = {"human": {"datasetMetricConfigs": [dataset_metrics("Custom", ["m"])]}}
        _, client = jobs(GetEvaluationJob=job(evaluationConfig=config))
        read = client.get(arn(1))
        assert read
        assert (read.dataset_uri, read.message) == ("", None)


class TestFind:
    def test_the_newest_job_with_exactly_this_name_is_found_on_all_pages(self) -> None:
        pages = {
            None: {"jobSummaries": [job(1), job(4, "name-a2")], "nextToken": "more"},
            "more": {"jobSummaries": [job(3), job(2)]},
        }
        wire, client = jobs(
            ListEvaluationJobs=lambda given: pages[given.get("nextToken")],
            GetEvaluationJob=lambda given: job(int(given["jobIdentifier"][-1])),
        )
        found = client.find("name")
        assert found
        assert found.arn == arn(3)
        assert [request.arguments["nameContains"] for request in wire.requests[:2]] == ["name", "name"]

    def test_without_such_a_job_nothing_is_looked_up(self) -> None:
        wire, client = jobs(ListEvaluationJobs={"jobSummaries": [job(1, "name-a2")]})
        assert client.find("name") is None
        assert [request.operation for request in wire.requests] == ["ListEvaluationJobs"]

    def test_all_jobs_of_the_account_can_be_listed(self) -> None:
        wire, client = jobs(ListEvaluationJobs={"jobSummaries": [job(1), job(2, "other", status="Stopped")]})
        assert [(one.name, one.status) for one in client.list()] == [("name", "InProgress"), ("other", "Stopped")]
        assert wire.requests[0].arguments == {}


class TestCreate:
    def test_the_request_keeps_the_rules_of_the_service_model(self) -> None:
        wire, client = jobs(CreateEvaluationJob={"jobArn": arn(7)})
        assert client.create(REQUEST) == arn(7)
        [request] = wire.requests
        assert request.violations() == []
        config = request.arguments["evaluationConfig"]["automated"]
        assert [one["dataset"] for one in config["datasetMetricConfigs"]] == [
            {"name": "questions", "datasetLocation": {"s3Uri": DATASET}}
        ]
        assert request.arguments["inferenceConfig"] == {
            "models": [{"precomputedInferenceSource": {"inferenceSourceIdentifier": "tuned"}}]
        }
        assert request.arguments["jobTags"] == [
            {"key": "arm", "value": "tuned"},
            {"key": "project", "value": "bedrock-distill"},
        ]

    def test_the_plan_of_the_job_stays_as_it_is(self) -> None:
        before = str(REQUEST.config)
        REQUEST.parameters()
        assert str(REQUEST.config) == before

    def test_a_job_of_people_has_both_sources(self) -> None:
        human = {
            "humanWorkflowConfig": {"flowDefinitionArn": "arn:aws:sagemaker:us-east-1:123456789012:flow-definition/f"},
            "customMetrics": [{"name": "better", "ratingMethod": "ComparisonLikertScale"}],
            "datasetMetricConfigs": [dataset_metrics("Custom", ["better"])],
        }
        wire, client = jobs(CreateEvaluationJob={"jobArn": arn(7)})
        client.create(replace(REQUEST, config={"human": human}, sources=("first", "second")))
        [request] = wire.requests
        assert request.violations() == []
        assert len(request.arguments["inferenceConfig"]["models"]) == 2
        [dataset] = request.arguments["evaluationConfig"]["human"]["datasetMetricConfigs"]
        assert dataset["dataset"]["datasetLocation"] == {"s3Uri": DATASET}


class TestProgress:
    @pytest.mark.parametrize(
        ("status", "progress"),
        [
            ("InProgress", Progress.RUNNING),
            ("Stopping", Progress.RUNNING),
            ("Completed", Progress.SUCCEEDED),
            ("Failed", Progress.FAILED),
            ("Stopped", Progress.FAILED),
            ("Deleting", Progress.FAILED),
        ],
    )
    def test_every_status_has_a_meaning(self, status: str, progress: Progress) -> None:
        assert EvaluationJob.from_response(job(status=status)).progress is progress
