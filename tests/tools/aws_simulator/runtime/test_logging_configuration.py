from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes.aws_simulator import ROLES, RunningSimulator
from tests.tools.aws_simulator.builders import fresh, refused

PREFIX = "AWSLogs/123456789012/BedrockModelInvocationLogs/us-east-1"


def log_bucket(simulator: RunningSimulator, **changes: Any) -> str:
    """Create a bucket with the policy that AWS's documentation shows, and return its name."""
    s3, name = simulator.boto("s3"), fresh("logs-bucket")
    statement = {
        "Sid": "AmazonBedrockLogsWrite",
        "Effect": "Allow",
        "Principal": {"Service": "bedrock.amazonaws.com"},
        "Action": ["s3:PutObject"],
        "Resource": [f"arn:aws:s3:::{name}/*"],
        "Condition": {
            "StringEquals": {"aws:SourceAccount": "123456789012"},
            "ArnLike": {"aws:SourceArn": "arn:aws:bedrock:us-east-1:123456789012:*"},
        },
        **changes,
    }
    s3.create_bucket(Bucket=name)
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    return name


def configure(simulator: RunningSimulator, *, region: str = "us-east-1", **configuration: Any) -> Any:
    client = simulator.boto("bedrock", region=region)
    return client.put_model_invocation_logging_configuration(loggingConfig=configuration)


def shown(simulator: RunningSimulator, region: str = "us-east-1") -> Any:
    answer = simulator.boto("bedrock", region=region).get_model_invocation_logging_configuration()
    return answer.get("loggingConfig")


def test_a_configuration_is_shown_per_region_and_deleted(simulator: RunningSimulator) -> None:
    configuration = {
        "s3Config": {"bucketName": log_bucket(simulator), "keyPrefix": "a/b"},
        "textDataDeliveryEnabled": False,
    }
    configure(simulator, **configuration)
    assert shown(simulator) == configuration
    assert shown(simulator, "us-west-2") is None
    keys = simulator.boto("s3").list_objects_v2(Bucket=configuration["s3Config"]["bucketName"])["Contents"]
    assert [key["Key"] for key in keys] == [f"a/b/{PREFIX}/amazon-bedrock-logs-permission-check"]
    simulator.boto("bedrock").delete_model_invocation_logging_configuration()
    assert shown(simulator) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"Principal": {"Service": "ec2.amazonaws.com"}},
        {"Action": "s3:GetObject"},
        {"Condition": {"StringEquals": {"aws:SourceAccount": "1"}}},
        {"Effect": "Deny"},
        {"Resource": "arn:aws:s3:::*/other/*"},
    ],
)
def test_the_policy_of_the_bucket_must_allow_bedrock(simulator: RunningSimulator, changes: Any) -> None:
    bucket = log_bucket(simulator, **changes)
    with refused("ValidationException", f"Failed to validate permissions for bucket: {bucket}"):
        configure(simulator, s3Config={"bucketName": bucket})


def test_the_bucket_must_be_in_the_region(simulator: RunningSimulator) -> None:
    with refused("ValidationException", "Failed to validate permissions for bucket: absent-bucket"):
        configure(simulator, s3Config={"bucketName": "absent-bucket"})
    with refused("ValidationException", "in us-west-2"):
        configure(simulator, region="us-west-2", s3Config={"bucketName": log_bucket(simulator)})


def test_cloud_watch_is_stored_if_the_role_may_write(simulator: RunningSimulator) -> None:
    iam, name = simulator.boto("iam"), ROLES[-1].rpartition("/")[2]
    cloud_watch = {"logGroupName": "/aws/bedrock", "roleArn": ROLES[-1]}
    text = f"Failed to validate permissions for log group: /aws/bedrock, with role: {ROLES[-1]}. Verify the IAM role"
    with refused("ValidationException", text):
        configure(simulator, cloudWatchConfig=cloud_watch)
    log_group = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/bedrock"
    allow = {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"{log_group}:log-stream:aws/bedrock/modelinvocations",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_role_policy(RoleName=name, PolicyName="logs", PolicyDocument=document)
    configure(simulator, cloudWatchConfig=cloud_watch)
    assert shown(simulator) == {"cloudWatchConfig": cloud_watch}
    with refused("ValidationException", "Failed to validate permissions for log group"):
        configure(simulator, cloudWatchConfig={**cloud_watch, "roleArn": ROLES[-1] + "absent"})
    with refused("AccessDeniedException", "Cross-account pass role is not allowed."):
        configure(simulator, cloudWatchConfig={**cloud_watch, "roleArn": "arn:aws:iam::999999999999:role/r"})
