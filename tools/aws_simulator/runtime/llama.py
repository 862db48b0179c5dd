"""Read and write the bodies of Llama models: a prompt as plain text or in the Llama 3 chat template."""

from __future__ import annotations

import base64
import re
from typing import Any

from tools.aws_simulator.models.conversation import Conversation, Media, Text, Turn
from tools.aws_simulator.models.dialogue import Reply
from tools.aws_simulator.protocol.errors import ValidationException
from tools.aws_simulator.runtime.files import read_image
from tools.aws_simulator.runtime.requests import InferenceRequest, check_turns, fields, malformed, sampled

DEFAULT_MAX_TOKENS = 512
_TURN = re.compile(
    r"<\|start_header_id\|>(\w+)<\|end_header_id\|>\s*(.*?)\s*(?=<\|eot_id\|>|<\|start_header_id\|>|\Z)", re.DOTALL
)


def read_llama(value: Any) -> InferenceRequest:
    """Read a Llama body."""
    types = {
        "prompt": (str,),
        "max_gen_len": (int,),
        "temperature": (float, int),
        "top_p": (float, int),
        "images": (list,),
    }
    body = fields(value, "#", types, ("prompt",))
    found = _TURN.findall(body["prompt"]) or [("user", body["prompt"])]
    if unknown := sorted({role for role, _ in found} - {"system", "user", "assistant"}):
        raise ValidationException(f"The prompt has turns of unknown roles: {', '.join(unknown)}.")
    # The template ends with an empty turn of the assistant, which the model is to fill.
    spoken = [(role, text) for role, text in found if role != "system" and text]
    turns = tuple(Turn("user" if role == "user" else "assistant", (Text(text),)) for role, text in spoken)
    check_turns(turns)
    if images := body.get("images"):
        turns = (*turns[:-1], Turn(turns[-1].role, (*(_image(image) for image in images), *turns[-1].parts)))
    system = "\n".join(text for role, text in found if role == "system")
    names = ("max_gen_len", "temperature", "top_p", "")
    return sampled(Conversation(system, turns), {"max_gen_len": DEFAULT_MAX_TOKENS, **body}, names)


def _image(value: Any) -> Media:
    try:
        return read_image("", base64.b64decode(value, validate=True))
    except (ValueError, TypeError) as error:
        raise malformed("#/images: the images are not base64") from error


def write_llama(reply: Reply, _model_id: str, _call_id: str) -> dict[str, Any]:
    """Return a reply in Llama's format."""
    return {
        "generation": reply.text,
        "prompt_token_count": reply.input_tokens,
        "generation_token_count": reply.output_tokens,
        "stop_reason": "length" if reply.stop_reason == "max_tokens" else "stop",
    }
