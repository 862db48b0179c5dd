"""
Check every request that the pipeline sends against the service models of AWS.

The operators run on the real hook and real boto3 clients. botocore checks types and required members. The tests check
the recorded arguments against patterns, lengths, enums and ranges, which botocore does not check.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from bedrock_distill.hooks.aws import tag_list
from bedrock_distill.hooks.bedrock import JobRequest
from bedrock_distill.hooks.s3 import S3ObjectStore
from bedrock_distill.operators.answer import BedrockAnswerOperator
from bedrock_distill.operators.preflight import BedrockPreflightOperator
from bedrock_distill.operators.serve import BedrockProvisionThroughputOperator, BedrockReleaseThroughputOperator
from bedrock_distill.operators.synthesize import BedrockSynthesizeOperator
from bedrock_distill.operators.train import BedrockSubmitCustomizationJobOperator
from include.distill.config.company import Vpc
from include.distill.config.layout import Layout
from include.distill.config.use_case import UseCase
from include.distill.core.errors import InvalidRequestError, NotFoundError
from include.distill.core.naming import job_names, request_token, run_key, throughput_names
from include.distill.training.job_identity import JobTeacher, TrainingRecipe, recipe_fingerprint
from tests.contract.recorded_wire import ARN, NOW, RecordedWire, anthropic_reply, converse_reply, not_found
from tests.fakes.fake_bedrock import OWN_TAGS, RUN_KEY
from tests.fakes.training_set import BOTH_SHA256, TRAINING_FILE, TRAINING_URI, VALIDATION_FILE, VALIDATION_URI
from tests.plugins import conftest as builders
from tests.plugins.conftest import RUN_URI
from tools.aws_simulator.protocol.constraints import violations

# pytest finds these by name.
use_case, store, context = builders.use_case, builders.store, builders.context

HYPERPARAMETERS = {"epochCount": "2"}
KEY = "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
VPC = Vpc(subnet_ids=("subnet-0123456789abcdef0",), security_group_ids=("sg-01234567",))
RECIPES = [
    TrainingRecipe("amazon.nova-micro-v1:0:128k", HYPERPARAMETERS),
    TrainingRecipe("amazon.titan-text-express-v1:0:8k", HYPERPARAMETERS, "CONTINUED_PRE_TRAINING"),
    TrainingRecipe("amazon.nova-micro-v1:0:128k", {}, "DISTILLATION", JobTeacher("us.amazon.nova-pro-v1:0", 1024)),
    TrainingRecipe("amazon.nova-micro-v1:0:128k", HYPERPARAMETERS, kms_key_arn=KEY),
]
JOB = {
    "jobName": "job",
    "jobArn": f"{ARN}:model-customization-job/amazon.nova-micro-v1:0:128k/abcdefghijkl",
    "status": "InProgress",
    "creationTime": NOW,
    "roleArn": "arn:aws:iam::123456789012:role/bedrock-distill-customization",
    "baseModelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-micro-v1:0:128k",
    "trainingDataConfig": {"s3Uri": "s3://bedrock-distill-training/distill/datasets/d/train.jsonl"},
    "outputDataConfig": {"s3Uri": "s3://output/"},
}
THROUGHPUT = {
    "provisionedModelName": "throughput",
    "provisionedModelArn": f"{ARN}:provisioned-model/abcdefghijkl",
    "status": "InService",
    "creationTime": NOW,
    "modelArn": f"{ARN}:custom-model/amazon.nova-micro-v1:0:128k/abcdefghijkl",
    "modelUnits": 1,
}
DATASET = {
    "train_uri": TRAINING_URI,
    "validation_uri": VALIDATION_URI,
    "sha256": BOTH_SHA256,
    "records": 40,
    "tokens": 4000,
}

SERVICE_MODEL = botocore.session.get_session().get_service_model("bedrock")


def bought_at_the(attempt: int, answer: Any, operation: str) -> Callable[[Any], Any]:
    """Return a function that finds the resource only from look-up number ``attempt``."""
    looks = iter(range(attempt - 1))
    return lambda arguments: answer if next(looks, None) is None else not_found(operation)(arguments)


@pytest.fixture
def wire() -> RecordedWire:
    return RecordedWire(
        {
            "GetFoundationModel": {
                "modelDetails": {"modelLifecycle": {"status": "ACTIVE"}, "customizationsSupported": ["FINE_TUNING"]}
            },
            "InvokeModel": lambda _: anthropic_reply("text"),
            "Converse": lambda _: converse_reply("text"),
        }
    )


@pytest.fixture
def run(wire: RecordedWire, store: Any, context: Any) -> Any:
    """Return a function that runs an operator on the recorded wire, with rows in memory."""
    context["ti"].try_number = 3
    hook = wire.hook()
    store.objects.update({TRAINING_URI: TRAINING_FILE, VALIDATION_URI: VALIDATION_FILE})

    def execute(task_class: Any, **arguments: Any) -> Any:
        task = task_class(task_id="task", run_uri=RUN_URI, **arguments)
        task.__dict__.update(hook=hook, store=store)
        return task.execute(context)

    return execute


def assert_accepted(wire: RecordedWire, *operations: str) -> None:
    """Fail unless exactly these operations were called and the service model accepts each request."""
    assert {request.operation for request in wire.requests} == set(operations)
    assert [f"{request.operation}: {broken}" for request in wire.requests for broken in request.violations()] == []


class TestBedrock:
    def test_preflight_looks_up_every_model(self, run: Any, wire: RecordedWire) -> None:
        wire.answers["ListCustomModelDeployments"] = {"modelDeploymentSummaries": []}
        run(BedrockPreflightOperator, use_case_name="aws_docs_qa")
        assert_accepted(wire, "GetFoundationModel", "GetFoundationModelAvailability", "ListCustomModelDeployments")
        asked = {request.arguments["modelIdentifier"] for request in wire.named("GetFoundationModel")}
        assert asked >= {"anthropic.claude-sonnet-5-5", "amazon.nova-micro-v1:0", "amazon.nova-micro-v1:0:128k"}

    def test_submit_buys_a_job(self, run: Any, wire: RecordedWire) -> None:
        wire.answers["GetModelCustomizationJob"] = bought_at_the(5, JOB, "GetModelCustomizationJob")
        run(BedrockSubmitCustomizationJobOperator, arm="tuned", dataset=DATASET)
        assert_accepted(wire, "GetModelCustomizationJob", "CreateModelCustomizationJob")
        (request,) = wire.named("CreateModelCustomizationJob")
        assert request.arguments["customizationType"] == "FINE_TUNING"
        assert request.arguments["validationDataConfig"] == {"validators": [{"s3Uri": DATASET["validation_uri"]}]}
        assert {tag["key"] for tag in request.arguments["jobTags"]} >= {"project", "use-case", "run-key", "expires-at"}

    def test_submit_looks_up_the_model_of_a_completed_job(
        self, run: Any, wire: RecordedWire, use_case: UseCase
    ) -> None:
        fingerprint = recipe_fingerprint(use_case, "tuned", BOTH_SHA256)
        wire.answers["GetModelCustomizationJob"] = {
            **JOB,
            "status": "Completed",
            "outputModelArn": THROUGHPUT["modelArn"],
            "outputDataConfig": {"s3Uri": Layout(use_case.storage).training_output(fingerprint)},
        }
        wire.answers["ListTagsForResource"] = {"tags": tag_list(OWN_TAGS)}
        run(BedrockSubmitCustomizationJobOperator, arm="tuned", dataset=DATASET)
        assert_accepted(wire, "GetModelCustomizationJob", "ListTagsForResource", "GetCustomModel")

    def test_provision_and_release_send_valid_requests(self, run: Any, wire: RecordedWire) -> None:
        look = "GetProvisionedModelThroughput"
        wire.answers[look] = bought_at_the(2, THROUGHPUT, look)
        run(BedrockProvisionThroughputOperator, arm="tuned", trained={"model_arn": THROUGHPUT["modelArn"]})
        gone = iter([THROUGHPUT])
        tags = {**OWN_TAGS, "run-key": RUN_KEY, "arm": "tuned"}
        wire.answers["ListTagsForResource"] = {"tags": tag_list(tags)}
        wire.answers[look] = lambda arguments: next(gone, None) or not_found(look)(arguments)
        run(BedrockReleaseThroughputOperator, arm="tuned")
        operations = ("CreateProvisionedModelThroughput", look, "DeleteProvisionedModelThroughput")
        assert_accepted(wire, *operations, "ListTagsForResource")
        (request,) = wire.named("CreateProvisionedModelThroughput")
        assert "commitmentDuration" not in request.arguments

    @pytest.mark.parametrize("arn", [JOB["jobArn"], THROUGHPUT["provisionedModelArn"], THROUGHPUT["modelArn"]])
    def test_tags_are_read(self, wire: RecordedWire, arn: str) -> None:
        wire.answers["ListTagsForResource"] = {"tags": [{"key": "run-key", "value": "r"}]}
        assert wire.hook().tags(arn) == {"run-key": "r"}
        assert_accepted(wire, "ListTagsForResource")

    def test_requests_to_the_teacher_use_invoke_model(self, run: Any, wire: RecordedWire) -> None:
        assert run(BedrockSynthesizeOperator, shard=0)["calls"] == 2  # "text" is not a pair, so the request is repeated
        assert_accepted(wire, "InvokeModel")
        body = json.loads(wire.requests[0].arguments["body"])
        assert body["anthropic_version"] == "bedrock-2023-05-31"
        assert wire.requests[0].url.endswith("/model/us.anthropic.claude-sonnet-5-5/invoke")

    @pytest.mark.parametrize(
        ("arm", "serving"),
        [
            pytest.param("base", None, id="base"),
            pytest.param(
                "tuned",
                {
                    "model_arn": THROUGHPUT["modelArn"],
                    "invoke_id": THROUGHPUT["provisionedModelArn"],
                    "student": "nova-micro",
                },
                id="tuned",
            ),
        ],
    )
    def test_requests_to_a_student_use_converse(self, run: Any, wire: RecordedWire, arm: str, serving: Any) -> None:
        assert run(BedrockAnswerOperator, arm=arm, shard=0, serving=serving)["calls"] == 1
        assert_accepted(wire, "Converse")
        assert wire.requests[0].arguments["system"][0]["text"]


class TestNames:
    """Check that Bedrock accepts the names of resources for every name of a use case, an arm and a run."""

    SLUG = st.from_regex(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", fullmatch=True)
    ENVIRONMENT = st.from_regex(r"[a-z][a-z0-9-]{0,15}", fullmatch=True)

    @staticmethod
    def request(operation: str, **arguments: Any) -> list[str]:
        return list(violations(SERVICE_MODEL.operation_model(operation).input_shape, arguments))

    @settings(max_examples=60, deadline=None)
    @given(
        environment=ENVIRONMENT,
        use_case=SLUG,
        arm=SLUG,
        fingerprint=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
        attempt=st.integers(1, 9),
        recipe=st.sampled_from(RECIPES),
    )
    def test_bedrock_accepts_the_requests_and_names_of_jobs_and_models(
        self, environment: str, use_case: str, arm: str, fingerprint: str, attempt: int, recipe: TrainingRecipe
    ) -> None:
        name = job_names(environment, use_case[:24], arm[:16], fingerprint, attempt).name
        asked = JobRequest(
            name=name,
            token=request_token(name),
            recipe=recipe,
            role_arn="arn:aws:iam::123456789012:role/r",
            training_uri="s3://bucket/train.jsonl",
            validation_uri=None,
            output_uri="s3://bucket/out/",
            tags={"use-case": use_case[:24], "fingerprint": fingerprint},
            vpc=VPC,
        )
        assert self.request("CreateModelCustomizationJob", **asked.parameters()) == []

    @settings(max_examples=60, deadline=None)
    @given(
        environment=ENVIRONMENT,
        use_case=SLUG,
        arm=SLUG,
        run_id=st.text(max_size=300),
        ordinal=st.integers(1, 99),
    )
    def test_bedrock_accepts_the_names_of_throughputs(
        self, environment: str, use_case: str, arm: str, run_id: str, ordinal: int
    ) -> None:
        name = throughput_names(environment, use_case[:24], arm[:16], run_key("distill_x", run_id), ordinal).name
        broken = self.request(
            "CreateProvisionedModelThroughput",
            provisionedModelName=name,
            clientRequestToken=request_token(name),
            modelId=THROUGHPUT["modelArn"],
            modelUnits=1,
            tags=[{"key": "run-key", "value": run_key("distill_x", run_id)}],
        )
        assert broken == []


class TestCleanUp:
    def test_models_and_throughputs_are_listed_page_by_page(self, wire: RecordedWire) -> None:
        summary = {"modelName": "m", "modelArn": THROUGHPUT["modelArn"], "creationTime": NOW}
        pages = iter([{"modelSummaries": [summary], "nextToken": "next"}, {"modelSummaries": [summary]}])
        wire.answers["ListCustomModels"] = lambda _: next(pages)
        wire.answers["ListProvisionedModelThroughputs"] = {"provisionedModelSummaries": [THROUGHPUT]}
        assert len(wire.hook().list_custom_models()) == 2
        assert len(wire.hook().list_throughputs()) == 1
        assert wire.hook().delete_custom_model(THROUGHPUT["modelArn"])
        assert_accepted(wire, "ListCustomModels", "ListProvisionedModelThroughputs", "DeleteCustomModel")

    def test_buckets_are_inspected_emptied_and_deleted(self, wire: RecordedWire) -> None:
        wire.answers["GetBucketTagging"] = {"TagSet": [{"Key": "project", "Value": "bedrock-distill"}]}
        objects = S3ObjectStore(wire.hook())
        assert objects.bucket_tags("bucket-1") == {"project": "bedrock-distill"}
        assert not objects.has_versions("bucket-1")
        objects.delete_all([f"s3://bucket-1/{number}" for number in range(1001)])
        objects.delete_bucket("bucket-1")
        assert_accepted(wire, "GetBucketTagging", "GetBucketVersioning", "DeleteObjects", "DeleteBucket")
        assert [len(r.arguments["Delete"]["Objects"]) for r in wire.named("DeleteObjects")] == [1000, 1]


class TestS3:
    def test_objects_are_read_written_listed_and_deleted(self, wire: RecordedWire) -> None:
        wire.answers["GetObject"] = lambda _: {"Body": io.BytesIO(b"body"), "ContentLength": 4, "ETag": "e"}
        first, second = ({"Key": f"a/{number}", "Size": 4, "LastModified": NOW} for number in (1, 2))
        pages = iter(
            [
                {"Contents": [second], "IsTruncated": True, "NextContinuationToken": "next"},
                {"Contents": [first], "IsTruncated": False},
            ]
        )
        wire.answers["ListObjectsV2"] = lambda _: next(pages)
        objects = S3ObjectStore(wire.hook())
        objects.write("s3://bucket/a/1", b"body")
        assert objects.read("s3://bucket/a/1") == b"body"
        assert objects.exists("s3://bucket/a/1")
        assert objects.list("s3://bucket/a/") == ["s3://bucket/a/1", "s3://bucket/a/2"]
        objects.delete("s3://bucket/a/1")
        assert_accepted(wire, "PutObject", "GetObject", "HeadObject", "ListObjectsV2", "DeleteObject")

    @pytest.mark.parametrize(("region", "where"), [("us-east-1", None), ("us-west-2", "us-west-2")])
    def test_a_bucket_is_created_in_the_region_of_the_jobs_and_tagged(
        self, wire: RecordedWire, region: str, where: str | None
    ) -> None:
        def absent(_: Any) -> Any:
            raise ClientError({"Error": {"Code": "404", "Message": "Not Found"}}, "HeadBucket")

        wire.answers["HeadBucket"] = absent
        assert S3ObjectStore(wire.hook()).ensure_bucket("bucket-1", region=region, create=True) is None
        assert_accepted(wire, "HeadBucket", "CreateBucket", "PutBucketTagging")
        stated = wire.named("CreateBucket")[0].arguments.get("CreateBucketConfiguration", {})
        assert stated.get("LocationConstraint") == where

    def test_a_missing_bucket_is_named_with_what_to_do(self, wire: RecordedWire) -> None:
        wire.answers["HeadBucket"] = not_found("HeadBucket")
        with pytest.raises(NotFoundError, match="bucket bucket-1 does not exist; create it in us-east-1"):
            S3ObjectStore(wire.hook()).ensure_bucket("bucket-1", region="us-east-1", create=False)


def test_the_recorder_rejects_an_invalid_name_that_botocore_accepts(wire: RecordedWire) -> None:
    """Guard this file: botocore accepts a name that breaks the service's pattern, but the recorder rejects it."""
    wire.hook().create_throughput(name="no spaces", token="t", model_arn="m", units=1, tags={})
    assert any("provisionedModelName" in broken for broken in wire.requests[0].violations())


def test_a_request_that_botocore_refuses_is_a_named_error(wire: RecordedWire) -> None:
    with pytest.raises(InvalidRequestError, match="modelUnits"):
        wire.hook().create_throughput(name="n", token="t", model_arn="m", units="many", tags={})  # type: ignore[arg-type]
    assert wire.requests == []
