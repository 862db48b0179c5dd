"""
Turn an answer of InvokeModel into the chunks of a stream, each in the format of the model's provider.

In every format, the last chunk also has the metrics of the call, which Bedrock adds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tools.aws_simulator.models.text import count_tokens
from tools.aws_simulator.runtime.converse_events import message_events
from tools.aws_simulator.runtime.pieces import json_pieces, text_pieces

Body = Mapping[str, Any]
METRICS = "amazon-bedrock-invocationMetrics"


def anthropic_chunks(body: Body, metrics: Body, _request: Body) -> Iterator[Body]:
    """Yield the events of the Messages API: https://docs.anthropic.com/en/docs/build-with-claude/streaming."""
    # Anthropic counts the first token when the message starts, and reports the final number at the end.
    usage = {**body["usage"], "output_tokens": min(1, body["usage"]["output_tokens"])}
    message = {**body, "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
    yield {"type": "message_start", "message": message}
    for index, block in enumerate(body["content"]):
        empty, deltas = _anthropic_block(block)
        yield {"type": "content_block_start", "index": index, "content_block": empty}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    yield {
        "type": "message_delta",
        **last_delta("anthropic", body),
        "usage": {"output_tokens": body["usage"]["output_tokens"]},
    }
    yield {"type": "message_stop", METRICS: metrics}


def last_delta(body_format: str, body: Body) -> dict[str, Any]:
    """
    Return the fields that the last event of a model's own stream adds to those of its answer.

    The paths in ``additionalModelResponseFieldPaths`` can name these fields. ConverseStream finds
    ``/delta/stop_sequence`` in the stream of an Anthropic model:
    https://github.com/vercel/ai/pull/11410. The documentation of ConverseStream names ``/stop_sequence``, which is
    found too. Which fields the streams of other models have is UNVERIFIED.
    """
    if body_format != "anthropic":
        return {}
    return {"delta": {"stop_reason": body["stop_reason"], "stop_sequence": body["stop_sequence"]}}


def _anthropic_block(block: Body) -> tuple[Body, list[Body]]:
    """Return a content block as it starts, and the deltas that fill it."""
    if block["type"] == "text":
        return {**block, "text": ""}, [{"type": "text_delta", "text": piece} for piece in text_pieces(block["text"])]
    if block["type"] == "tool_use":
        pieces = json_pieces(json.dumps(block["input"], ensure_ascii=False))
        deltas: list[Body] = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
        return {**block, "input": {}}, deltas
    if block["type"] == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in text_pieces(block["thinking"])]
        signature = [{"type": "signature_delta", "signature": block["signature"]}] if block["signature"] else []
        return {**block, "thinking": "", "signature": ""}, [*deltas, *signature]
    return block, []  # a redacted block comes as a whole


def nova_chunks(body: Body, metrics: Body, _request: Body) -> Iterator[Body]:
    """
    Yield the events of ConverseStream as JSON objects.

    The cassette ``test_nova_micro_streaming`` of https://github.com/Arize-ai/openinference records such a stream.
    There, each piece of the text is a block of its own. Here, the blocks are the same as in InvokeModel's answer.
    """
    for name, value in message_events(body["output"]["message"]["content"]):
        yield {name: value}
    yield {"messageStop": {"stopReason": body["stopReason"]}}
    yield {"metadata": {"usage": body["usage"], "metrics": {}, "trace": {}}, METRICS: metrics}


def llama_chunks(body: Body, metrics: Body, _request: Body) -> Iterator[Body]:
    """
    Yield pieces of the generation.

    Only the first chunk has the number of prompt tokens. The number of generated tokens grows from chunk to chunk:
    https://github.com/vercel/ai/blob/main/packages/core/tests/snapshots/aws-bedrock.ts
    """
    total, tokens = body["generation_token_count"], 0
    for number, piece in enumerate(text_pieces(body["generation"])):
        tokens = min(total, tokens + count_tokens(piece))
        yield {
            "generation": piece,
            "prompt_token_count": None if number else body["prompt_token_count"],
            "generation_token_count": tokens,
            "stop_reason": None,
        }
    yield {
        "generation": "",
        "prompt_token_count": None,
        "generation_token_count": total,
        "stop_reason": body["stop_reason"],
        METRICS: metrics,
    }


def titan_chunks(body: Body, metrics: Body, _request: Body) -> Iterator[Body]:
    """
    Yield pieces of the output text. Only the last chunk has the total number of tokens and the reason to stop.

    Public programs quote such chunks. In some of them, the whole text is in one chunk.
    """
    (result,) = body["results"]
    pieces = list(text_pieces(result["outputText"])) or [""]
    for number, piece in enumerate(pieces, start=1):
        is_last = number == len(pieces)
        yield {
            "outputText": piece,
            "index": 0,
            "totalOutputTextTokenCount": result["tokenCount"] if is_last else None,
            "completionReason": result["completionReason"] if is_last else None,
            "inputTextTokenCount": body["inputTextTokenCount"] if number == 1 else None,
            **({METRICS: metrics} if is_last else {}),
        }


def chat_completion_chunks(body: Body, metrics: Body, request: Body) -> Iterator[Body]:
    """
    Yield the chunks of a chat completion: https://platform.openai.com/docs/api-reference/chat-streaming.

    The chunk with the usage comes only if the request demands it, in ``stream_options``.
    """
    common = {"id": body["id"], "object": "chat.completion.chunk", "created": body["created"], "model": body["model"]}
    choice = body["choices"][0]
    last: list[dict[str, Any]] = [_choice({}, choice["finish_reason"])]
    if (request.get("stream_options") or {}).get("include_usage"):
        last.append({"choices": [], "usage": body["usage"]})
    last[-1][METRICS] = metrics
    deltas = (_choice(delta) for delta in _chat_deltas(choice["message"]))
    for chunk in (*deltas, *last):
        yield {**common, **chunk}


def _choice(delta: Body, finish_reason: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}


def _chat_deltas(message: Body) -> Iterator[Body]:
    yield {"role": "assistant", "content": ""}
    if message["content"]:
        for piece in text_pieces(message["content"]):
            yield {"content": piece}
    for index, call in enumerate(message.get("tool_calls", ())):
        yield {"tool_calls": [{"index": index, **call, "function": {**call["function"], "arguments": ""}}]}
        for piece in json_pieces(call["function"]["arguments"]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


# By the names that the catalog uses. A function takes the answer's body, the metrics, and the request's body.
CHUNKS: dict[str, Callable[[Body, Body, Body], Iterator[Body]]] = {
    "anthropic": anthropic_chunks,
    "nova": nova_chunks,
    "llama": llama_chunks,
    "titan": titan_chunks,
    "chat_completions": chat_completion_chunks,
}
