"""Run instructor, which wraps a boto3 client and returns answers as Pydantic objects."""

from __future__ import annotations

import sys
from typing import Any

import boto3
import instructor
from pydantic import BaseModel

from tools.foreign_clients.scripts import questions as ask


class PlainCity(BaseModel):
    """A city whose schema has no ``minimum``. Bedrock's structured outputs refuse a schema with ``minimum``."""

    name: str
    inhabitants: int


client = instructor.from_bedrock(boto3.client("bedrock-runtime"))
messages: list[dict[str, Any]] = [{"role": "user", "content": [{"text": ask.ASK_CITY}]}]

match sys.argv[1]:
    case "hello":
        hello = [{"role": "user", "content": [{"text": ask.HELLO}]}]
        answer = client.chat.completions.create(modelId=ask.MODEL, messages=hello, response_model=None)
        ask.check_text(answer["output"]["message"]["content"][0]["text"])
    case "tools":
        tools_client = instructor.from_bedrock(boto3.client("bedrock-runtime"), mode=instructor.Mode.BEDROCK_TOOLS)
        ask.check_city(
            tools_client.chat.completions.create(modelId=ask.MODEL, messages=messages, response_model=ask.City)
        )
    case "structured":
        # This mode sends the schema in outputConfig.textFormat. BEDROCK_JSON only describes it in the system prompt.
        schema_client = instructor.from_bedrock(boto3.client("bedrock-runtime"), mode=instructor.Mode.JSON_SCHEMA)
        city = schema_client.chat.completions.create(modelId=ask.MODEL, messages=messages, response_model=PlainCity)
        ask.check_city(city.model_dump())
