"""
Answer ConverseStream and InvokeModelWithResponseStream.

A stream has the answer that Converse or InvokeModel gives, in pieces. The model has answered before the first event is
sent. So every error of the request is an HTTP error, and the whole answer is billed. It is billed even if the client
closes the connection early (Bedrock does the same: https://github.com/BerriAI/litellm/issues/34147) or if a fault ends
the stream (UNVERIFIED).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from tools.aws_simulator.account.calls import Call
from tools.aws_simulator.account.faults import STREAM_ERRORS, Fault
from tools.aws_simulator.account.settings import SettingsStore
from tools.aws_simulator.catalog.catalog import Model
from tools.aws_simulator.protocol.errors import ValidationException
from tools.aws_simulator.protocol.event_stream import Event, EventStream
from tools.aws_simulator.runtime.chunks import CHUNKS
from tools.aws_simulator.runtime.converse_events import converse_events
from tools.aws_simulator.runtime.inference import Inference
from tools.aws_simulator.runtime.pace import Pace

DEFAULT_PAUSE_SECONDS = 60.0
# Sources: https://github.com/aws-samples/amazon-bedrock-client-for-mac/issues/112 (ConverseStream) and
# https://github.com/langchain-ai/langchainjs/issues/2645 (InvokeModelWithResponseStream)
UNSUPPORTED = "The model is unsupported for streaming."
# Source: https://github.com/earendil-works/pi/issues/3739
UNSUPPORTED_TOOLS = "This model doesn't support tool use in streaming mode."
# Headers of InvokeModel. A stream has these values in its last chunk instead.
_METRICS = {
    "x-amzn-bedrock-input-token-count": "inputTokenCount",
    "x-amzn-bedrock-output-token-count": "outputTokenCount",
    "x-amzn-bedrock-invocation-latency": "invocationLatency",
    "x-amzn-bedrock-cache-read-input-token-count": "cacheReadInputTokenCount",
    "x-amzn-bedrock-cache-write-input-token-count": "cacheWriteInputTokenCount",
}


class Streaming:
    """The operations that answer with an event stream."""

    def __init__(self, inference: Inference, settings: SettingsStore) -> None:
        self._inference = inference
        self._pace = Pace(settings)

    async def converse_stream(self, call: Call) -> dict[str, Any]:
        """Handle ConverseStream."""
        model = self._inference.converse_target(call.region, call.arguments["modelId"]).model
        _check_support(model)
        if "toolConfig" in call.arguments and not model.streaming_tools:
            raise ValidationException(UNSUPPORTED_TOOLS)
        response = await self._inference.converse(call, streamed=True)
        events = list(converse_events(response))
        response["metrics"]["latencyMs"] += self._sending_ms(events)  # the last event has the same metrics
        return {"stream": self._stream(events, call.fault)}

    async def invoke_model_with_response_stream(self, call: Call) -> dict[str, Any]:
        """Handle InvokeModelWithResponseStream."""
        model = self._inference.target(call.region, call.arguments["modelId"]).model
        _check_support(model)
        result = await self._inference.invoke_model(call)
        metrics = {
            name: int(result["headers"][header]) for header, name in _METRICS.items() if header in result["headers"]
        }
        metrics["firstByteLatency"] = metrics["invocationLatency"]
        request = json.loads(call.arguments["body"])
        chunks = list(CHUNKS[model.body](json.loads(result["body"]), metrics, request))
        metrics["invocationLatency"] += self._sending_ms(chunks)  # the last chunk has the same metrics
        events = [("chunk", {"bytes": json.dumps(chunk, ensure_ascii=False).encode()}) for chunk in chunks]
        others = {name: value for name, value in result.items() if name not in ("body", "headers")}
        return {**others, "body": self._stream(events, call.fault)}

    def _sending_ms(self, events: Sequence[Any]) -> int:
        """Return how long it takes to send the events at the present pace, in milliseconds."""
        return round(1000 * self._pace.seconds * (len(events) - 1))

    def _stream(self, events: Sequence[Event], fault: Fault | None) -> EventStream:
        middle = max(1, len(events) // 2)
        pause = 0.0
        if fault and fault.kind == "stream_pause":
            pause = DEFAULT_PAUSE_SECONDS if fault.seconds is None else fault.seconds

        async def before(number: int) -> None:
            if number:
                await self._pace.wait()
            if number == middle:
                await asyncio.sleep(pause)

        if fault and fault.kind in STREAM_ERRORS:
            return EventStream([*events[:middle], _error_event(fault)], before)
        if fault and fault.kind == "stream_drop":
            return EventStream(events[:middle], before, dropped=True)
        return EventStream(events, before)


def _check_support(model: Model) -> None:
    if not model.streaming:
        raise ValidationException(UNSUPPORTED)


def _error_event(fault: Fault) -> tuple[str, Mapping[str, Any]]:
    error = STREAM_ERRORS[fault.kind]
    return error.code[0].lower() + error.code[1:], {"message": str(error)}
