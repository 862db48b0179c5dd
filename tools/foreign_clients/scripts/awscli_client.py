"""Run commands of awscli for bedrock, bedrock-runtime, sts and s3."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tools.foreign_clients.scripts import questions as ask

run = partial(subprocess.run, check=True, stdout=subprocess.PIPE, text=True)
AWS = [sys.executable, "-m", "awscli"]
CONVERSE = [*AWS, "bedrock-runtime", "converse", "--model-id", ask.MODEL, "--messages"]

match sys.argv[1]:
    case "hello":
        messages: list[dict[str, Any]] = [{"role": "user", "content": [{"text": ask.HELLO}]}]
        answer = json.loads(run([*CONVERSE, json.dumps(messages)]).stdout)
        ask.check_text(answer["output"]["message"]["content"][0]["text"])
        for service, operation in (
            ("sts", "get-caller-identity"),
            ("bedrock", "list-foundation-models"),
            ("bedrock", "list-custom-models"),
            ("bedrock", "list-model-customization-jobs"),
        ):
            json.loads(run([*AWS, service, operation]).stdout)
    case "tools":
        messages = [{"role": "user", "content": [{"text": ask.ASK_TOOL}]}]
        specification = {
            "name": "weather",
            "description": ask.WEATHER_DESCRIPTION,
            "inputSchema": {"json": ask.WEATHER_SCHEMA},
        }
        config = json.dumps({"tools": [{"toolSpec": specification}]})
        message = json.loads(run([*CONVERSE, json.dumps(messages), "--tool-config", config]).stdout)["output"][
            "message"
        ]
        use = next(block["toolUse"] for block in message["content"] if "toolUse" in block)
        ask.check_call(use["name"], use["input"])
    case "structured":
        messages = [{"role": "user", "content": [{"text": ask.ASK_CITY}]}]
        schema = {"name": "city", "schema": json.dumps(ask.CITY_SCHEMA)}
        config = json.dumps({"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}})
        answer = json.loads(run([*CONVERSE, json.dumps(messages), "--output-config", config]).stdout)
        ask.check_city(json.loads(answer["output"]["message"]["content"][0]["text"]))
    case "s3":
        with TemporaryDirectory() as folder:
            source, copy = Path(folder, "source"), Path(folder, "copy")
            source.mkdir()
            (source / "small ü.txt").write_text("small")
            (source / "large.bin").write_bytes(bytes(range(256)) * 40_000)  # is uploaded in parts
            run([*AWS, "s3", "mb", "s3://awscli-client"])
            run([*AWS, "s3", "sync", str(source), "s3://awscli-client/files"])
            run([*AWS, "s3", "cp", "--recursive", "s3://awscli-client/files", str(copy)])
            if any((copy / path.name).read_bytes() != path.read_bytes() for path in source.iterdir()):
                raise ValueError("A copied file differs")
            if "large.bin" not in run([*AWS, "s3", "ls", "s3://awscli-client/files/"]).stdout:
                raise ValueError("The listing lacks a file")
            run([*AWS, "s3", "presign", "s3://awscli-client/files/large.bin"])
            run([*AWS, "s3", "rb", "--force", "s3://awscli-client"])
