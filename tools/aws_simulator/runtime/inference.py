"""
InvokeModel, Converse and CountTokens: who is asked, whether it may answer now, what it says, what it costs.

A model is asked by its id, by an inference profile, or by the ARN of a throughput that serves it. Who asks wrongly is
told what Bedrock tells: https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
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

from include.distill.config.catalog import Model
from tools.aws_simulator.account.calls import Call
from tools.aws_simulator.account.faults import Fault
from tools.aws_simulator.account.ledger import Ledger
from tools.aws_simulator.account.quotas import Quotas
from tools.aws_simulator.account.settings import SettingsStore
from tools.aws_simulator.account.state import Resource, State
from tools.aws_simulator.models.dialogue import (
    NotUnderstoodError,
    SimulatedModel,
    answer,
    count_tokens,
    document_of,
)
from tools.aws_simulator.protocol.constraints import summary, violations
from tools.aws_simulator.protocol.errors import (
    ModelErrorException,
    ModelNotReadyException,
    ResourceNotFoundException,
    ValidationException,
)
from tools.aws_simulator.protocol.specification import Specification
from tools.aws_simulator.resources.foundation_models import END_OF_LIFE, INVALID_MODEL, FoundationModels
from tools.aws_simulator.resources.throughput import Throughputs
from tools.aws_simulator.runtime import bodies
from tools.aws_simulator.runtime.bodies import Ask, Said


@dataclass(frozen=True)
class Target:
    """
    Who answers.

    :param quota_names: the names under which a rate quota for it may be set.
    """

    model: Model
    weights: dict[str, float] | None
    quota_names: tuple[str, ...]


class Bill(NamedTuple):
    """What an answer costs, as :meth:`Ledger.bill` takes it."""

    model_id: str
    document: str | None
    input_tokens: int
    output_tokens: int


class Inference:
    """The operations that ask models."""

    def __init__(
        self,
        state: State,
        settings: SettingsStore,
        models: FoundationModels,
        throughputs: Throughputs,
        ledger: Ledger,
    ) -> None:
        self._state = state
        self._settings = settings
        self._models = models
        self._throughputs = throughputs
        self._ledger = ledger
        self._quotas = Quotas(settings)

    async def invoke_model(self, call: Call) -> dict[str, Any]:
        """Handle InvokeModel."""
        started, model_id = time.monotonic(), call.arguments["modelId"]
        target = self._target(call.region, model_id)
        ask = bodies.READERS[target.model.provider](bodies.read_json_body(call.arguments["body"]))
        said = await self._ask(target, ask, model_id, call.fault)
        body = bodies.WRITERS[target.model.provider](said, target.model.foundation_id, secrets.token_hex(12))
        headers = {
            "x-amzn-bedrock-input-token-count": str(said.input_tokens),
            "x-amzn-bedrock-output-token-count": str(said.output_tokens),
            "x-amzn-bedrock-invocation-latency": str(round((time.monotonic() - started) * 1000)),
        }
        content = json.dumps(body, ensure_ascii=False).encode()
        return {"body": content, "contentType": "application/json", "headers": headers}

    async def converse(self, call: Call) -> dict[str, Any]:
        """Handle Converse."""
        started, model_id = time.monotonic(), call.arguments["modelId"]
        if self._is_suffixed(call.region, model_id):
            raise ResourceNotFoundException("Model not found.")
        target = self._target(call.region, model_id)
        said = await self._ask(target, bodies.read_converse(call.arguments), model_id, call.fault)
        return bodies.write_converse(said, round((time.monotonic() - started) * 1000))

    def count_tokens(self, call: Call) -> dict[str, Any]:
        """Handle CountTokens; free, and not counted."""
        target = self._target(call.region, call.arguments["modelId"])
        asked = call.arguments["input"]
        if "converse" in asked:
            ask = bodies.read_converse(asked["converse"])
        else:
            ask = bodies.READERS[target.model.provider](bodies.read_json_body(asked["invokeModel"]["body"]))
        return {"inputTokens": count_tokens(ask.system) + count_tokens(ask.user)}

    def answer_record(
        self, region: str, model_id: str, invocation_type: str, asked: Any
    ) -> tuple[dict[str, Any], Bill]:
        """
        Return the ``modelOutput`` of a batch job's record, and what it costs; nothing is billed and no quota is used.

        :raises ApiError: the record cannot be answered, in the words of the call that it stands for.
        """
        target = self.on_demand(region, model_id)
        if invocation_type == "Converse":
            _check_converse(asked)
            ask = bodies.read_converse(asked)
        else:
            ask = bodies.READERS[target.model.provider](asked)
        _check_capabilities(target.model, ask)
        try:
            said = _answer(target, ask, ask.max_tokens or bodies.UNSET_MAX_TOKENS[target.model.provider])
        except NotUnderstoodError as error:
            raise ValidationException(str(error)) from error
        bill = Bill(model_id, document_of(ask.user), said.input_tokens, said.output_tokens)
        if invocation_type == "Converse":
            return bodies.write_converse(said, 0), bill
        return bodies.WRITERS[target.model.provider](said, target.model.foundation_id, secrets.token_hex(12)), bill

    def _is_suffixed(self, region: str, model_id: str) -> bool:
        entry = self._models.find(region, model_id)
        return entry is not None and entry.customization is not None

    def _target(self, region: str, model_id: str) -> Target:
        if ":provisioned-model/" in model_id:
            return self._provisioned(region, model_id)
        return self.on_demand(region, model_id)

    def on_demand(self, region: str, model_id: str) -> Target:
        """Return who answers for a model id or an inference profile.

        :raises ApiError: no such model, a retired one, or one that is asked otherwise.
        """
        profile = self._models.find_profile(region, model_id)
        entry = profile or self._models.find(region, model_id)
        if entry is None:
            raise ValidationException(INVALID_MODEL)
        if entry.model.lifecycle == "retired":
            raise ResourceNotFoundException(END_OF_LIFE)
        if entry.customization or (entry.profile_only and not profile):
            raise ValidationException(
                f"Invocation of model ID {model_id} with on-demand throughput isn't supported. Retry your request with"
                " the ID or ARN of an inference profile that contains this model."
            )
        model = entry.model
        return Target(model, None, (model_id, model.inference_id, model.foundation_id, model.key))

    def _provisioned(self, region: str, arn: str) -> Target:
        throughput = self._state.find("throughput", region, arn)
        if throughput is None:
            raise ResourceNotFoundException(
                f"Could not resolve the foundation model from the model identifier: {arn}. It may have been deleted."
            )
        status = self._throughputs.status(throughput)
        if status == "Creating":
            raise ModelNotReadyException("The model is not ready for inference. Wait until it is in service.")
        if status == "Failed":
            raise ModelErrorException("The provisioned throughput failed and serves no model.")
        custom = self._custom_model(self._throughputs.serving(throughput))
        base_arn = custom.body["baseModelArn"] if custom else throughput.body["foundationModelArn"]
        entry = self._models.find(region, base_arn)
        if entry is None:
            raise ResourceNotFoundException(f"Could not resolve the foundation model from the identifier {base_arn}.")
        return Target(entry.model, custom.body["weights"] if custom else None, (arn,))

    def _custom_model(self, arn: str) -> Resource | None:
        try:
            return self._state.get(arn)
        except KeyError:
            return None

    async def _ask(self, target: Target, ask: Ask, model_id: str, fault: Fault | None) -> Said:
        _check_capabilities(target.model, ask)
        max_tokens = ask.max_tokens or bodies.UNSET_MAX_TOKENS[target.model.provider]
        input_tokens = count_tokens(ask.system) + count_tokens(ask.user)
        burndown = target.model.output_burndown
        reserved = self._quotas.reserve(target.quota_names, input_tokens + max_tokens)
        if self._settings.current.latency_ms:
            await asyncio.sleep(self._settings.current.latency_ms / 1000)
        try:
            # In a thread, for a long document takes long enough to hold up hundreds of waiting calls.
            said = await asyncio.to_thread(_answer, target, ask, max_tokens)
        except NotUnderstoodError as error:
            reserved.settle(0)
            raise ValidationException(str(error)) from error
        said = _spoilt(said, fault)
        reserved.settle(said.input_tokens + said.output_tokens * burndown)
        self._ledger.bill(model_id, document_of(ask.user), said.input_tokens, said.output_tokens)
        return said


_specification = functools.cache(Specification)


def _check_converse(asked: Any) -> None:
    """Refuse what Converse itself would refuse; a batch job's model stands in the job, never in a record."""
    shape = _specification().operation("Converse").input_shape
    found = list(violations(shape, {**asked, "modelId": "m"})) if shape and isinstance(asked, dict) else ["no object"]
    if "modelId" in asked or found:
        detail = "modelId: Extra inputs are not permitted" if "modelId" in asked else summary(found)
        raise ValidationException(detail)


def _check_capabilities(model: Model, ask: Ask) -> None:
    if not model.temperature and (ask.temperature not in (None, 1) or ask.top_p not in (None, 1)):
        raise ValidationException(
            f"The model {model.foundation_id} does not support non-default temperature and top_p."
        )

    if ask.schema is not None and not model.json_schema:
        raise ValidationException(f"The model {model.foundation_id} does not support structured outputs.")


def _follows(schema: Mapping[str, Any], text: str) -> bool:
    try:
        return _is_valid(json.loads(text), schema)
    except ValueError:
        return False


def _is_valid(value: object, schema: Mapping[str, Any]) -> bool:
    """Check a value against the part of JSON Schema that structured outputs need: objects, arrays, strings, enums."""
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        if not isinstance(value, dict) or not set(schema.get("required", ())) <= set(value) <= set(properties):
            return False
        return all(_is_valid(member, properties[name]) for name, member in value.items())
    if schema.get("type") == "array":
        return isinstance(value, list) and all(_is_valid(item, schema.get("items", {})) for item in value)
    if schema.get("type") == "string" and not isinstance(value, str):
        return False
    return "enum" not in schema or value in schema["enum"]


def _answer(target: Target, ask: Ask, max_tokens: int) -> Said:
    model = SimulatedModel(target.model.provider, target.weights)
    reply = answer(model, ask.system, ask.user, max_tokens, schema=ask.schema)
    said = Said(reply.text, reply.stop_reason, reply.input_tokens, reply.output_tokens)
    if ask.schema is not None and said.stop_reason == "end_turn" and not _follows(ask.schema, said.text):
        raise NotUnderstoodError("The simulated models cannot honour this schema.")
    found = [(said.text.find(stop), stop) for stop in ask.stop_sequences if stop and stop in said.text]
    if not found:
        return said
    position, stop = min(found)
    text = said.text[:position]
    return replace(said, text=text, stop_reason="stop_sequence", stop_sequence=stop, output_tokens=count_tokens(text))


def _spoilt(said: Said, fault: Fault | None) -> Said:
    """Return the answer as a fault rule wants it: without the marks that give it structure, or cut in the middle."""
    if fault and fault.kind == "malformed_answer":
        return replace(said, text=said.text.translate(str.maketrans("", "", '{}[]"\n')))
    if fault and fault.kind == "truncated_answer":
        text = said.text[: len(said.text) // 2]
        return replace(said, text=text, stop_reason="max_tokens", output_tokens=count_tokens(text))
    return said
