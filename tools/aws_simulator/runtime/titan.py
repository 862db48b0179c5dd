"""
Read and write the bodies of Amazon Titan Text models: a text, and the settings of the generation.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-text.html
"""

from __future__ import annotations

import re
from typing import Any

from tools.aws_simulator.models.conversation import Conversation, Text, Turn
from tools.aws_simulator.models.dialogue import Reply
from tools.aws_simulator.runtime.requests import InferenceRequest, fields, malformed, sampled

DEFAULT_MAX_TOKENS = 512
# The guide asks for this form of a prompt if the answer is to be in the style of a conversation.
_CONVERSATION = re.compile(r"User:\s*(.*?)\s*\n\s*Bot:\s*", re.DOTALL)
_NAMES = ("maxTokenCount", "temperature", "topP", "stopSequences")
# The guide names the reason FINISHED, but recorded answers have FINISH.
_REASONS = {"max_tokens": "LENGTH", "stop_sequence": "STOP_CRITERIA_MET"}


def read_titan(value: Any) -> InferenceRequest:
    """Read the body of a Titan Text model."""
    body = fields(value, "#", {"inputText": (str,), "textGenerationConfig": (dict,)}, ("inputText",))
    types = {"maxTokenCount": (int,), "temperature": (float, int), "topP": (float, int), "stopSequences": (list,)}
    config = fields(body.get("textGenerationConfig", {}), "#/textGenerationConfig", types)
    if not body["inputText"]:
        raise malformed("#/inputText: expected minLength: 1, actual: 0")
    asked = _CONVERSATION.fullmatch(body["inputText"])
    conversation = Conversation("", (Turn("user", (Text(asked[1] if asked else body["inputText"]),)),))
    return sampled(conversation, {"maxTokenCount": DEFAULT_MAX_TOKENS, **config}, _NAMES, "#/textGenerationConfig")


def write_titan(reply: Reply, _model_id: str, _call_id: str) -> dict[str, Any]:
    """Return a reply in Titan's format."""
    result = {
        "tokenCount": reply.output_tokens,
        "outputText": reply.text,
        "completionReason": _REASONS.get(reply.stop_reason, "FINISH"),
    }
    return {"inputTextTokenCount": reply.input_tokens, "results": [result]}
