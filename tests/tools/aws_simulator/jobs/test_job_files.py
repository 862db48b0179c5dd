"""A job reads its data from S3, fails when the data cannot be read, and writes its metrics."""

from __future__ import annotations

import csv
import io
import math
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders


def create(simulator: RunningSimulator, request: dict[str, Any], **client: Any) -> str:
    return simulator.boto("bedrock", **client).create_model_customization_job(**request)["jobArn"]


def rows(simulator: RunningSimulator, key: str) -> list[dict[str, str]]:
    body = simulator.boto("s3").get_object(Bucket=builders.BUCKET, Key=key)["Body"].read().decode()
    return list(csv.DictReader(io.StringIO(body)))


def test_a_completed_job_has_a_model_and_metrics_files(simulator: RunningSimulator) -> None:
    held_out = builders.put(simulator, "held_out.jsonl", builders.jsonl([builders.conversation("Is it private?")] * 3))
    request = builders.job_request(simulator, validationDataConfig={"validators": [{"s3Uri": held_out}]})
    arn = create(simulator, request)
    job = builders.finished_job(simulator, arn)
    folder = f"output/model-customization-job-{arn.rpartition('/')[2]}"
    steps = rows(simulator, f"{folder}/training_artifacts/step_wise_training_metrics.csv")
    held = rows(
        simulator, f"{folder}/validation_artifacts/post_fine_tuning_validation/validation/validation_metrics.csv"
    )
    assert list(steps[0]) == ["step_number", "epoch_number", "training_loss", "perplexity"]
    assert [step["step_number"] for step in steps] == [str(index) for index in range(len(steps))]
    assert {step["epoch_number"] for step in steps} == {"0", "1"}
    assert list(held[0]) == ["step_number", "epoch_number", "validation_loss", "perplexity"]
    # The perplexity is the exponential of the loss: https://huggingface.co/docs/transformers/perplexity
    assert all(float(row["perplexity"]) == math.exp(float(row["training_loss"])) for row in steps)
    assert all(float(row["perplexity"]) == math.exp(float(row["validation_loss"])) for row in held)
    assert job["trainingMetrics"]["trainingLoss"] == float(steps[-1]["training_loss"])
    assert job["validationMetrics"] == [{"validationLoss": float(held[-1]["validation_loss"])}]
    model = simulator.boto("bedrock").get_custom_model(modelIdentifier=job["outputModelArn"])
    assert (model["modelName"], model["jobArn"]) == (request["customModelName"], arn)
    assert model["trainingMetrics"] == job["trainingMetrics"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            {"trainingDataConfig": {"s3Uri": "s3://no-such-bucket/train.jsonl"}},
            "Could not validate GetObject permissions to access Amazon S3 bucket: no-such-bucket at key train.jsonl",
            id="no bucket",
        ),
        pytest.param(
            {"trainingDataConfig": {"s3Uri": f"s3://{builders.BUCKET}/no/such.jsonl"}},
            f"GetObject permissions to access Amazon S3 bucket: {builders.BUCKET} at key no/such.jsonl",
            id="no key",
        ),
        pytest.param(
            {"outputDataConfig": {"s3Uri": "s3://no-such-bucket/out"}},
            "Could not validate PutObject permissions to access Amazon S3 bucket: no-such-bucket",
            id="no output bucket",
        ),
    ],
)
def test_a_job_fails_when_its_objects_cannot_be_reached(
    simulator: RunningSimulator, changes: dict[str, Any], expected: str
) -> None:
    builders.job_request(simulator)  # creates the bucket
    job = builders.finished_job(simulator, builders.create_job(simulator, **changes))
    assert job["status"] == "Failed"
    assert expected in job["failureMessage"]
    assert "outputModelArn" not in job


def test_a_bucket_in_another_region_is_refused_as_a_missing_permission(simulator: RunningSimulator) -> None:
    records = builders.jsonl([builders.conversation()] * 10)
    uri = builders.put(simulator, "train.jsonl", records, bucket="western-bucket", region="us-west-2")
    job = builders.finished_job(simulator, builders.create_job(simulator, trainingDataConfig={"s3Uri": uri}))
    assert "Could not validate GetObject permissions" in job["failureMessage"]
