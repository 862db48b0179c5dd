"""
One question to one model: Anthropic through InvokeModel (the article's call), all others through Converse.

This module alone knows the two wire formats. ``to_api_call`` says which boto3 method to call with what;
``read_reply`` turns its response into a :class:`Completion`. ``max_tokens`` is always sent: Bedrock reserves it from
the token quota, and its default is the model's maximum.
Formats: https://docs.aws.amazon.com/bedrock/latest/userguide/inference-api.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from include.distill.config.catalog import Model
from include.distill.core.errors import ContractError
from include.distill.core.naming import canonical_hash

ANTHROPIC_VERSION = "bedrock-2023-05-31"


@dataclass(frozen=True)
class ModelRequest:
    """
    One paid question.

    :param identity: whose answer it is: the model's inference id, or a custom model's ARN. Never the throughput's,
        for that changes with every run.
    :param invoke_id: what is called; for a custom model, the throughput that serves it.
    :param sample: 0 for the first ask; a malformed answer is asked again under the next one.
    :param json_schema: what the answer must be, as JSON text; a model that cannot be held to it is asked without.
    """

    model: Model
    identity: str
    invoke_id: str
    user: str
    max_tokens: int
    system: str = ""
    temperature: float | None = None
    sample: int = 0
    json_schema: str = ""

    @property
    def key(self) -> str:
        """sha256 of everything that could change the answer: the identity under which it is stored."""
        asked = [self.identity, self.system, self.user, self.max_tokens, self._temperature, self.sample]
        return canonical_hash([*asked, self.schema] if self.schema else asked)

    @property
    def schema(self) -> str:
        """The schema that the model is held to; empty when it cannot be."""
        return self.json_schema if self.model.json_schema else ""

    @property
    def _temperature(self) -> float | None:
        return self.temperature if self.model.temperature else None


@dataclass(frozen=True)
class Completion:
    """A model's answer with its real usage, in tokens. ``simulated`` when no real model wrote it."""

    text: str
    stop_reason: str
    input_tokens: int
    output_tokens: int
    simulated: bool = False


class ModelClient(Protocol):
    """What asks models; the hook in ``plugins/`` is the one for Bedrock."""

    def ask(self, request: ModelRequest) -> Completion:
        """Ask, pay, and return the answer.

        :raises ServiceError: throttled, transient, refused or broken contract.
        """


@dataclass(frozen=True)
class ApiCall:
    """A method of boto3's ``bedrock-runtime`` client and its arguments."""

    operation: Literal["invoke_model", "converse"]
    parameters: dict[str, Any]


def to_api_call(request: ModelRequest) -> ApiCall:
    """Return the call that asks ``request``."""
    if request.model.api == "anthropic_messages":
        return ApiCall("invoke_model", _invoke_model_parameters(request))
    return ApiCall("converse", _converse_parameters(request))


def to_model_input(request: ModelRequest) -> dict[str, Any]:
    """Return what a record of a batch job holds: the body that a call would send, without the model's id."""
    if request.model.api == "anthropic_messages":
        return _anthropic_body(request)
    return {name: value for name, value in _converse_parameters(request).items() if name != "modelId"}


def _invoke_model_parameters(request: ModelRequest) -> dict[str, Any]:
    return {
        "modelId": request.invoke_id,
        "contentType": "application/json",
        "accept": "application/json",
        "body": json.dumps(_anthropic_body(request), ensure_ascii=False).encode(),
    }


def _anthropic_body(request: ModelRequest) -> dict[str, Any]:
    body: dict[str, Any] = {
        "anthropic_version": ANTHROPIC_VERSION,
        "max_tokens": request.max_tokens,
        "messages": [{"role": "user", "content": [{"type": "text", "text": request.user}]}],
    }
    if request.system:
        body["system"] = request.system
    if request.temperature is not None and request.model.temperature:
        body["temperature"] = request.temperature
    if request.schema:
        body["output_config"] = {"format": {"type": "json_schema", "schema": json.loads(request.schema)}}
    return body


def _converse_parameters(request: ModelRequest) -> dict[str, Any]:
    inference: dict[str, Any] = {"maxTokens": request.max_tokens}
    if request.temperature is not None and request.model.temperature:
        inference["temperature"] = request.temperature
    parameters: dict[str, Any] = {
        "modelId": request.invoke_id,
        "messages": [{"role": "user", "content": [{"text": request.user}]}],
        "inferenceConfig": inference,
    }
    if request.system:
        parameters["system"] = [{"text": request.system}]
    if request.schema:
        structure = {"jsonSchema": {"schema": request.schema}}
        parameters["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": structure}}
    return parameters


def read_reply(call: ApiCall, response: Mapping[str, Any]) -> Completion:
    """Return what the model said.

    :raises ContractError: the response has not the documented shape. It was billed.
    """
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    simulated = headers.get("x-simulated") == "true"
    try:
        if call.operation == "invoke_model":
            return _read_anthropic(json.loads(response["body"].read()), simulated=simulated)
        return _read_converse(response, simulated=simulated)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = (
            f"{call.parameters['modelId']} answered {call.operation} in an unknown shape ({error!r}). The call was"
            " billed; its text could not be read. Asking again pays again."
        )
        raise ContractError(message) from error


def read_model_output(model: Model, output: Mapping[str, Any], *, simulated: bool) -> Completion:
    """Return what the model said in a record of a batch job.

    :raises ContractError: the output has not the documented shape. It was billed.
    """
    read = _read_anthropic if model.api == "anthropic_messages" else _read_converse
    try:
        return read(output, simulated=simulated)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"{model.key} answered in an unknown shape ({error!r}). The record was billed; it could not be read."
        raise ContractError(message) from error


def _read_anthropic(body: Mapping[str, Any], *, simulated: bool) -> Completion:
    return Completion(
        text=_whole_characters("".join(block["text"] for block in body["content"] if block["type"] == "text")),
        stop_reason=str(body["stop_reason"]),
        input_tokens=int(body["usage"]["input_tokens"]),
        output_tokens=int(body["usage"]["output_tokens"]),
        simulated=simulated,
    )


def _read_converse(response: Mapping[str, Any], *, simulated: bool) -> Completion:
    content = response["output"]["message"]["content"]
    return Completion(
        text=_whole_characters("".join(block["text"] for block in content if "text" in block)),
        stop_reason=str(response["stopReason"]),
        input_tokens=int(response["usage"]["inputTokens"]),
        output_tokens=int(response["usage"]["outputTokens"]),
        simulated=simulated,
    )


def _whole_characters(text: str) -> str:
    """Return ``text`` without half characters, which JSON can escape and no UTF-8 can hold.

    A paid answer that cannot be stored would be paid for again by every retry.
    """
    return re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text)
