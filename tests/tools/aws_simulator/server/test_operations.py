"""Requests without a handler are refused, and every request is logged."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused

SIGNED = "AWS4-HMAC-SHA256 Credential=test/20261122/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=0"


def raw_request(url: str, method: str, headers: dict[str, str]) -> tuple[int, str]:
    try:
        request = urllib.request.Request(url, method=method, headers=headers)  # noqa: S310 - our own
        with urllib.request.urlopen(request) as response:  # noqa: S310 - our own
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, f"{error.headers.get('x-amzn-errortype')}: {error.read().decode()}"


def test_the_refusal_of_an_unsupported_operation_names_it(simulator: RunningSimulator) -> None:
    with refused("UnknownOperationException", "does not implement ListEvaluationJobs", status=404):
        simulator.boto("bedrock").list_evaluation_jobs()


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        pytest.param("/no/such/path", {"authorization": SIGNED}, "UnknownOperationException", id="unknown path"),
        pytest.param("/foundation-models", {}, "MissingAuthenticationTokenException", id="unsigned"),
    ],
)
def test_a_malformed_request_is_an_error(
    simulator: RunningSimulator, path: str, headers: dict[str, str], expected: str
) -> None:
    status, text = raw_request(simulator.url + path, "GET", headers)
    assert status in (403, 404)
    assert text.startswith(expected)


def test_requests_are_logged_with_operation_outcome_and_fault_but_without_text(simulator: RunningSimulator) -> None:
    simulator.fail(operation="Converse", kind="throttle", times=1)
    with refused("ThrottlingException"):
        builders.converse(simulator)
    builders.converse(simulator)
    noted = simulator.admin("GET", "requests")
    assert [(entry["operation"], entry["outcome"], entry["fault"]) for entry in noted] == [
        ("Converse", "ThrottlingException", "throttle"),
        ("Converse", "200", None),
    ]
    assert "lifecycle" not in str(noted)
