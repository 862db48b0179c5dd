"""
Answer InvokeModel, Converse and CountTokens: find the model, apply quotas and faults, bill the answer.

A request names a model by its id, by an inference profile, or by the ARN of a throughput or of a custom model
deployment. For a wrong name, the error has Bedrock's message: https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
"""

from __future__ import annotations

import asyncio
import functools
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from tools.aws_simulator.account.calls import Call
from tools.aws_simulator.account.faults import Fault
from tools.aws_simulator.account.ledger import Ledger
from tools.aws_simulator.account.quotas import Quotas
from tools.aws_simulator.account.settings import ModelQuota, SettingsStore
from tools.aws_simulator.account.state import State
from tools.aws_simulator.catalog.catalog import Model
from tools.aws_simulator.catalog.regions import COUNT_TOKENS_REGIONS
from tools.aws_simulator.models.conversation import Text
from tools.aws_simulator.models.dialogue import CacheUse, Reply, SimulatedModel, document_of, reply_to
from tools.aws_simulator.models.memory import Memory
from tools.aws_simulator.models.schema_values import UnfillableSchemaError
from tools.aws_simulator.protocol.constraints import summary, violations
from tools.aws_simulator.protocol.errors import (
    ModelErrorException,
    ModelNotReadyException,
    ResourceNotFoundException,
    ValidationException,
)
from tools.aws_simulator.protocol.specification import Specification
from tools.aws_simulator.resources.deployments import Deployments, is_deployment, rate_quota_name
from tools.aws_simulator.resources.foundation_models import END_OF_LIFE, FoundationModels, invalid_model
from tools.aws_simulator.resources.inference_profiles import InferenceProfiles
from tools.aws_simulator.resources.memories import Memories
from tools.aws_simulator.resources.throughput import Throughputs
from tools.aws_simulator.runtime import bodies
from tools.aws_simulator.runtime.additional_fields import checked_pointers, found_fields
from tools.aws_simulator.runtime.capabilities import for_model
from tools.aws_simulator.runtime.chunks import last_delta
from tools.aws_simulator.runtime.converse import read_converse, write_converse
from tools.aws_simulator.runtime.prompt_cache import PromptCaches
from tools.aws_simulator.runtime.requests import InferenceRequest, read_json_body
from tools.aws_simulator.runtime.service_options import converse_options, invoke_options
from tools.aws_simulator.runtime.thinking import shown


@dataclass(frozen=True)
class Target:
    """
    The model that answers a request.

    :param weights: the weights of a custom model; None for a foundation model.
    :param memory: what a custom model remembers of its training file; None for a foundation model.
    :param quota_names: the names under which the rate quota of the model may be set.
    :param default_quota: the rate quota that applies if none is set; None if the model is not limited.
    """

    model: Model
    weights: dict[str, float] | None
    quota_names: tuple[str, ...]
    memory: Memory | None = None
    default_quota: ModelQuota | None = None


class Charge(NamedTuple):
    """What to bill for an answer: the arguments of :meth:`Ledger.bill`."""

    model_id: str
    document: str | None
    input_tokens: int
    output_tokens: int


class Inference:
    """The operations that run a model."""

    def __init__(
        self,
        state: State,
        settings: SettingsStore,
        models: FoundationModels,
        profiles: InferenceProfiles,
        throughputs: Throughputs,
        deployments: Deployments,
        ledger: Ledger,
    ) -> None:
        self._state = state
        self._settings = settings
        self._models = models
        self._profiles = profiles
        self._throughputs = throughputs
        self._deployments = deployments
        self._ledger = ledger
        self._quotas = Quotas(settings)
        self._prompt_caches = PromptCaches()
        self._memories = Memories(state)

    async def invoke_model(self, call: Call) -> dict[str, Any]:
        """Handle InvokeModel."""
        started, model_id = time.monotonic(), call.arguments["modelId"]
        target = self.target(call.region, model_id)
        options = invoke_options(target.model, call.region, call.arguments)
        request = bodies.READERS[target.model.body](read_json_body(call.arguments["body"]))
        answer = await self._run(target, request, call)
        body = bodies.WRITERS[target.model.body](answer, target.model.id, secrets.token_hex(12))
        headers = {
            **token_headers(answer),
            "x-amzn-bedrock-invocation-latency": str(round((time.monotonic() - started) * 1000)),
        }
        content = json.dumps(body, ensure_ascii=False).encode()
        return {"body": content, "contentType": "application/json", "headers": headers, **options}

    async def converse(self, call: Call, *, streamed: bool = False) -> dict[str, Any]:
        """Handle Converse.

        :param streamed: True for ConverseStream, where the request may also name fields of the model's own stream.
        """
        started, model_id = time.monotonic(), call.arguments["modelId"]
        target = self.converse_target(call.region, model_id)
        options = converse_options(target.model, call.region, call.arguments)
        answer = await self._run(target, read_converse(call.arguments), call)
        extra = additional_response_fields(target.model, answer, call.arguments, streamed=streamed)
        return {**write_converse(answer, round((time.monotonic() - started) * 1000)), **options, **extra}

    def count_tokens(self, call: Call) -> dict[str, Any]:
        """Handle CountTokens, which costs nothing and uses up no rate quota."""
        model = self._counting_model(call.region, call.arguments["modelId"])
        given = call.arguments["input"]
        if "converse" in given:
            request = read_converse(given["converse"])
        else:
            request = bodies.READERS[model.body](read_json_body(given["invokeModel"]["body"]))
        return {"inputTokens": for_model(model, request).conversation.input_tokens}

    def _counting_model(self, region: str, model_id: str) -> Model:
        """
        Return the model whose tokens CountTokens counts.

        CountTokens takes the id or the ARN of a foundation model, even if on-demand requests must name a profile of the
        model. CountTokens refuses inference profiles: https://github.com/pydantic/pydantic-ai/issues/4001 and
        https://github.com/Boise-State-Development/agentcore-public-stack/pull/430

        :raises ApiError: the model does not exist, is retired, or does not support CountTokens in this Region.
        """
        entry = self._models.find(region, model_id)
        is_custom = ":provisioned-model/" in model_id or is_deployment(model_id)
        is_other_kind = is_custom or self._profiles.find_model(region, model_id)
        if entry is None and not is_other_kind:
            raise invalid_model(model_id)
        if entry and self._models.status(entry) == "RETIRED":
            raise ResourceNotFoundException(END_OF_LIFE)
        if entry is None or entry.customization or not entry.model.count_tokens or region not in COUNT_TOKENS_REGIONS:
            raise ValidationException("The provided model doesn't support counting tokens.")
        return entry.model

    def answer_record(
        self, region: str, model_id: str, invocation_type: str, model_input: dict[str, Any]
    ) -> tuple[dict[str, Any], Charge]:
        """
        Return the ``modelOutput`` for one record of a batch job, and what to bill for it.

        No rate quota applies. The caller bills the charge; this method bills nothing.

        :raises ApiError: the record cannot be answered. An on-demand call would fail with the same message.
        """
        target = self.on_demand(region, model_id)
        if invocation_type == "Converse":
            if "toolConfig" in model_input:  # https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference.html
                raise ValidationException("Batch inference doesn't support toolConfig in records of the type Converse.")
            _check_converse(model_input)
            request = read_converse(model_input)
        else:
            request = bodies.READERS[target.model.body](model_input)
        answer, charge = _answer_offline(target, model_id, for_model(target.model, request))
        if invocation_type == "Converse":
            return write_converse(answer, 0), charge
        return bodies.WRITERS[target.model.body](answer, target.model.id, secrets.token_hex(12)), charge

    def check_prompt_arguments(self, region: str, model_id: str, arguments: Mapping[str, Any]) -> None:
        """Check whether the model of an evaluation job can be asked with these arguments of Converse.

        :raises ApiError: a call of Converse would be refused.
        """
        self._prompt_request(region, model_id, "prompt", arguments)

    def answer_prompt(
        self, region: str, model_id: str, prompt: str, arguments: Mapping[str, Any]
    ) -> tuple[str, Charge]:
        """
        Return the model's answer to a prompt of an evaluation job, and what to bill for it.

        No rate quota applies. The caller bills the charge; this method bills nothing.

        :param arguments: arguments of Converse other than the messages.
        :raises ApiError: the prompt cannot be answered. An on-demand call would fail with the same message.
        """
        target, request = self._prompt_request(region, model_id, prompt, arguments)
        answer, charge = _answer_offline(target, model_id, request)
        return answer.text, charge

    def _prompt_request(
        self, region: str, model_id: str, prompt: str, arguments: Mapping[str, Any]
    ) -> tuple[Target, InferenceRequest]:
        target = self.converse_target(region, model_id)
        model_input = {"messages": [{"role": "user", "content": [{"text": prompt}]}], **arguments}
        _check_converse(model_input)
        converse_options(target.model, region, model_input)
        return target, for_model(target.model, read_converse(model_input))

    def converse_target(self, region: str, model_id: str) -> Target:
        """Return the model that answers Converse.

        :raises ApiError: the model does not exist, or Converse cannot use it by this id or ARN.
        """
        entry = self._models.find(region, model_id)
        if entry is not None and entry.customization is not None:
            raise ResourceNotFoundException("Model not found.")
        return self.target(region, model_id)

    def target(self, region: str, model_id: str) -> Target:
        """Return the model that answers InvokeModel and CountTokens.

        :raises ApiError: the model does not exist, or requests cannot use it by this id or ARN.
        """
        if ":provisioned-model/" in model_id:
            return self._provisioned(region, model_id)
        if is_deployment(model_id):
            return self._deployed(region, model_id)
        return self.on_demand(region, model_id)

    def on_demand(self, region: str, model_id: str) -> Target:
        """Return the model that a model id or an inference profile refers to.

        :raises ApiError: the model does not exist, is retired, or cannot be used on demand by this id or ARN.
        """
        profile = self._profiles.find_model(region, model_id)
        entry = profile or self._models.find(region, model_id)
        if entry is None:
            raise invalid_model(model_id)
        if self._models.status(entry) == "RETIRED":
            raise ResourceNotFoundException(END_OF_LIFE)
        if entry.customization or (entry.model.profiles_only and not profile):
            raise ValidationException(
                f"Invocation of model ID {model_id} with on-demand throughput isn't supported. Retry your request with"
                " the ID or ARN of an inference profile that contains this model."
            )
        model = entry.model
        return Target(model, None, (model_id, *model.profile_ids, model.id, model.key))

    def _provisioned(self, region: str, arn: str) -> Target:
        throughput = self._state.throughputs.find(region, arn)
        if throughput is None:
            raise ResourceNotFoundException(
                f"Could not resolve the foundation model from the model identifier: {arn}. It may have been deleted."
            )
        status = self._throughputs.status(throughput)
        if status == "Creating":
            raise ModelNotReadyException("The model is not ready for inference. Wait until it is in service.")
        if status == "Failed":
            raise ModelErrorException("The provisioned throughput failed and serves no model.")
        custom = self._state.custom_models.find(region, self._throughputs.serving(throughput))
        base_arn = custom.body["baseModelArn"] if custom else throughput.body["foundationModelArn"]
        entry = self._models.find(region, base_arn)
        if entry is None:
            raise ResourceNotFoundException(f"Could not resolve the foundation model from the identifier {base_arn}.")
        if self._models.status(entry) == "RETIRED":
            raise ResourceNotFoundException(END_OF_LIFE)
        if custom is None:
            return Target(entry.model, None, (arn,))
        return Target(entry.model, custom.body["weights"], (arn,), self._memories.load(custom.arn))

    def _deployed(self, region: str, arn: str) -> Target:
        custom = self._deployments.model(region, arn)
        entry = self._models.find(region, custom.body["baseModelArn"])
        if entry is None or self._models.status(entry) == "RETIRED":
            raise ResourceNotFoundException(END_OF_LIFE)
        limits = entry.customization.deployment if entry.customization else None
        quota = ModelQuota(rpm=limits.requests_per_minute, tpm=limits.tokens_per_minute) if limits else None
        names = (arn, rate_quota_name(entry.model.key))
        return Target(entry.model, custom.body["weights"], names, self._memories.load(custom.arn), quota)

    async def _run(self, target: Target, request: InferenceRequest, call: Call) -> Reply:
        model, model_id = target.model, call.arguments["modelId"]
        checked_pointers(call.arguments.get("additionalModelResponseFieldPaths", ()))
        request = for_model(model, request)
        max_tokens = request.max_tokens or model.max_output_tokens
        reserved = self._quotas.reserve(
            target.quota_names, request.conversation.input_tokens + max_tokens, target.default_quota
        )
        if self._settings.current.latency_ms:
            await asyncio.sleep(self._settings.current.latency_ms / 1000)
        # Run in a thread, because a long document would block the event loop and every waiting call.
        try:
            answer = await asyncio.to_thread(_answer, target, request, max_tokens)
        except ValidationException:
            reserved.settle(0)
            raise
        answer = _apply_fault(answer, call.fault)
        if model.prompt_cache:
            cache = self._prompt_caches.use(f"{call.region} {model.id}", request.prefixes, model.prompt_cache)
            answer = replace(answer, cache=cache)
        # Tokens that are read from the prompt cache do not count towards the quota:
        # https://docs.aws.amazon.com/bedrock/latest/userguide/quotas-token-burndown.html
        read, written = (answer.cache.read, answer.cache.written) if answer.cache else (0, 0)
        reserved.settle(answer.input_tokens - read + answer.output_tokens * model.output_burndown)
        document = document_of(request.conversation.user)
        self._ledger.bill(
            model_id, document, answer.uncached_tokens, answer.output_tokens, cache_read=read, cache_written=written
        )
        return answer


_specification = functools.cache(Specification)


def _check_converse(model_input: dict[str, Any]) -> None:
    """
    Refuse the input of a batch job's record if it breaks a constraint that the service model has for Converse.

    Also refuse an input with ``modelId``, because the job names the model for all records.
    """
    if "modelId" in model_input:
        raise ValidationException("modelId: Extra inputs are not permitted")
    if broken := list(violations(_specification().operation("Converse").input_shape, {**model_input, "modelId": "m"})):
        raise ValidationException(summary(broken))


def token_headers(answer: Reply) -> dict[str, str]:
    """Return the headers with the numbers of tokens of an InvokeModel response."""
    counts = {"input": answer.uncached_tokens, "output": answer.output_tokens}
    if answer.cache is not None:
        counts |= {"cache-read-input": answer.cache.read, "cache-write-input": answer.cache.written}
    return {f"x-amzn-bedrock-{name}-token-count": str(count) for name, count in counts.items()}


def additional_response_fields(
    model: Model, answer: Reply, arguments: Mapping[str, Any], *, streamed: bool
) -> dict[str, Any]:
    """Return ``additionalModelResponseFields``: the parts of the model's own answer that the request names."""
    paths = arguments.get("additionalModelResponseFieldPaths", ())
    native = bodies.WRITERS[model.body](answer, model.id, secrets.token_hex(12)) if paths else {}
    if streamed and paths:
        native |= last_delta(model.body, native)
    found = found_fields(native, paths)
    return {"additionalModelResponseFields": found} if found else {}


def _answer(target: Target, request: InferenceRequest, max_tokens: int) -> Reply:
    model = SimulatedModel(target.model.provider, target.weights, target.memory)
    try:
        reply = reply_to(model, request.conversation, max_tokens, thinks=request.thinks)
    except (UnfillableSchemaError, RecursionError) as error:
        raise ValidationException(
            f"The AWS simulator could not make an answer that follows the JSON schema of the request: {error}. Nothing"
            " was billed. A model on AWS might answer. To get an answer from the simulator, simplify the schema."
        ) from error
    reply = shown(target.model, request, reply)
    matches = [(reply.text.find(stop), stop) for stop in request.stop_sequences if stop and stop in reply.text]
    if not matches:
        return reply
    position, stop = min(matches)
    return reply.cut(reply.text[:position], "stop_sequence", stop)


def _answer_offline(target: Target, model_id: str, request: InferenceRequest) -> tuple[Reply, Charge]:
    """Return the answer to a request of a job, and what to bill for it."""
    answer = _answer(target, request, request.max_tokens or target.model.max_output_tokens)
    # Jobs cache no prompts (UNVERIFIED), but their answers still state the number of cached tokens, 0.
    answer = replace(answer, cache=CacheUse() if target.model.prompt_cache else None)
    return answer, Charge(model_id, document_of(request.conversation.user), answer.input_tokens, answer.output_tokens)


def _apply_fault(reply: Reply, fault: Fault | None) -> Reply:
    """Apply a fault rule to a reply: remove the characters that structure JSON, or cut the reply in half."""
    if fault and fault.kind == "malformed_answer":
        text = reply.text.translate(str.maketrans("", "", '{}[]"\n'))
        return replace(reply, parts=(Text(text),))
    if fault and fault.kind == "truncated_answer":
        return reply.cut(reply.text[: len(reply.text) // 2], "max_tokens")
    return reply
