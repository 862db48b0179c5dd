from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator.builders import refused


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "code", "name"),
    [
        ("logs", "describe_log_groups", {}, "UnknownOperationException", "logs (Logs_20140328.DescribeLogGroups)"),
        ("dynamodb", "list_tables", {}, "UnknownOperationException", "dynamodb (DynamoDB_20120810.ListTables)"),
        ("lambda", "list_functions", {}, "UnknownOperationException", "lambda"),
        ("sns", "list_topics", {}, "InvalidAction", "sns (ListTopics)"),
        ("ec2", "describe_instances", {}, "InvalidAction", "ec2 (DescribeInstances)"),
        ("cloudfront", "list_distributions", {}, "InvalidAction", "cloudfront"),
        ("route53", "list_hosted_zones", {}, "InvalidAction", "route53"),
        ("cloudwatch", "list_metrics", {}, "UnknownOperationException", "monitoring"),
        ("sqs", "list_queues", {}, "UnknownOperationException", "sqs (AmazonSQS.ListQueues)"),
    ],
)
def test_other_services_are_refused_by_name_in_their_protocol(
    simulator: RunningSimulator, service: str, operation: str, arguments: dict[str, Any], code: str, name: str
) -> None:
    with refused(code, f"The AWS simulator does not implement the service {name}", status=501):
        getattr(simulator.boto(service), operation)(**arguments)


def test_cbor_requests_get_a_cbor_error(simulator: RunningSimulator) -> None:
    answer = signed(simulator, "monitoring", headers={"smithy-protocol": "rpc-v2-cbor"})
    assert answer.headers["content-type"] == "application/cbor"
    assert answer.content.startswith(b"\xa2\x79\x00\x06__type\x79\x00\x19UnknownOperationException\x79\x00\x07message")


@pytest.mark.parametrize("path", ["/v20180820/jobs", "/v20180820/accesspoint"])
def test_s3_control_is_not_answered_as_a_bucket(simulator: RunningSimulator, path: str) -> None:
    answer = signed(simulator, "s3", path=path, headers={"x-amz-account-id": "123456789012"})
    assert answer.status_code == 501
    assert "does not implement the service s3control" in answer.text


def test_a_presigned_url_of_another_service(simulator: RunningSimulator) -> None:
    answer = signed(simulator, "sts", path="/?Action=GetCallerIdentity&Version=2011-06-15", in_query=True)
    assert "<Account>123456789012</Account>" in answer.text
    answer = signed(simulator, "sqs", path="/?Action=ListQueues", in_query=True)
    assert answer.status_code == 501
    assert "<Code>InvalidAction</Code>" in answer.text


def signed(simulator: RunningSimulator, service: str, path: str = "/", **options: Any) -> Any:
    scope = f"AKIA/20261126/us-east-1/{service}/aws4_request"
    headers = dict(options.get("headers", {}))
    if options.get("in_query"):
        path += f"&X-Amz-Credential={scope.replace('/', '%2F')}&X-Amz-Signature=0"
    else:
        headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    return httpx.get(simulator.url + path, headers=headers)
