"""
Check the options of a call that concern Bedrock and not the model.

They are guardrails, performance, service tiers, metadata, and the media types of InvokeModel.

Source of the message about guardrails: https://github.com/openclaw/openclaw/pull/58588. Public repositories quote the
message about performance. The messages about service tiers and metadata are UNVERIFIED.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.aws_simulator.catalog.catalog import Model
from tools.aws_simulator.protocol.errors import ValidationException
from tools.aws_simulator.protocol.json_values import read_json

_MOST_METADATA = 16
_EVENT_STREAM = "application/vnd.amazon.eventstream"
_LONGEST_METADATA = 256


def converse_options(model: Model, region: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Check the options of Converse, and return those that the response contains too."""
    _check_guardrail(arguments.get("guardrailConfig", {}).get("guardrailIdentifier"))
    _check_latency(model, region, arguments.get("performanceConfig", {}).get("latency"))
    _check_tier(model, arguments.get("serviceTier", {}).get("type"))
    return {name: arguments[name] for name in ("performanceConfig", "serviceTier") if name in arguments}


def invoke_options(model: Model, region: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Check the options of InvokeModel, which are headers, and return those that the response contains too."""
    _check_guardrail(arguments.get("guardrailIdentifier"))
    _check_latency(model, region, arguments.get("performanceConfigLatency"))
    _check_tier(model, arguments.get("serviceTier"))
    _check_metadata(arguments.get("requestMetadata"))
    _check_media_types(arguments.get("contentType"), arguments.get("accept"))
    return {name: arguments[name] for name in ("performanceConfigLatency", "serviceTier") if name in arguments}


def _check_media_types(content_type: str | None, accept: str | None) -> None:
    """
    Check the media types of a body and of its answer, both of which are JSON for every model of the catalog.

    Source of the message about Content-Type: https://github.com/aws/aws-sdk-ruby/issues/3033. The message about Accept
    is UNVERIFIED. botocore sends application/octet-stream if the caller states no type.
    """
    if content_type and _names(content_type).isdisjoint({"application/json", "application/octet-stream"}):
        raise ValidationException("The provided Content Type is invalid or not supported for this model")
    if accept and _names(accept).isdisjoint({"application/json", "application/*", "*/*", _EVENT_STREAM}):
        raise ValidationException("The provided Accept Type is invalid or not supported for this model")


def _names(media_types: str) -> set[str]:
    return {media_type.partition(";")[0].strip().lower() for media_type in media_types.split(",")}


def _check_guardrail(identifier: str | None) -> None:
    """Refuse every guardrail, because the simulator has no operation that creates one."""
    if identifier:
        raise ValidationException("The provided guardrail identifier is invalid.")


def _check_latency(model: Model, region: str, latency: str | None) -> None:
    if latency == "optimized" and not model.latency_optimized:
        raise ValidationException(f"Latency performance configuration is not supported for {model.id} in {region}")


def _check_tier(model: Model, tier: str | None) -> None:
    if tier is not None and tier not in model.service_tiers:
        raise ValidationException(f"The provided service tier is not supported for this model: {tier}")


def _check_metadata(text: str | None) -> None:
    if text is None:
        return
    try:
        metadata = read_json(text)
    except ValueError:
        metadata = None
    pairs = metadata.items() if isinstance(metadata, dict) else [(None, None)]
    if len(pairs) > _MOST_METADATA or not all(
        isinstance(item, str) and len(item) <= _LONGEST_METADATA for pair in pairs for item in pair
    ):
        raise ValidationException(
            f"requestMetadata must be a JSON object of at most {_MOST_METADATA} strings of at most {_LONGEST_METADATA}"
            " characters."
        )
