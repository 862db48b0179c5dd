"""
Build the API call that sends a request to a model, and read the reply.

Anthropic models are called through InvokeModel, as in the AWS blog post that docs/explanation/method.md describes. All
other models are called through Converse. A model's key ``api`` in ``include/models.yaml`` selects an entry of
:data:`WIRE_FORMATS`. No other module writes or reads these formats. ``max_tokens`` is always sent, because Bedrock
reserves this number of tokens from the quota. Without ``max_tokens``, Bedrock would reserve the model's maximum.

Formats: https://docs.aws.amazon.com/bedrock/latest/userguide/inference-api.html
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, Protocol

from include.distill.config.catalog import ApiName, Model
from include.distill.core.errors import FAILED_TASK, ContractError, PossiblyBilledError, UnreadableAnswerError
from include.distill.core.naming import canonical_hash
from include.distill.inference.answer_endings import ending_of
from include.distill.inference.records import CompletionRecord
from include.distill.text.token_count import token_counts

ANTHROPIC_VERSION = "bedrock-2023-05-31"
# Bedrock ends a request after 60 minutes, so a client does not have to wait longer.
# https://docs.aws.amazon.com/nova/latest/nova2-userguide/important-timeout-configuration.html
MAX_ANSWER_SECONDS = 3600
# What Python raises if a response has another form than the documented one. The last two come from an infinite number
# of tokens and from JSON that is nested too deeply.
_UNKNOWN_FORMAT = (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)


@dataclass(frozen=True)
class ModelRequest:
    """
    One request to a model. The answer is stored under :attr:`key`, so it is paid for only once.

    :param identity: inference id of the model that answers, or ARN of a custom model. It is never the ARN of an
        endpoint: every run creates its own endpoints, so a later run would not find the stored answers.
    :param invoke_id: model id in the API call. For a custom model, this is the ARN of the deployment or provisioned
        throughput that serves it.
    :param max_tokens: maximum length of the answer, in tokens.
    :param sample: 0 for the first request. Each repetition of the request has the next number.
    :param json_schema: JSON schema of the answer, as text. It is not sent to models that do not support structured
        output.
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

    @cached_property
    def estimated_tokens(self) -> tuple[int, int]:
        """
        The central and the conservative estimate of the number of input tokens.

        They are computed only once, because each attempt to send the request uses them.
        """
        return token_counts(f"{self.system}{self.user}")

    @property
    def key(self) -> str:
        """SHA-256 of everything that can change the answer. The answer is stored under this key."""
        temperature = self.temperature if self.model.temperature else None
        parts = [self.identity, self.system, self.user, self.max_tokens, temperature, self.sample]
        # An empty schema is left out, so that requests without a schema keep the keys of their stored answers.
        return canonical_hash([*parts, self.schema] if self.schema else parts)

    def with_line(self, line: str) -> ModelRequest:
        """Return a copy of the request with ``line`` added at the end of the user's message."""
        return replace(self, user=f"{self.user}\n\n{line}")

    @property
    def is_deployed(self) -> bool:
        """Whether a deployment of a custom model answers. Its tokens are billed at the custom model's price."""
        return is_deployment(self.invoke_id)

    @property
    def is_on_demand(self) -> bool:
        """Whether the request is billed by the token. Provisioned throughput is billed by the hour instead."""
        return self.invoke_id == self.model.inference_id or self.is_deployed

    @property
    def writing_seconds(self) -> int:
        """The longest time that the model is expected to need for an answer of ``max_tokens``, in seconds."""
        return min(MAX_ANSWER_SECONDS, math.ceil(self.max_tokens / self.model.slowest_tokens_per_second))

    @property
    def schema(self) -> str:
        """The schema to send. It is empty if the model does not support structured output."""
        return self.json_schema if self.model.json_schema else ""


def is_deployment(invoke_id: str) -> bool:
    """Return whether the model id in an API call is the ARN of a custom model deployment."""
    return ":custom-model-deployment/" in invoke_id


@dataclass(frozen=True)
class Completion:
    """A model's answer and its real token usage. ``simulated`` is true if no real model wrote the answer."""

    text: str
    stop_reason: str
    input_tokens: int
    output_tokens: int
    simulated: bool = False

    def as_record(self) -> CompletionRecord:
        """Return the answer in its stored form."""
        return {
            "text": self.text,
            "stop_reason": self.stop_reason,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "simulated": self.simulated,
        }


class ModelClient(Protocol):
    """A client that sends requests to models. ``BedrockDistillHook`` in ``plugins/`` implements it for Bedrock."""

    def ask(self, request: ModelRequest) -> Completion:
        """Send the request, which costs money, and return the answer.

        :raises ServiceError: the call was throttled or refused, failed temporarily, or returned a response in an
            unknown format.
        """


@dataclass(frozen=True)
class ApiCall:
    """A call to boto3's ``bedrock-runtime`` client: the format of the request and the arguments of the method."""

    api: ApiName
    parameters: dict[str, Any]

    @property
    def operation(self) -> Literal["invoke_model", "converse"]:
        """Name of the method of the boto3 client that sends the request."""
        return "converse" if WIRE_FORMATS[self.api].invocation_type == "Converse" else "invoke_model"


def to_api_call(request: ModelRequest) -> ApiCall:
    """Return the API call that sends ``request``."""
    api, body = request.model.api, to_model_input(request)
    if WIRE_FORMATS[api].invocation_type == "Converse":
        return ApiCall(api, {"modelId": request.invoke_id, **body})
    parameters = {
        "modelId": request.invoke_id,
        "contentType": "application/json",
        "accept": "application/json",
        "body": json.dumps(body, ensure_ascii=False).encode(),
    }
    return ApiCall(api, parameters)


def to_model_input(request: ModelRequest) -> dict[str, Any]:
    """Return the ``modelInput`` of a record in a batch job: the body of the API call, without the model's id."""
    return WIRE_FORMATS[request.model.api].write(request)


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


def _converse_body(request: ModelRequest) -> dict[str, Any]:
    inference: dict[str, Any] = {"maxTokens": request.max_tokens}
    if request.temperature is not None and request.model.temperature:
        inference["temperature"] = request.temperature
    body: dict[str, Any] = {
        "messages": [{"role": "user", "content": [{"text": request.user}]}],
        "inferenceConfig": inference,
    }
    if request.system:
        body["system"] = [{"text": request.system}]
    if request.schema:
        structure = {"jsonSchema": {"schema": request.schema}}
        body["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": structure}}
    return body


def from_simulator(response: Mapping[str, Any]) -> bool:
    """Return whether the AWS simulator sent a response, as boto3 returns it. The simulator marks all its responses."""
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return bool(headers.get("x-simulated") == "true")


def simulated_day(response: Mapping[str, Any]) -> str | None:
    """
    Return the day whose models and operations the AWS simulator has, such as ``2025-02-12``.

    :param response: a response, as boto3 returns it.
    :return: ``None`` if AWS sent the response, or if the simulator has the models and operations of today.
    """
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    day = headers.get("x-simulated-as-of")
    return str(day) if day and from_simulator(response) else None


def read_reply(call: ApiCall, response: Mapping[str, Any]) -> Completion:
    """Read the response of an API call.

    :param response: the response, as boto3 returns it.
    :raises PossiblyBilledError: the response was cut off or is empty, for example after a network failure.
    :raises UnreadableAnswerError: the response does not have the documented format. The call was billed.
    """
    wire_format = WIRE_FORMATS[call.api]
    try:
        body = response if call.operation == "converse" else _parse_body(call, response["body"].read())
        if response.keys() == {"ResponseMetadata"}:  # botocore does not report a body that is not valid JSON
            raise _cut_off(call, "it has no content")
        return replace(wire_format.read(body), simulated=from_simulator(response))
    except (*_UNKNOWN_FORMAT, ContractError) as error:  # a response of a hook raises the last for a field that it lacks
        raise UnreadableAnswerError(
            f"The response of {call.parameters['modelId']} to {call.operation} has an unknown format ({error!r}). The"
            " call was billed, but the answer could not be read and is not stored.",
            to_do="Report the error as a bug, and wait until it is corrected.",
            then_clear=FAILED_TASK,
            effect="pays for the call again",
        ) from error


def _parse_body(call: ApiCall, body: bytes) -> Any:
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        if not body.strip() or body.lstrip().startswith(b"{"):
            raise _cut_off(call, repr(error)) from error
        raise


def _cut_off(call: ApiCall, reason: str) -> PossiblyBilledError:
    return PossiblyBilledError(
        f"The response of {call.parameters['modelId']} to {call.operation} was cut off ({reason}).",
        billed="AWS may bill the call, although no answer is stored.",
        then_clear=FAILED_TASK,
        effect="sends the request again, and perhaps pays for it again",
    )


def read_model_output(model: Model, output: Mapping[str, Any], *, simulated: bool) -> Completion:
    """Read the ``modelOutput`` of a record in a batch job.

    :raises ContractError: the output does not have the documented format. The record was billed.
    """
    wire_format = WIRE_FORMATS[model.api]
    try:
        return replace(wire_format.read(output), simulated=simulated)
    except _UNKNOWN_FORMAT as error:
        message = (
            f"The output of {model.key} has an unknown format ({error!r}). The record was billed, but the answer could"
            " not be read and is not stored. The request is sent again on demand."
        )
        raise ContractError(message) from error


def _read_anthropic(body: Mapping[str, Any]) -> Completion:
    content = _content(body, body["stop_reason"])
    return Completion(
        text=without_lone_surrogates("".join(block["text"] for block in content if block["type"] == "text")),
        stop_reason=without_lone_surrogates(str(body["stop_reason"])),
        input_tokens=_token_count(body["usage"]["input_tokens"]),
        output_tokens=_token_count(body["usage"]["output_tokens"]),
    )


def _read_converse(response: Mapping[str, Any]) -> Completion:
    content = _content(response["output"]["message"], response["stopReason"])
    return Completion(
        text=without_lone_surrogates("".join(block["text"] for block in content if "text" in block)),
        stop_reason=without_lone_surrogates(str(response["stopReason"])),
        input_tokens=_token_count(response["usage"]["inputTokens"]),
        output_tokens=_token_count(response["usage"]["outputTokens"]),
    )


def _content(message: Mapping[str, Any], stop_reason: str | None) -> Sequence[Mapping[str, Any]]:
    """Return the blocks of an answer. In a filtered answer, the list of blocks may be empty or missing."""
    if ending_of(stop_reason, "") == "filtered":
        return message.get("content") or []
    blocks: Sequence[Mapping[str, Any]] = message["content"]
    return blocks


def _token_count(value: Any) -> int:
    """Return a number of tokens. A negative number would lower the bill, and no number is below zero in a response."""
    tokens = int(value)
    if tokens < 0:
        raise ValueError(f"{tokens} tokens")
    return tokens


def without_lone_surrogates(text: str) -> str:
    """Return a text that UTF-8 can encode, with the sign for an unknown character in place of each lone surrogate."""
    # JSON can contain an escaped lone surrogate, which UTF-8 cannot encode. Without this replacement, the answer
    # could not be stored, and every retry would pay for it again.
    return re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text)


@dataclass(frozen=True)
class WireFormat:
    """
    The format of the requests to a model and of the model's answers.

    :param invocation_type: name of the API, as in the ``modelInvocationType`` of a batch job.
    :param write: returns the body of a request, without the model's id.
    :param read: reads the body of an answer, and raises an error if the body does not have the documented format.
    """

    invocation_type: Literal["InvokeModel", "Converse"]
    write: Callable[[ModelRequest], dict[str, Any]]
    read: Callable[[Mapping[str, Any]], Completion]


# A test checks that every ApiName has a format.
WIRE_FORMATS: dict[ApiName, WireFormat] = {
    "anthropic_messages": WireFormat("InvokeModel", _anthropic_body, _read_anthropic),
    "converse": WireFormat("Converse", _converse_body, _read_converse),
}
