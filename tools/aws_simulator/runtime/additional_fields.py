"""
Apply Converse's ``additionalModelRequestFields``, and find ``additionalModelResponseFieldPaths`` in a model's own
answer.

The additional fields are fields of the model's own body for which Converse has no argument:
https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-call.html. Unknown fields reach the model,
which refuses them: https://github.com/BerriAI/litellm/issues/13825 (Anthropic) and
https://github.com/UKGovernmentBEIS/inspect_ai/issues/3939 (Nova). The errors of other models are UNVERIFIED.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tools.aws_simulator.catalog.catalog import Model
from tools.aws_simulator.models.conversation import Tool
from tools.aws_simulator.protocol.errors import ValidationException
from tools.aws_simulator.runtime.requests import InferenceRequest, ModelRefusal, fields
from tools.aws_simulator.runtime.thinking import read_anthropic_thinking, read_nova_thinking

_MAX_TOP_K = {"anthropic": 500, "nova": 128}
_POINTER = re.compile(r"(/([^~/]|~[01])+)+")


def with_additional_fields(model: Model, request: InferenceRequest) -> InferenceRequest:
    """Return the request with its additional fields applied."""
    given = request.additional_fields
    if not given:
        return request
    if not isinstance(given, Mapping):
        raise ValidationException("additionalModelRequestFields must be a JSON object.")
    read = {"anthropic": _anthropic, "nova": _nova, "chat_completions": _chat_completions}.get(model.body, _none)
    return read(request, dict(given))


def checked_top_k(value: Any, body: str) -> int | None:
    """Return ``top_k`` if it is within the model's range."""
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise ModelRefusal("top_k: Input should be a valid integer")
    if not 0 <= value <= _MAX_TOP_K[body]:
        raise ModelRefusal(f"top_k: {value} is not between 0 and {_MAX_TOP_K[body]}")
    return value


def _anthropic(request: InferenceRequest, given: dict[str, Any]) -> InferenceRequest:
    known = {"top_k", "thinking", "reasoning_config", "anthropic_beta", "output_config", "tools", "metadata"}
    if extra := sorted(set(given) - known):
        raise ModelRefusal(f"{extra[0]}: Extra inputs are not permitted")
    tools = [Tool(tool.get("name", ""), "", tool.get("input_schema", {"type": "object"})) for tool in _tools(given)]
    return replace(
        request,
        conversation=replace(request.conversation, tools=(*request.conversation.tools, *tools)),
        top_k=checked_top_k(given.get("top_k"), "anthropic"),
        thinking=read_anthropic_thinking(given.get("thinking", given.get("reasoning_config"))),
        effort=_effort(given) or request.effort,
    )


def _tools(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    tools = given.get("tools", [])
    if not isinstance(tools, list) or not all(isinstance(tool, dict) and "name" in tool for tool in tools):
        raise ModelRefusal("tools.0.name: Field required")
    return tools


def _effort(given: Mapping[str, Any]) -> str | None:
    config = given.get("output_config", {})
    if not isinstance(config, dict):
        raise ModelRefusal("output_config: Input should be a valid dictionary or object to extract fields from")
    return config.get("effort")


def _nova(request: InferenceRequest, given: dict[str, Any]) -> InferenceRequest:
    fields(given, "#", {"inferenceConfig": (dict,), "reasoningConfig": (dict,)})
    config = fields(given.get("inferenceConfig", {}), "#/inferenceConfig", {"topK": (int,)})
    thinking = read_nova_thinking(given.get("reasoningConfig"))
    return replace(request, top_k=checked_top_k(config.get("topK"), "nova"), thinking=thinking)


def _chat_completions(request: InferenceRequest, given: dict[str, Any]) -> InferenceRequest:
    types = {
        "reasoning_effort": (str,),
        "top_k": (int,),
        "seed": (int,),
        "frequency_penalty": (float, int),
        "presence_penalty": (float, int),
        "safe_prompt": (bool,),
    }
    fields(given, "#", types)
    return replace(request, top_k=given.get("top_k"), effort=given.get("reasoning_effort") or request.effort)


def _none(request: InferenceRequest, given: dict[str, Any]) -> InferenceRequest:
    fields(given, "#", {})
    return request


def checked_pointers(paths: Sequence[str]) -> Sequence[str]:
    """Return JSON pointers if they are well-formed. botocore's documentation says that Bedrock refuses all others."""
    for path in paths:
        if not _POINTER.fullmatch(path):
            raise ValidationException(
                f"The additionalModelResponseFieldPaths field has an invalid JSON Pointer: '{path}'. Provide a valid"
                " JSON Pointer and try again."
            )
    return paths


def found_fields(answer: Mapping[str, Any], paths: Sequence[str]) -> dict[str, Any] | None:
    """
    Return the values that JSON pointers find in a model's answer; None if they find nothing.

    The result has the segments of the pointers as keys: ``/a/b`` gives ``{"a": {"b": value}}``.
    """
    found: dict[str, Any] = {}
    for path in paths:
        value: Any = answer
        steps = [step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/")]
        for step in steps:
            if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
                value = value[int(step)]
            else:
                value = value.get(step) if isinstance(value, Mapping) else None
        if value is not None:
            inner = found
            for step in steps[:-1]:
                inner = inner.setdefault(step, {})
            inner[steps[-1]] = value
    return found or None
