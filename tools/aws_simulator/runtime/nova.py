"""
Read and write the bodies of Nova models (``messages-v1``), which have the content blocks of Converse.

https://docs.aws.amazon.com/nova/latest/userguide/complete-request-schema.html
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from tools.aws_simulator.models.dialogue import Reply
from tools.aws_simulator.runtime.converse import content_blocks, read_converse, usage
from tools.aws_simulator.runtime.requests import InferenceRequest, fields, malformed

_BLOCKS = ("text", "image", "document", "video", "toolUse", "toolResult", "cachePoint")


def read_nova(value: Any) -> InferenceRequest:
    """Read a Nova body."""
    types = {
        "schemaVersion": (str,),
        "system": (list,),
        "messages": (list,),
        "inferenceConfig": (dict,),
        "toolConfig": (dict,),
    }
    body = fields(value, "#", types, ("messages",))
    if body.get("schemaVersion", "messages-v1") != "messages-v1":
        raise malformed(f"#/schemaVersion: {body['schemaVersion']!r} is not 'messages-v1'")
    sampling_types = {
        "maxTokens": (int,),
        "temperature": (float, int),
        "topP": (float, int),
        "topK": (int,),
        "stopSequences": (list,),
    }
    fields(body.get("inferenceConfig", {}), "#/inferenceConfig", sampling_types)
    messages = [_message(message, f"#/messages/{number}") for number, message in enumerate(body["messages"])]
    system = [fields(block, "#/system", {"text": (str,), "cachePoint": (dict,)}) for block in body.get("system", ())]
    try:
        arguments: dict[str, Any] = {name: body[name] for name in ("inferenceConfig", "toolConfig") if name in body}
        return read_converse({**arguments, "messages": messages, "system": system})
    except (KeyError, TypeError, AttributeError) as error:
        raise malformed(f"a block lacks a key or has a value of the wrong type ({error})") from error


def _message(value: Any, where: str) -> dict[str, Any]:
    message = fields(value, where, {"role": (str,), "content": (list,)}, ("role", "content"))
    types = dict.fromkeys(_BLOCKS, (dict,)) | {"text": (str,)}
    blocks = [fields(block, f"{where}/content/{n}", types) for n, block in enumerate(message["content"])]
    return {"role": message["role"], "content": [_with_bytes(block) for block in blocks]}


def _with_bytes(block: dict[str, Any]) -> dict[str, Any]:
    """Decode the bytes of a file, which a JSON body has as base64."""
    for kind in ("image", "document", "video"):
        source = block.get(kind, {}).get("source", {})
        if isinstance(source.get("bytes"), str):
            try:
                data = base64.b64decode(source["bytes"], validate=True)
            except binascii.Error as error:
                raise malformed(f"the bytes of a block of the type {kind} are not base64") from error
            return {kind: {**block[kind], "source": {**source, "bytes": data}}}
    return block


def write_nova(reply: Reply, _model_id: str, _call_id: str) -> dict[str, Any]:
    """Return a reply in Nova's format."""
    return {
        "output": {"message": {"role": "assistant", "content": content_blocks(reply)}},
        "stopReason": reply.stop_reason,
        "usage": usage(reply),
    }
