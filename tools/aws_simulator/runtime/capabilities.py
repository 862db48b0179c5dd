"""
Fit a request to its model: apply the additional fields, and refuse what the model cannot do.

AWS's model cards say what each model cannot do. The source of each message is stated at its check.
InvokeModel returns the messages of Anthropic's models unchanged. Converse puts "The model returned the following
errors" before them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema

from tools.aws_simulator.catalog.catalog import Model
from tools.aws_simulator.models.conversation import Text
from tools.aws_simulator.protocol.errors import AccessDeniedException, ValidationException
from tools.aws_simulator.runtime.additional_fields import with_additional_fields
from tools.aws_simulator.runtime.file_checks import check_files
from tools.aws_simulator.runtime.requests import InferenceRequest, ModelRefusal, malformed, model_errors
from tools.aws_simulator.runtime.thinking import check_signatures, check_thinking

_TITAN_STOP_SEQUENCE = r"^(\|+|User:)$"
_EFFORTS = ("low", "medium", "high", "xhigh", "max")


def for_model(model: Model, request: InferenceRequest) -> InferenceRequest:
    """Return the request as the model runs it.

    :raises ApiError: the model cannot answer the request.
    """
    with model_errors(through_converse=request.through_converse):
        request = with_additional_fields(model, request)
        for check in (
            _check_system,
            check_files,
            _check_model,
            _check_tools,
            _check_schema,
            _check_cache,
            _check_sampling,
            _check_length,
        ):
            check(model, request)
        check_thinking(model, request)
        _check_effort(model, request)
        _check_last_turn(model, request)
        check_signatures(model, request)
    return request


def _check_model(model: Model, request: InferenceRequest) -> None:
    """
    Check the model that a body of chat completions names.

    "If you include the model ID in the request body, it must match the model ID in the header":
    https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-openai.html. The text of the error message is
    UNVERIFIED.
    """
    if request.named_model not in (None, model.id, *model.profile_ids):
        raise malformed(f"#/model: {request.named_model!r} is not the model of the request, {model.id!r}")


def _check_system(model: Model, request: InferenceRequest) -> None:
    """Check that the model takes a system prompt. Public repositories quote the message."""
    if request.conversation.system and not model.system:
        raise ValidationException(
            "This model doesn't support system messages. Try again without a system message or use a model that"
            " supports system messages."
        )


def _check_tools(model: Model, request: InferenceRequest) -> None:
    """
    Check the tools.

    https://github.com/strands-agents/harness-sdk/issues/1241 quotes the message about an unsupported ``toolChoice``.
    Public repositories quote the messages of Anthropic's models. For other models, the messages about duplicate and
    unknown tools are UNVERIFIED.
    """
    tools, choice = request.conversation.tools, request.conversation.tool_choice
    if not tools:
        if choice not in ("auto", "none"):
            raise ModelRefusal("tool_choice may only be specified while providing tools.")
        return
    if not model.tools:
        raise ValidationException("This model doesn't support tool use.")
    names = [tool.name for tool in tools]
    if len(set(names)) < len(names):
        raise ModelRefusal("tools: Tool names must be unique.")
    for number, tool in enumerate(tools):
        _check_tool_schema(number, tool.schema, model, request)
    kind = choice if choice in ("auto", "any", "none") else "tool"
    if kind == "tool" and choice not in names:
        raise ModelRefusal(f"Tool '{choice}' not found in provided tools")
    if kind != "none" and kind not in model.tool_choices:
        if model.body == "anthropic":
            raise ModelRefusal('tool_choice: type "tool" and "any" are not supported for this model.')
        field = f"toolConfig.toolChoice.{kind}"
        raise ValidationException(f"This model doesn't support the {field} field. Remove {field} and try again.")


def _check_tool_schema(number: int, schema: Any, model: Model, request: InferenceRequest) -> None:
    """
    Check the JSON schema of a tool's input.

    Three messages are known from error reports in public repositories: those of Converse about a type other than
    ``object`` and about a value that is not a JSON object (https://github.com/aws/aws-sdk-net/issues/3377), and that of
    Anthropic's models about an invalid schema. The wording of the others is UNVERIFIED.
    """
    field = f"toolConfig.tools.{number}.toolSpec.inputSchema.json"
    if not isinstance(schema, dict) and request.through_converse:
        text = f"The format of the value at {field} is invalid. Provide a json object for the field and try again."
        raise ValidationException(text)
    is_object = isinstance(schema, dict) and schema.get("type") == "object"
    if not is_object and request.through_converse:
        raise ValidationException(f"The value at {field}.type must be one of the following: object.")
    if not is_object and model.body == "anthropic":
        raise ModelRefusal(f"tools.{number}.custom.input_schema.type: Input should be 'object'")
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        if model.body == "anthropic":
            raise ModelRefusal(
                f"tools.{number}.custom.input_schema: JSON schema is invalid. It must match JSON Schema draft 2020-12"
                " (https://json-schema.org/draft/2020-12)."
            ) from error
        raise ValidationException(f"The value at {field} is not a valid JSON schema: {error.message}") from error


def _check_schema(model: Model, request: InferenceRequest) -> None:
    """Check that the model supports structured outputs. Nova and Llama do not, as tests in public repositories show."""
    if request.conversation.schema is None or model.structured_outputs:
        return
    if model.body == "anthropic":
        raise ModelRefusal("output_config.format: Extra inputs are not permitted")
    raise ValidationException("This model doesn't support the outputConfig field. Remove outputConfig and try again.")


def _check_cache(model: Model, request: InferenceRequest) -> None:
    """
    Check the cache checkpoints.

    Sources of the error messages:

    - The model has no cache: https://github.com/strands-agents/harness-sdk/pull/1807
    - A checkpoint is in a field where none is allowed: https://github.com/earendil-works/pi/issues/2053
    - There are too many checkpoints, or their TTLs are in the wrong order: Anthropic's API returns these messages.
    - The model does not support the TTL: this message is UNVERIFIED.
    """
    marked = [prefix for prefix in request.prefixes if prefix.ttl]
    if not marked:
        return
    limits = model.prompt_cache
    if limits is None:
        raise AccessDeniedException(
            "You invoked an unsupported model or your request did not allow prompt caching. See the documentation for"
            " more information."
        )
    if misplaced := [prefix for prefix in marked if prefix.field not in limits.fields]:
        raise malformed(f"#/{misplaced[0].field}: extraneous key [cachePoint] is not permitted")
    if len(marked) > limits.checkpoints:
        raise ModelRefusal(
            f"A maximum of {limits.checkpoints} blocks with cache_control may be provided. Found {len(marked)}."
        )
    if unsupported := [prefix.ttl for prefix in marked if prefix.ttl not in limits.ttls]:
        raise ModelRefusal(f"cache_control.ttl: '{unsupported[0]}' is not supported for this model")
    ttls = [prefix.ttl for prefix in marked]
    if "5m" in ttls and "1h" in ttls[ttls.index("5m") :]:
        raise ModelRefusal(
            "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. Note that blocks are"
            " processed in the following order: `tools`, `system`, `messages`."
        )


def _check_sampling(model: Model, request: InferenceRequest) -> None:
    """
    Check the sampling values.

    Public repositories quote the messages about temperature. The message about the maximum number of tokens is in
    https://github.com/aws-solutions-library-samples/accelerated-intelligent-document-processing-on-aws/issues/204
    """
    given = {"temperature": request.temperature, "top_p": request.top_p, "top_k": request.top_k}
    for name, value in given.items():
        if not model.temperature and value is not None and (name == "top_k" or value != 1):
            raise ModelRefusal(f"`{name}` is deprecated for this model.")
    if not model.temperature_with_top_p and None not in (request.temperature, request.top_p):
        raise ModelRefusal("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")
    if model.body == "anthropic" and not all(stop.strip() for stop in request.stop_sequences):
        # https://github.com/BerriAI/litellm/issues/3286
        raise ModelRefusal("stop_sequences: each stop sequence must contain non-whitespace")
    for stop in request.stop_sequences if model.body == "titan" else ():
        if not re.fullmatch(_TITAN_STOP_SEQUENCE, stop):  # public repositories quote the message
            raise malformed(f"string [{stop}] does not match pattern {_TITAN_STOP_SEQUENCE}")
    maximum = model.max_output_tokens
    if request.max_tokens is not None and request.max_tokens > maximum:
        advice = f" Try again with a maximum tokens value that is lower than {maximum}."
        raise ValidationException(
            f"The maximum tokens you requested exceeds the model limit of {maximum}."
            f"{advice if request.through_converse else ''}"
        )


def _check_length(model: Model, request: InferenceRequest) -> None:
    """Check the length of the prompt. From these messages, strands-agents recognizes that the context is full."""
    tokens, limit = request.conversation.input_tokens, model.context_tokens
    if limit is None or tokens <= limit:
        return
    raise ModelRefusal(
        {
            "anthropic": f"prompt is too long: {tokens} tokens > {limit} maximum",
            "nova": "Input Tokens Exceeded: Number of input tokens exceeds maximum length. Please update the input to"
            " try again.",
        }.get(
            model.body, f"This model's maximum context length is {limit} tokens. Please reduce the length of the prompt"
        )
    )


def _check_effort(model: Model, request: InferenceRequest) -> None:
    """Check the effort. Source: https://github.com/anthropics/claude-code-action/issues/1005."""
    if request.effort is None:
        return
    if model.body == "anthropic" and "adaptive" not in model.thinking:
        raise ModelRefusal("output_config.effort: Extra inputs are not permitted")
    if model.body in ("nova", "llama", "titan"):
        raise ValidationException(
            "This model doesn't support the outputConfig field. Remove outputConfig and try again."
        )
    if request.effort not in _EFFORTS:
        expected = ", ".join(f"'{effort}'" for effort in _EFFORTS[:-1])
        raise ModelRefusal(f"output_config.effort: Input should be {expected} or '{_EFFORTS[-1]}'")


def _check_last_turn(model: Model, request: InferenceRequest) -> None:
    """
    Check a conversation whose last message is from the assistant. Such a "prefill" is the beginning of the answer.

    https://github.com/anomalyco/opencode/issues/29760 quotes a message of Anthropic's models. Public repositories quote
    the other messages.
    """
    last = request.conversation.turns[-1]
    if last.role != "assistant":
        return
    if not model.prefill:
        if model.body == "anthropic":
            raise ModelRefusal(
                "This model does not support assistant message prefill. The conversation must end with a user message."
            )
        raise ValidationException(
            "The model that you are using requires the last turn in the conversation to be a user message. Add a user"
            " message to the conversation and try again."
        )
    texts = list(_texts(last.parts))
    if model.body == "anthropic" and texts and texts[-1] != texts[-1].rstrip():
        raise ModelRefusal("messages: final assistant content cannot end with trailing whitespace")


def _texts(parts: tuple[object, ...]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Text):
            yield part.text
