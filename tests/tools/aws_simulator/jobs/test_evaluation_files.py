"""The datasets and the output of evaluation jobs have the documented formats and places."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tools.aws_simulator.jobs.evaluation_files import MOST_PROMPTS

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def failure(simulator: RunningSimulator, arn: str) -> str:
    job = builders.finished_evaluation(simulator, arn)
    assert job["status"] == "Failed"
    (message,) = job["failureMessages"]
    return str(message)


def line(**changes: Any) -> dict[str, Any]:
    whole = builders.evaluation_line(**changes)
    return {name: value for name, value in whole.items() if value is not None}


def responses(*names: str) -> list[Any]:
    return [{"response": "r", "modelIdentifier": name} for name in names]


WRONG = {
    "no JSON": (b"{", "Line 1 is not JSON"),
    "UTF-16": (json.dumps(builders.evaluation_line()).encode("utf-16-le"), "Line 1 is not JSON"),
    "UTF-16 with a byte order mark": (json.dumps(builders.evaluation_line()).encode("utf-16"), "Byte 0 is not UTF-8"),
    "Latin-1": ('{"prompt": "Größe?"}'.encode("latin-1"), "Byte 14 is not UTF-8"),
    "UTF-8 with a byte order mark": (b"\xef\xbb\xbf" + builders.jsonl([builders.evaluation_line()]), "Line 1 is not"),
    "no object": ([builders.evaluation_line(), "text"], "Line 2 is not an object with a text prompt"),
    "no prompt": ([line(prompt=None)], "text prompt"),
    "prompt of another type": ([line(prompt={"text": "a"})], "text prompt"),
    "empty prompt": ([line(prompt=" ")], "text prompt"),
    "reference": ([line(referenceResponse=["a"])], "referenceResponse that is not a text"),
    "category": ([line(category=3)], "category that is not a text"),
    "no responses": ([line(modelResponses=None)], "needs modelResponses"),
    "response of another type": ([line(modelResponses=[{"response": 1, "modelIdentifier": "arm-a"}])], "needs modelR"),
    "other key": ([line(modelResponses=[{"text": "r", "modelIdentifier": "arm-a"}])], "needs modelResponses"),
    "two responses": ([line(modelResponses=responses("arm-a", "arm-a"))], "exactly one response"),
    "other source": ([line(modelResponses=responses("arm-b"))], "exactly one response"),
    "nothing": (b"\n", "The job has 0 prompts"),
    "too much": ([builders.evaluation_line()] * (MOST_PROMPTS + 1), "1001 prompts. A job must have 1 to 1000"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_job_with_a_wrong_dataset_fails_and_costs_nothing(simulator: RunningSimulator, name: str) -> None:
    lines, complaint = WRONG[name]
    arn = builders.create_evaluation(simulator, lines)
    assert complaint in failure(simulator, arn)
    assert simulator.ledger["billed_calls"] == 0
    assert builders.evaluation_output(simulator, arn) == {}


def test_a_job_with_the_largest_dataset_completes(simulator: RunningSimulator) -> None:
    lines = [builders.evaluation_line(prompt=f"Question {number}?") for number in range(MOST_PROMPTS)]
    arn = builders.create_evaluation(simulator, b"\n\n".join(json.dumps(one).encode() for one in lines))
    assert builders.finished_evaluation(simulator, arn)["status"] == "Completed"
    (written,) = builders.evaluation_output(simulator, arn).values()
    assert [one["inputRecord"] for one in written] == lines


@pytest.mark.parametrize(
    ("uri", "complaint"),
    [
        (f"s3://{builders.BUCKET}/absent.jsonl", "GetObject permissions"),
        ("s3://no-such-bucket/lines.jsonl", "GetObject permissions"),
        ("s3://bucket-of-oregon/lines.jsonl", "GetObject permissions"),
        (f"s3://{builders.BUCKET}/lines.json", "must end in .jsonl"),
    ],
)
def test_a_dataset_that_cannot_be_read_fails_the_job(simulator: RunningSimulator, uri: str, complaint: str) -> None:
    good = builders.jsonl([builders.evaluation_line()])
    builders.put(simulator, "lines.json", good)
    builders.put(simulator, "lines.jsonl", good, bucket="bucket-of-oregon", region="us-west-2")
    request = builders.evaluation_request(simulator)
    dataset = request["evaluationConfig"]["automated"]["datasetMetricConfigs"][0]["dataset"]
    dataset["datasetLocation"]["s3Uri"] = uri
    arn = simulator.boto("bedrock").create_evaluation_job(**request)["jobArn"]
    assert complaint in failure(simulator, arn)


def test_the_output_is_where_the_user_guide_says(simulator: RunningSimulator) -> None:
    arn = builders.create_evaluation(simulator)
    builders.finished_evaluation(simulator, arn)
    (key,) = builders.evaluation_output(simulator, arn)
    assert re.fullmatch(rf"models/arm-a/taskTypes/General/datasets/questions/{UUID}_output\.jsonl", key)


def test_unknown_keys_of_a_line_are_kept(simulator: RunningSimulator) -> None:
    arn = builders.create_evaluation(simulator, [builders.evaluation_line(category="storage", number=7)])
    assert builders.finished_evaluation(simulator, arn)["status"] == "Completed"
    ((written,),) = builders.evaluation_output(simulator, arn).values()
    assert written["inputRecord"] == builders.evaluation_line(category="storage", number=7)


def test_an_output_bucket_of_another_region_fails_the_job(simulator: RunningSimulator) -> None:
    builders.put(simulator, "a", b"", bucket="bucket-of-oregon", region="us-west-2")
    arn = builders.create_evaluation(simulator, outputDataConfig={"s3Uri": "s3://bucket-of-oregon/out"})
    assert "Could not validate permissions to access Amazon S3 bucket: bucket-of-oregon" in failure(simulator, arn)


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        ({"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}, "InProgress"),
        ({"AllowedMethods": ["PUT"], "AllowedOrigins": ["*"]}, "Failed"),
        ({"AllowedMethods": ["GET"], "AllowedOrigins": ["https://example.com"]}, "Failed"),
        (None, "Failed"),
    ],
)
def test_only_a_human_job_needs_a_bucket_that_lets_the_page_of_the_workers_read(
    simulator: RunningSimulator, rule: Any, status: str
) -> None:
    request = builders.human_request(simulator)
    client = simulator.boto("s3")
    client.delete_bucket_cors(Bucket=builders.BUCKET)
    if rule:
        client.put_bucket_cors(Bucket=builders.BUCKET, CORSConfiguration={"CORSRules": [rule]})
    arn = simulator.boto("bedrock").create_evaluation_job(**request)["jobArn"]
    if status == "Failed":
        assert "CORS" in failure(simulator, arn)
    else:
        assert builders.open_tasks(simulator, arn)
    judged = builders.create_evaluation(simulator)
    assert builders.finished_evaluation(simulator, judged)["status"] == "Completed"
