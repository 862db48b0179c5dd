"""
Map the stop reason of an answer to one of a few kinds of endings.

Providers use different words for the same stop reason, and Bedrock passes the words on. For example, if an answer was
cut off, the stop reason of Anthropic, Amazon and Converse is ``max_tokens``, that of Meta and Mistral is ``length``,
and that of Cohere is ``MAX_TOKENS``. :data:`ENDINGS` has all words that the providers document. Case, spaces and
hyphens do not matter. A word that is not in :data:`ENDINGS` is counted as ``unknown``.

Sources: the enumeration ``StopReason`` of Converse in botocore's model ``bedrock-runtime``, and the pages about request
and response bodies in https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html
"""

from __future__ import annotations

import re
from typing import Literal

from include.distill.text.normalization import is_blank

# How an answer ended. Only a ``complete`` answer is the whole text that the model would write.
Ending = Literal["complete", "truncated", "filtered", "malformed", "interrupted", "empty", "unknown"]

_WORDS: dict[Ending, tuple[str, ...]] = {
    # ``finish`` and ``finished`` are Titan's words, ``endoftext`` is AI21's, ``complete`` is Cohere's.
    "complete": (
        "end_turn", "stop_sequence", "stop", "complete", "completed", "finish", "finished", "eos", "eos_token",
        "end_of_text", "endoftext", "stop_criteria_met",
    ),
    "truncated": (
        "max_tokens", "length", "max_token", "max_length", "max_output_tokens", "model_length",
        "model_context_window_exceeded", "context_window_exceeded", "incomplete",
    ),
    "filtered": (
        "content_filtered", "content_filter", "guardrail_intervened", "guardrails_intervened", "refusal", "safety",
        "blocked", "sensitive", "error_toxic", "rag_query_when_rag_disabled",
    ),
    "malformed": ("malformed_model_output", "malformed_tool_use", "malformed_function_call", "error", "error_limit"),
    # The model waits for a tool or for a further request. This pipeline sends neither.
    "interrupted": ("tool_use", "tool_call", "tool_calls", "function_call", "pause_turn", "user_cancel", "cancelled"),
}  # fmt: skip
ENDINGS: dict[str, Ending] = {word: ending for ending, words in _WORDS.items() for word in words}


def ending_of(stop_reason: str | None, text: str) -> Ending:
    """
    Return how an answer ended.

    :param stop_reason: why the model stopped, such as ``end_turn``, as Bedrock returned it; ``None`` if it was not
        stored.
    :param text: the answer. A complete answer without visible text is ``empty``.
    """
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", (stop_reason or "").strip())
    ending = ENDINGS.get(re.sub(r"[\s_-]+", "_", words).lower(), "unknown")
    return "empty" if ending == "complete" and is_blank(text) else ending
