"""
Write a log object to S3 for each answered call of a model, if the Region has model invocation logging.

Bedrock collects several calls in one object and delivers it after a few minutes. Here, each call has its own object,
which exists before the answer is sent. Nothing is written to CloudWatch Logs.

Format of the objects: https://docs.aws.amazon.com/bedrock/latest/userguide/model-invocation-logging.html. Public
programs that read real logs, such as https://github.com/dheerajoruganty/aws-bedrock-logs-mcp-server, agree on the names
of the objects and on the fields. Streams are logged as those programs expect them: the answer of ConverseStream as one
response, and the answer of InvokeModelWithResponseStream as the list of its chunks.
"""

from __future__ import annotations

import base64
import datetime
import gzip
import json
import logging
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tools.aws_simulator.account.calls import ACCOUNT_ID, Call
from tools.aws_simulator.runtime.logging_configuration import LogBuckets, LoggingConfiguration, log_prefix

logger = logging.getLogger(__name__)

OPERATIONS = ("Converse", "ConverseStream", "InvokeModel", "InvokeModelWithResponseStream")
LARGEST_BODY = 100_000  # bytes; a larger body is an object of its own
_METRICS = "amazon-bedrock-invocationMetrics"
_DELIVERY = {"image": "imageData", "video": "videoData", "audio": "audioData"}
_TOKENS = {"input": "inputTokens", "output": "outputTokens"}


class InvocationLogs:
    """
    The logs of the calls.

    :param identity: function that takes an access key and returns the ARN of its owner.
    """

    def __init__(self, configuration: LoggingConfiguration, s3: LogBuckets, identity: Callable[[str], str]) -> None:
        self._configuration = configuration
        self._s3 = s3
        self._identity = identity

    def is_on(self, operation: str, region: str) -> bool:
        """Return whether calls of an operation are logged to S3."""
        return operation in OPERATIONS and "s3Config" in (self._configuration.current(region) or {})

    def write(self, operation: str, call: Call, result: Mapping[str, Any], request_id: str, access_key: str) -> None:
        """Log one answered call. ``result`` is what the operation's handler returned.

        If the bucket was deleted, the log is lost, but the call still succeeds.
        """
        try:
            self._write(operation, call, result, request_id, access_key)
        except KeyError as error:
            logger.warning("The bucket %s of the model invocation logs does not exist. The call was not logged.", error)

    def _write(self, operation: str, call: Call, result: Mapping[str, Any], request_id: str, access_key: str) -> None:
        configuration = self._configuration.current(call.region) or {}
        given, answer, tokens = _exchange(operation, call.arguments, result)
        now = datetime.datetime.now(datetime.UTC)
        prefix = f"{log_prefix(configuration['s3Config'], call.region)}/{now:%Y/%m/%d/%H}"
        bucket = configuration["s3Config"]["bucketName"]
        record: dict[str, Any] = {
            "schemaType": "ModelInvocationLog",
            "schemaVersion": "1.0",
            "timestamp": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "accountId": ACCOUNT_ID,
            "identity": {"arn": self._identity(access_key)},
            "region": call.region,
            "requestId": request_id,
            "operation": operation,
            "modelId": call.arguments["modelId"],
        }
        for side, body in (("input", given), ("output", answer)):
            record[side] = {f"{side}ContentType": "application/json"}
            if configuration.get("textDataDeliveryEnabled", True):
                key = f"{prefix}/data/{request_id}_{side}.json.gz"
                record[side].update(self._body(side, _delivered(body, configuration), bucket, key))
            record[side].update(tokens[side])
        name = f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}Z_{secrets.token_hex(8)}"
        self._s3.write(bucket, f"{prefix}/{name}.json.gz", _packed(record))

    def _body(self, side: str, body: Any, bucket: str, key: str) -> dict[str, Any]:
        if len(_json(body)) <= LARGEST_BODY:
            return {f"{side}BodyJson": body}
        self._s3.write(bucket, key, _packed(body))
        return {f"{side}BodyS3Path": f"s3://{bucket}/{key}"}


def _exchange(operation: str, arguments: Mapping[str, Any], result: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    """Return the body of the request, the body of the answer, and the token counts of both."""
    if operation.startswith("InvokeModel"):
        given = json.loads(arguments["body"])
        if operation == "InvokeModel":
            headers = result["headers"]
            counts = {
                side: {f"{side}TokenCount": int(headers[f"x-amzn-bedrock-{side}-token-count"])} for side in _TOKENS
            }
            return given, json.loads(result["body"]), counts
        chunks = [json.loads(value["bytes"]) for name, value in result["body"].events if name == "chunk"]
        metrics: dict[str, int] = next((chunk[_METRICS] for chunk in reversed(chunks) if _METRICS in chunk), {})
        return given, chunks, {side: _count(side, metrics.get(f"{side}TokenCount")) for side in _TOKENS}
    given = {name: value for name, value in arguments.items() if name != "modelId"}
    answer = result if operation == "Converse" else joined(result["stream"].events)
    answer = {name: value for name, value in answer.items() if name != "headers" and value is not None}
    usage = answer.get("usage", {})
    tokens = {side: _count(side, usage.get(name)) for side, name in _TOKENS.items()}
    for name in ("cacheReadInputTokens", "cacheWriteInputTokens"):
        tokens["input"].update({f"{name.removesuffix('s')}Count": usage[name]} if name in usage else {})
    return given, answer, tokens


def _count(side: str, tokens: int | str | None) -> dict[str, int]:
    return {} if tokens is None else {f"{side}TokenCount": int(tokens)}


def joined(events: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Return the events of ConverseStream as one response of Converse."""
    blocks: dict[int, dict[str, Any]] = {}
    response: dict[str, Any] = {}
    for name, value in events:
        if name == "contentBlockStart":
            blocks[value["contentBlockIndex"]] = {kind: dict(start) for kind, start in value["start"].items()}
        elif name == "contentBlockDelta":
            _extend(blocks.setdefault(value["contentBlockIndex"], {}), value["delta"])
        elif name in ("messageStop", "metadata"):
            response.update(value)
    content = [_finished(blocks[index]) for index in sorted(blocks)]
    return {"output": {"message": {"role": "assistant", "content": content}}, **response}


def _extend(block: dict[str, Any], delta: Mapping[str, Any]) -> None:
    for kind, part in delta.items():
        if isinstance(part, str):
            block[kind] = block.get(kind, "") + part
        else:
            _extend(block.setdefault(kind, {}), part)


def _finished(block: dict[str, Any]) -> dict[str, Any]:
    """Return a block with its tool input as JSON. If the stream broke off, the input remains an incomplete text."""
    tool = block.get("toolUse")
    if tool is None or not isinstance(tool.get("input"), str):
        return block
    try:
        return {**block, "toolUse": {**tool, "input": json.loads(tool["input"] or "{}")}}
    except ValueError:
        return block


def _delivered(value: Any, configuration: Mapping[str, Any]) -> Any:
    """Return a body as JSON, without the images, videos and audio that the configuration does not deliver."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, list):
        return [_delivered(member, configuration) for member in value]
    if isinstance(value, dict):
        shown = {}
        for name, member in value.items():
            is_media = name in _DELIVERY and isinstance(member, dict) and "source" in member
            hidden = is_media and not configuration.get(f"{_DELIVERY[name]}DeliveryEnabled", True)
            kept = {part: text for part, text in member.items() if part != "source"} if hidden else member
            shown[name] = _delivered(kept, configuration)
        return shown
    return value


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _packed(value: Any) -> bytes:
    return gzip.compress(_json(value) + b"\n", mtime=0)
