"""Give the hooks mutated responses of Bedrock, parsed by botocore, and check that each is read or named as an error."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

import botocore.session
from botocore.model import OperationModel, Shape
from botocore.parsers import create_parser
from botocore.validate import ParamValidator

from bedrock_distill.hooks.account import AccountHook
from bedrock_distill.hooks.batch_jobs import BatchJobRequest, BatchJobs
from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.evaluations import EvaluationJobRequest, EvaluationJobs
from bedrock_distill.hooks.prompt_optimizations import OptimizationJobRequest, PromptOptimizationJobs
from include.distill.config.catalog import load_catalog
from include.distill.core.errors import ServiceError
from include.distill.inference.requests import ModelRequest
from tools.fuzz.contract import Target, require

_ARN = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-micro-v1:0/abc"
_DEEPEST = 6  # shapes can contain themselves
_PURCHASE = SimpleNamespace(name="x", parameters=dict)


@cache
def _request() -> ModelRequest:
    model = load_catalog().model("claude-haiku-4-5")
    return ModelRequest(model=model, identity=model.inference_id, invoke_id=model.inference_id, user="u", max_tokens=64)


# What the hooks do with the response of each operation of Bedrock whose response they read.
_READERS: dict[str, Callable[[BedrockDistillHook], object]] = {
    "GetModelCustomizationJob": lambda hook: hook.find_job("x"),
    "GetProvisionedModelThroughput": lambda hook: hook.find_throughput("x"),
    "ListProvisionedModelThroughputs": lambda hook: hook.list_throughputs(),
    "ListCustomModels": lambda hook: hook.list_custom_models(),
    "GetCustomModel": lambda hook: hook.training_data_of_model("x"),
    "GetCustomModelDeployment": lambda hook: hook.find_deployment("x"),
    "ListCustomModelDeployments": lambda hook: hook.list_deployments(),
    "ListTagsForResource": lambda hook: hook.tags("x"),
    "GetFoundationModel": lambda hook: (hook.foundation_model("x"), hook.is_simulated("x"), hook.simulated_day("x")),
    "GetFoundationModelAvailability": lambda hook: hook.model_availability("x"),
    "GetInferenceProfile": lambda hook: AccountHook.profile_status(cast("AccountHook", hook), "x"),
    "GetModelInvocationJob": lambda hook: BatchJobs(hook).get("x"),
    "ListModelInvocationJobs": lambda hook: BatchJobs(hook).find("no such job"),
    "CreateModelInvocationJob": lambda hook: BatchJobs(hook).create(cast("BatchJobRequest", _PURCHASE)),
    "GetEvaluationJob": lambda hook: EvaluationJobs(hook).get("x"),
    "ListEvaluationJobs": lambda hook: list(EvaluationJobs(hook).list()),
    "CreateEvaluationJob": lambda hook: EvaluationJobs(hook).create(cast("EvaluationJobRequest", _PURCHASE)),
    "BatchDeleteEvaluationJob": lambda hook: EvaluationJobs(hook).delete([_ARN]),
    "GetAdvancedPromptOptimizationJob": lambda hook: PromptOptimizationJobs(hook).get("x"),
    "ListAdvancedPromptOptimizationJobs": lambda hook: list(PromptOptimizationJobs(hook).list()),
    "CreateAdvancedPromptOptimizationJob": lambda hook: PromptOptimizationJobs(hook).create(
        cast("OptimizationJobRequest", _PURCHASE)
    ),
    "CountTokens": lambda hook: hook.count_tokens(_request()),
    "BatchDeleteAdvancedPromptOptimizationJob": lambda hook: PromptOptimizationJobs(hook).delete([_ARN]),
}


@cache
def _operations() -> dict[str, OperationModel]:
    session = botocore.session.Session()
    models = [session.get_service_model(service) for service in ("bedrock", "bedrock-runtime")]
    owner = {name: model for model in models for name in model.operation_names}
    return {name: owner[name].operation_model(name) for name in _READERS}


def _parse(operation: OperationModel, body: bytes) -> dict[str, Any]:
    response = {"body": body, "headers": {}, "status_code": 200}
    parsed: dict[str, Any] = create_parser("rest-json").parse(response, operation.output_shape)
    return parsed


def _hook(operation: OperationModel, body: bytes) -> BedrockDistillHook:
    """Return a hook whose client answers with ``body``. The second page of a list names no further page."""
    earlier: list[bytes] = []

    def call(**_: object) -> dict[str, Any]:
        page = _parse(operation, body)
        if earlier:
            page.pop("nextToken", None)
        earlier.append(body)
        return page

    hook = BedrockDistillHook()
    method = botocore.xform_name(operation.name)
    service = operation.service_model.service_name
    hook._clients[service, 0] = SimpleNamespace(**{method: call})  # a hook makes its own clients
    return hook


def read_response(body: bytes) -> None:
    """Read a response, whose operation is named in the first line. The hook returns, or raises a named error."""
    name, _, response = body.partition(b"\n")
    operation = _operations().get(name.decode("utf-8", "replace"))
    if operation is None:
        return
    hook = _hook(operation, response)
    if _has_wrong_types(operation, response):
        return
    try:
        _READERS[operation.name](hook)
    except ServiceError as error:
        require(botocore.xform_name(operation.name) in str(error), f"the message does not name the call: {error}")


def _has_wrong_types(operation: OperationModel, body: bytes) -> bool:
    """Return whether an object or a list takes the place of a text or a number, which no service sends."""
    try:
        parsed = _parse(operation, body)
    except Exception:  # the hook has to name whatever botocore raises
        return False
    parsed.pop("ResponseMetadata")
    return "Invalid type" in ParamValidator().validate(parsed, operation.output_shape).generate_report()


def _example(shape: Shape, depth: int = 0) -> object:
    """Return a value of a shape of botocore, with all of its members."""
    kind = shape.type_name
    if depth > _DEEPEST and kind in ("structure", "map", "list"):
        return [] if kind == "list" else {}
    if kind == "structure":
        members = {name: _example(member, depth + 1) for name, member in shape.members.items()}
        return dict([*members.items()][:1]) if getattr(shape, "is_tagged_union", False) else members
    if kind == "list":
        return [_example(shape.member, depth + 1)]
    if kind == "map":
        return {"key": _example(shape.value, depth + 1)}
    simple: dict[str, object] = {"timestamp": "2026-11-28T06:00:00Z", "boolean": True}
    number = {"integer": 3, "long": 3, "float": 1.5, "double": 1.5}
    return simple.get(kind, number.get(kind, next(iter(shape.enum or [_ARN])) if kind == "string" else "x"))


def _seeds() -> tuple[bytes, ...]:
    examples = {name: _example(operation.output_shape) for name, operation in _operations().items()}
    return tuple(f"{name}\n{json.dumps(example)}".encode() for name, example in examples.items())


TARGETS = (Target("api", read_response, _seeds(), tuple(name.encode() for name in _READERS), share=2),)
