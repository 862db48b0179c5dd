"""
Read how a model is to think, and check it against the other values of the request.

Rules: https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html and, for Nova 2,
https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html.

Sources of messages: https://github.com/danny-avila/LibreChat/issues/8346 (smallest budget) and
https://github.com/vercel/ai/issues/11227 (forced tools). Public repositories quote the other messages.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tools.aws_simulator.catalog.catalog import Model
from tools.aws_simulator.models.conversation import Part, Thinking, ToolResult
from tools.aws_simulator.models.dialogue import Reply
from tools.aws_simulator.models.reasoning import is_genuine
from tools.aws_simulator.protocol.errors import ValidationException
from tools.aws_simulator.runtime.requests import InferenceRequest, ModelRefusal, ThinkingSettings, fields, malformed

SMALLEST_BUDGET = 1024
_MODES = ("enabled", "adaptive", "disabled")


def read_anthropic_thinking(value: Any) -> ThinkingSettings | None:
    """Read ``thinking`` of an Anthropic request. Converse also accepts it under the name ``reasoning_config``."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ModelRefusal("thinking: Input should be a valid dictionary or object to extract fields from")
    mode, budget, display = value.get("type"), value.get("budget_tokens"), value.get("display")
    if mode not in _MODES:
        raise ModelRefusal(
            f"thinking: Input tag '{mode}' found using 'type' does not match any of the expected tags: 'adaptive',"
            " 'disabled', 'enabled'"
        )
    known = {"enabled": ("type", "budget_tokens", "display"), "adaptive": ("type", "display"), "disabled": ("type",)}
    if extra := sorted(set(value) - set(known[mode])):
        raise ModelRefusal(f"thinking.{mode}.{extra[0]}: Extra inputs are not permitted")
    if mode == "enabled" and budget is None:
        raise ModelRefusal("thinking.enabled.budget_tokens: Field required")
    if budget is not None and (not isinstance(budget, int) or isinstance(budget, bool)):
        raise ModelRefusal("thinking.enabled.budget_tokens: Input should be a valid integer")
    if budget is not None and budget < SMALLEST_BUDGET:
        raise ModelRefusal(
            f"thinking.enabled.budget_tokens: Input should be greater than or equal to {SMALLEST_BUDGET}"
        )
    if display not in (None, "summarized", "omitted"):
        raise ModelRefusal(f"thinking.{mode}.display: Input should be 'summarized' or 'omitted'")
    return ThinkingSettings(mode, budget, display)


def read_nova_thinking(value: Any) -> ThinkingSettings | None:
    """Read ``reasoningConfig`` of a Nova request. Nova does not show the text of its thinking."""
    if value is None:
        return None
    config = fields(value, "#/reasoningConfig", {"type": (str,), "maxReasoningEffort": (str,)}, ("type",))
    if config["type"] not in ("enabled", "disabled"):
        raise malformed(f"#/reasoningConfig/type: {config['type']} is not a valid enum value")
    if config.get("maxReasoningEffort", "low") not in ("low", "medium", "high"):
        raise malformed(
            f"#/reasoningConfig/maxReasoningEffort: {config['maxReasoningEffort']} is not a valid enum value"
        )
    return ThinkingSettings(config["type"], display="omitted")


def check_thinking(model: Model, request: InferenceRequest) -> None:
    """Refuse thinking that the model does not support, or that conflicts with another value of the request."""
    _check_mode(model, request)
    thinking = request.thinking
    if thinking is None or not request.thinks:
        return
    if model.body == "anthropic":
        _check_with_sampling(request)
        limit = request.max_tokens or model.max_output_tokens
        if thinking.budget is not None and limit <= thinking.budget:
            raise ModelRefusal("`max_tokens` must be greater than `thinking.budget_tokens`.")
        if request.conversation.tool_choice not in ("auto", "none"):
            raise ModelRefusal("Thinking may not be enabled when tool_choice forces tool use.")
        _check_last_turn(request)


def _check_mode(model: Model, request: InferenceRequest) -> None:
    thinking = request.thinking
    if thinking is None or thinking.mode in model.thinking:
        return
    if model.body != "anthropic":
        raise malformed("#: extraneous key [reasoningConfig] is not permitted")
    if not model.thinking:
        if thinking.mode != "disabled":
            raise ModelRefusal("thinking: Extra inputs are not permitted")
    elif thinking.mode == "adaptive":
        raise ModelRefusal("adaptive thinking is not supported on this model")
    else:
        raise ModelRefusal(
            f'"thinking.type.{thinking.mode}" is not supported for this model. Use "thinking.type.adaptive" and'
            ' "output_config.effort" to control thinking behavior.'
        )


def _check_with_sampling(request: InferenceRequest) -> None:
    if request.temperature not in (None, 1):
        raise ModelRefusal("`temperature` may only be set to 1 when thinking is enabled.")
    if request.top_p is not None and request.top_p < 0.95:
        raise ModelRefusal("`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.")
    if request.top_k is not None:
        raise ModelRefusal("`top_k` must be unset when thinking is enabled.")


def _check_last_turn(request: InferenceRequest) -> None:
    """Check that the assistant's last turn begins with its thinking, if thinking has the mode ``enabled``.

    A turn is checked only if it ends the conversation, or if the results of its tool calls follow it.
    """
    turns = request.conversation.turns
    called = turns[-1].role == "user" and any(isinstance(part, ToolResult) for part in turns[-1].parts)
    number = len(turns) - (2 if called else 1)
    if not called and turns[-1].role == "user":
        return
    if request.thinking and request.thinking.mode == "enabled" and not isinstance(turns[number].parts[0], Thinking):
        kind = {"Text": "text", "ToolUse": "tool_use"}.get(type(turns[number].parts[0]).__name__, "text")
        raise ModelRefusal(
            f"messages.{number}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{kind}`. When"
            " `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the"
            " lastmost set of `tool_use` and `tool_result` blocks)."
        )


def shown(model: Model, request: InferenceRequest, reply: Reply) -> Reply:
    """
    Return a reply with its thinking as the model shows it.

    Models that think only adaptively leave the text out unless the request asks for it. Nova 2 redacts the text
    (UNVERIFIED). Only Anthropic's models sign their thinking.
    """
    if request.thinking is None or not request.thinks:
        return reply
    default = "summarized" if "enabled" in model.thinking else "omitted"
    text = "[REDACTED]" if model.body == "nova" else "" if (request.thinking.display or default) == "omitted" else None

    def as_shown(part: Part) -> Part:
        if not isinstance(part, Thinking):
            return part
        signature = part.signature if model.body == "anthropic" else ""
        return Thinking(part.text if text is None else text, signature)

    return replace(reply, parts=tuple(as_shown(part) for part in reply.parts))


def check_signatures(model: Model, request: InferenceRequest) -> None:
    """
    Refuse thinking that no simulated model has written, and signatures that the model does not support.

    Only Anthropic's models support signatures. Public repositories quote the messages of both refusals.
    """
    for number, turn in enumerate(request.conversation.turns):
        for place, part in enumerate(turn.parts):
            if isinstance(part, Thinking) and model.body != "anthropic" and part.signature:
                field = "reasoningContent.reasoningText.signature"
                raise ValidationException(
                    f"This model doesn't support the {field} field. Remove {field} and try again."
                )
            if isinstance(part, Thinking) and model.body == "anthropic" and not is_genuine(part):
                raise ModelRefusal(f"messages.{number}.content.{place}: Invalid `signature` in `thinking` block")
