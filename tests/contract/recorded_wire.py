"""Record and answer the requests of a real hook and real boto3 clients before they reach a socket."""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from tools.aws_simulator.protocol.constraints import violations

ARN = "arn:aws:bedrock:us-east-1:123456789012"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass(frozen=True)
class Request:
    """A request that the hook sent. ``model`` is botocore's model of the operation."""

    operation: str
    arguments: Mapping[str, Any]
    url: str
    model: Any

    def violations(self) -> list[str]:
        """Return every pattern, length and enum of the service model that the request breaks."""
        return list(violations(self.model.input_shape, self.arguments))


@dataclass
class RecordedWire:
    """
    The recorded requests and the scripted responses.

    botocore builds, validates and serializes every request as it would for AWS. The recorder takes the place of the
    connection. ``answers`` maps an operation to its response, or to a function that takes the arguments and returns it.
    """

    answers: dict[str, Any] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def hook(self) -> BedrockDistillHook:
        """Return the hook, and record its requests from now on."""
        hook, recorder = _recorded_hook()
        recorder.wire = self
        return hook

    def answer(self, request: Request) -> Mapping[str, Any]:
        """Record a request and return its response."""
        self.requests.append(request)
        answer = self.answers.get(request.operation, {})
        return {"ResponseMetadata": {"HTTPHeaders": {}}, **(answer(request.arguments) if callable(answer) else answer)}

    def named(self, operation: str) -> list[Request]:
        """Return the recorded requests of an operation."""
        return [request for request in self.requests if request.operation == operation]


class _Recorder:
    """Handlers of botocore's events. All tests share the clients, which are slow to create; each sets its own wire."""

    def __init__(self) -> None:
        self.wire = RecordedWire()
        self._arguments: Mapping[str, Any] = {}

    def keep(self, params: Mapping[str, Any], **_: Any) -> None:
        self._arguments = dict(params)

    def answer(self, model: Any, params: Mapping[str, Any], **_: Any) -> tuple[Any, Mapping[str, Any]]:
        answer = self.wire.answer(Request(model.name, self._arguments, params["url"], model))
        return SimpleNamespace(status_code=200), answer


class _RecordedHook(BedrockDistillHook):
    """The real hook. All its clients, also those with other timeouts, send their calls to a recorder."""

    def __init__(self) -> None:
        super().__init__(None, "us-east-1")
        self.recorder = _Recorder()
        self._recorded: set[int] = set()

    def client(self, service: str, extra_seconds: int = 0) -> Any:
        client = super().client(service, extra_seconds)
        if id(client) not in self._recorded:
            self._recorded.add(id(client))
            client.meta.events.register("provide-client-params.*.*", self.recorder.keep)
            client.meta.events.register("before-call.*.*", self.recorder.answer)
        return client


@functools.cache
def _recorded_hook() -> tuple[BedrockDistillHook, _Recorder]:
    hook = _RecordedHook()
    return hook, hook.recorder


def not_found(operation: str) -> Callable[[Any], Any]:
    """Return a function that raises the error for a resource that does not exist."""

    def refuse(_: Any) -> Any:
        raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "gone"}}, operation)

    return refuse


def anthropic_reply(text: str) -> dict[str, Any]:
    """Return a response of InvokeModel in the format of Anthropic's models."""
    usage = {"input_tokens": 5, "output_tokens": 3}
    body = {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "usage": usage}
    return {"body": io.BytesIO(json.dumps(body).encode()), "contentType": "application/json"}


def converse_reply(text: str) -> dict[str, Any]:
    """Return a response of Converse."""
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 5, "outputTokens": 3, "totalTokens": 8},
    }
