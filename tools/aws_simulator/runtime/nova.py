"""
Read and write the bodies of Nova models (``messages-v1``), which have the content blocks of Converse.

https://docs.aws.amazon.com/nova/latest/userguide/complete-request-schema.html
"""

from __future__ import annotations

import base64
import functools
from dataclasses import replace
from typing import Any

from tools.aws_simulator.models.dialogue import Reply
from tools.aws_simulator.protocol.constraints import violations
from tools.aws_simulator.protocol.specification import Specification
from tools.aws_simulator.runtime.additional_fields import checked_top_k
from tools.aws_simulator.runtime.converse import content_blocks, read_messages, usage
from tools.aws_simulator.runtime.requests import InferenceRequest, fields, malformed
from tools.aws_simulator.runtime.thinking import read_nova_thinking

_BLOCKS = ("text", "image", "document", "video", "toolUse", "toolResult", "cachePoint", "reasoningContent")
# Nova uses its own names for two of the token counts:
# https://docs.aws.amazon.com/nova/latest/userguide/using-invoke-api.html
_USAGE = {"cacheReadInputTokens": "cacheReadInputTokenCount", "cacheWriteInputTokens": "cacheWriteInputTokenCount"}


_specification = functools.cache(Specification)


def read_nova(value: Any) -> InferenceRequest:
    """Read a Nova body."""
    types = {
        "schemaVersion": (str,),
        "system": (list,),
        "messages": (list,),
        "inferenceConfig": (dict,),
        "toolConfig": (dict,),
        "reasoningConfig": (dict,),
    }
    body = fields(value, "#", types, ("messages",))
    if body.get("schemaVersion", "messages-v1") != "messages-v1":
        raise malformed(f"#/schemaVersion: {body['schemaVersion']!r} is not 'messages-v1'")
    sampling_types = {
        "maxTokens": (int,),
        "max_new_tokens": (int,),
        "temperature": (float, int),
        "topP": (float, int),
        "topK": (int,),
        "stopSequences": (list,),
    }
    config = fields(body.get("inferenceConfig", {}), "#/inferenceConfig", sampling_types)
    # AWS's own notebooks about Nova's tool use show the older name: github.com/aws-samples/amazon-bedrock-samples.
    config = {"maxTokens": config["max_new_tokens"], **config} if "max_new_tokens" in config else config
    messages = [_message(message, f"#/messages/{number}") for number, message in enumerate(body["messages"])]
    system = [fields(block, "#/system", {"text": (str,), "cachePoint": (dict,)}) for block in body.get("system", ())]
    arguments: dict[str, Any] = {"messages": messages, "system": system}
    arguments |= {"toolConfig": body["toolConfig"]} if "toolConfig" in body else {}
    # The blocks are those of Converse, so botocore's model of Converse checks them.
    converse = _specification().operation("Converse").input_shape
    if broken := [text for name in arguments for text in violations(converse.members[name], arguments[name], name)]:
        raise malformed(f"#: {broken[0]}")
    request = read_messages({**arguments, "inferenceConfig": config})
    thinking = read_nova_thinking(body.get("reasoningConfig"))
    return replace(request, top_k=checked_top_k(config.get("topK"), "nova"), thinking=thinking)


def _message(value: Any, where: str) -> dict[str, Any]:
    message = fields(value, where, {"role": (str,), "content": (list,)}, ("role", "content"))
    types = dict.fromkeys(_BLOCKS, (dict,)) | {"text": (str,)}
    if message["role"] not in ("user", "assistant"):
        raise malformed(f"{where}/role: {message['role']} is not a valid enum value")
    blocks = [fields(block, f"{where}/content/{n}", types) for n, block in enumerate(message["content"])]
    if not blocks:
        raise malformed(f"{where}/content: expected minimum item count: 1, found: 0")
    for number, block in enumerate(blocks):
        if block.get("text") == "":
            raise malformed(f"{where}/content/{number}/text: expected minLength: 1, actual: 0")
    return {"role": message["role"], "content": [_with_bytes(block) for block in blocks]}


def _with_bytes(block: dict[str, Any]) -> dict[str, Any]:
    """Decode the bytes of a file, which a JSON body has as base64."""
    for kind in ("image", "document", "video"):
        source = block.get(kind, {}).get("source", {})
        if isinstance(source, dict) and isinstance(source.get("bytes"), str):
            try:
                data = base64.b64decode(source["bytes"], validate=True)
            except ValueError as error:
                raise malformed(f"the bytes of a block of the type {kind} are not base64") from error
            return {kind: {**block[kind], "source": {**source, "bytes": data}}}
    return block


def write_nova(reply: Reply, _model_id: str, _call_id: str) -> dict[str, Any]:
    """Return a reply in Nova's format."""
    return {
        "output": {"message": {"role": "assistant", "content": content_blocks(reply)}},
        "stopReason": reply.stop_reason,
        "usage": {_USAGE.get(name, name): tokens for name, tokens in usage(reply).items()},
    }
