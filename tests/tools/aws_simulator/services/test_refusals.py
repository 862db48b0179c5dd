from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator.builders import refused
from tools.aws_simulator.protocol.specification import load_service


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


@pytest.mark.parametrize(
    ("action", "namespace"),
    [
        pytest.param("GetCallerIdentity", "https://sts.amazonaws.com/doc/2011-06-15/", id="sts"),
        pytest.param("ListRoles", "https://iam.amazonaws.com/doc/2010-05-08/", id="iam"),
        pytest.param("DescribeInstances", "", id="a service that the simulator does not have"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unsigned_form_is_refused_as_by_its_service(
    simulator: RunningSimulator, action: str, namespace: str, method: str
) -> None:
    fields = {"Action": action, "Version": "any"}
    sent: dict[str, Any] = {"data": fields} if method == "POST" else {"params": fields}
    answer = httpx.request(method, simulator.url, **sent)
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (403, "text/xml")
    assert "<Code>MissingAuthenticationToken</Code>" in answer.text
    assert "<Message>Request is missing Authentication Token</Message>" in answer.text
    assert namespace in answer.text
    assert ("xmlns" in answer.text) == bool(namespace)


@pytest.mark.parametrize("service", ["service-quotas", "pricing"])
def test_an_unsigned_request_of_a_service_with_json_is_refused_in_json(
    simulator: RunningSimulator, service: str
) -> None:
    target = load_service(service).metadata["targetPrefix"]
    answer = httpx.post(simulator.url, content=b"{}", headers={"x-amz-target": f"{target}.Any"})
    assert (answer.status_code, answer.json()["__type"]) == (400, "MissingAuthenticationTokenException")


def test_an_operation_that_needs_no_signature_is_refused_by_name(simulator: RunningSimulator) -> None:
    with refused("InvalidAction", "does not implement AssumeRoleWithWebIdentity of STS. Nothing was", status=501):
        simulator.boto("sts").assume_role_with_web_identity(
            RoleArn="arn:aws:iam::123456789012:role/any", RoleSessionName="any", WebIdentityToken="a.b.c"
        )
    answer = httpx.post(simulator.url, headers={"x-amz-target": "AWSCognitoIdentityService.GetId"})
    assert (answer.status_code, "AWSCognitoIdentityService.GetId" in answer.text) == (501, True)


def test_an_unsigned_request_with_the_path_of_an_object_goes_to_s3(simulator: RunningSimulator) -> None:
    answer = httpx.get(f"{simulator.url}/no-such-bucket/key?Action=GetCallerIdentity")
    assert (answer.status_code, "<Code>NoSuchBucket</Code>" in answer.text) == (404, True)


def signed(simulator: RunningSimulator, service: str, path: str = "/", **options: Any) -> Any:
    scope = f"AKIA/20261126/us-east-1/{service}/aws4_request"
    headers = dict(options.get("headers", {}))
    if options.get("in_query"):
        path += f"&X-Amz-Credential={scope.replace('/', '%2F')}&X-Amz-Signature=0"
    else:
        headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    return httpx.get(simulator.url + path, headers=headers)
