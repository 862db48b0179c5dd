"""Run the newest version of boto3. The simulator's service models may come from another version."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3

from tools.foreign_clients.scripts import questions as ask

runtime = boto3.client("bedrock-runtime")


match sys.argv[1]:
    case "hello":
        messages: list[dict[str, Any]] = [{"role": "user", "content": [{"text": ask.HELLO}]}]
        answer = runtime.converse(modelId=ask.MODEL, messages=messages)
        ask.check_text(answer["output"]["message"]["content"][0]["text"])
    case "stream":
        messages = [{"role": "user", "content": [{"text": ask.HELLO}]}]
        events = runtime.converse_stream(modelId=ask.MODEL, messages=messages)["stream"]
        deltas = [event["contentBlockDelta"]["delta"] for event in events if "contentBlockDelta" in event]
        ask.check_stream([delta["text"] for delta in deltas])
    case "tools":
        specification = {
            "name": "weather",
            "description": ask.WEATHER_DESCRIPTION,
            "inputSchema": {"json": ask.WEATHER_SCHEMA},
        }
        request = {"modelId": ask.MODEL, "toolConfig": {"tools": [{"toolSpec": specification}]}}
        messages = [{"role": "user", "content": [{"text": ask.ASK_TOOL}]}]
        message = runtime.converse(messages=messages, **request)["output"]["message"]
        use = next(block["toolUse"] for block in message["content"] if "toolUse" in block)
        ask.check_call(use["name"], use["input"])
        result = {"toolUseId": use["toolUseId"], "content": [{"text": ask.weather(use["input"]["city"])}]}
        messages += [message, {"role": "user", "content": [{"toolResult": result}]}]
        answer = runtime.converse(messages=messages, **request)
        ask.check_agent(answer["output"]["message"]["content"][0]["text"])
    case "structured":
        schema = {"name": "city", "schema": json.dumps(ask.CITY_SCHEMA)}
        answer = runtime.converse(
            modelId=ask.MODEL,
            messages=[{"role": "user", "content": [{"text": ask.ASK_CITY}]}],
            outputConfig={"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}},
        )
        ask.check_city(json.loads(answer["output"]["message"]["content"][0]["text"]))
    case "s3":
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="boto3-client")
        with TemporaryDirectory() as folder:
            path = Path(folder, "large.bin")
            path.write_bytes(bytes(range(256)) * 40_000)  # boto3 uploads files of 8 MiB or more in parts
            s3.upload_file(str(path), "boto3-client", "large.bin")
            s3.download_file("boto3-client", "large.bin", f"{path}.copy")
            if Path(f"{path}.copy").read_bytes() != path.read_bytes():
                raise ValueError("The downloaded object differs")
