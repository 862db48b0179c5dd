from __future__ import annotations

import pytest

from tools.aws_simulator.protocol.errors import OperationNotImplementedError, UnknownOperationException
from tools.aws_simulator.protocol.specification import Specification

SPECIFICATION = Specification()
PROVISIONED = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdefghijkl"


@pytest.mark.parametrize(
    ("method", "path", "name", "arguments"),
    [
        pytest.param("GET", "/foundation-models", "ListFoundationModels", {}, id="fixed path"),
        pytest.param(
            "POST",
            "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aprovisioned-model%2Fabcdefghijkl/converse",
            "Converse",
            {"modelId": PROVISIONED},
            id="an encoded slash does not split the path",
        ),
        pytest.param(
            "POST",
            "/model-customization-jobs/my-job/stop",
            "StopModelCustomizationJob",
            {"jobIdentifier": "my-job"},
            id="label inside",
        ),
        pytest.param(
            "POST",
            "/evaluation-jobs",
            "CreateEvaluationJob",
            {},
            id="an operation that is not implemented is routed too",
        ),
    ],
)
def test_a_request_is_routed_by_method_and_path(method: str, path: str, name: str, arguments: dict[str, str]) -> None:
    found, uri = SPECIFICATION.find(method, path)
    assert (found.name, uri) == (name, arguments)


def test_no_two_operations_share_a_method_and_path() -> None:
    routes = [(route.method, route.operation.http["requestUri"]) for route in SPECIFICATION.routes]
    assert len(routes) == len(set(routes)) > 100


def test_an_unknown_path_is_an_unknown_operation() -> None:
    with pytest.raises(UnknownOperationException, match="has an operation PATCH /nothing"):
        SPECIFICATION.find("PATCH", "/nothing")


@pytest.mark.parametrize(
    ("method", "path", "text"),
    [
        ("POST", "/openai/v1/chat/completions", "OpenAI's API"),
        ("POST", "/openai/v1/responses", "OpenAI's API"),
        ("POST", "/anthropic/v1/messages", "Anthropic's API"),
        ("POST", "/v1/chat/completions", "the endpoint bedrock-mantle"),
        ("POST", "/knowledgebases/", r"bedrock-agent \(ListKnowledgeBases\)"),
        ("POST", "/knowledgebases/ABCDEFGHIJ/retrieve", r"bedrock-agent-runtime \(Retrieve\)"),
        ("POST", "/rerank", r"bedrock-agent-runtime \(Rerank\)"),
        ("POST", "/blueprints/", r"bedrock-data-automation \(ListBlueprints\)"),
    ],
)
def test_what_else_is_signed_for_bedrock_is_refused_by_name(method: str, path: str, text: str) -> None:
    with pytest.raises(OperationNotImplementedError, match=f"does not implement .*{text}"):
        SPECIFICATION.find(method, path)
