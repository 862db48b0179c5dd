from __future__ import annotations

import pytest

from bedrock_distill.lineage.artifacts import bedrock_resource, foundation_model, stored
from include.distill.config.catalog import load_catalog
from include.distill.dataset.records import Row

MODEL_ARN = "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-micro-v1:0:128k/abc"


@pytest.mark.parametrize(
    ("uri", "namespace", "name"),
    [
        ("s3://bucket/distill/runs/a/source/train.jsonl", "s3://bucket", "distill/runs/a/source/train.jsonl"),
        ("s3://bucket/folder/", "s3://bucket", "folder"),
        ("s3://bucket/", "s3://bucket", "/"),
        ("include/sample/train.csv", "file", "include/sample/train.csv"),
    ],
)
def test_a_file_has_the_name_that_openlineage_prescribes(uri: str, namespace: str, name: str) -> None:
    artifact = stored(uri, "A file")
    assert (artifact.namespace, artifact.name) == (namespace, name)


def test_the_namespace_and_the_name_of_a_bedrock_resource_are_its_arn() -> None:
    artifact = bedrock_resource(MODEL_ARN, "MODEL", "A model")
    assert artifact.namespace == "arn:aws:bedrock:us-east-1:123456789012"
    assert f"{artifact.namespace}:{artifact.name}" == MODEL_ARN


@pytest.mark.parametrize(("region", "partition"), [("us-east-1", "aws"), ("us-gov-west-1", "aws-us-gov")])
def test_a_foundation_model_belongs_to_a_region_and_to_no_account(region: str, partition: str) -> None:
    artifact = foundation_model(load_catalog().model("nova-micro"), region, "The student")
    arn = f"arn:{partition}:bedrock:{region}::foundation-model/amazon.nova-micro-v1:0"
    assert f"{artifact.namespace}:{artifact.name}" == arn


def test_the_columns_include_those_of_the_types_that_the_record_extends() -> None:
    assert {"row_id", "document", "question", "answer", "line"} <= set(stored("a", "Rows", record=Row).columns)
