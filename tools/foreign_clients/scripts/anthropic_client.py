"""Run the Bedrock client of the Anthropic SDK."""

from __future__ import annotations

import json
import os
import sys

from anthropic import AnthropicBedrock

from tools.foreign_clients.scripts import questions as ask

client = AnthropicBedrock(base_url=os.environ["AWS_ENDPOINT_URL"])
TOOL = {"name": "weather", "description": ask.WEATHER_DESCRIPTION, "input_schema": ask.WEATHER_SCHEMA}
common = {"model": ask.MODEL, "max_tokens": 300}

match sys.argv[1]:
    case "hello":
        message = client.messages.create(messages=[{"role": "user", "content": ask.HELLO}], **common)
        ask.check_text(message.content[0].text)
    case "stream":
        with client.messages.stream(messages=[{"role": "user", "content": ask.HELLO}], **common) as stream:
            ask.check_stream(list(stream.text_stream))
    case "tools":
        messages = [{"role": "user", "content": ask.ASK_TOOL}]
        message = client.messages.create(messages=messages, tools=[TOOL], **common)
        call = next(block for block in message.content if block.type == "tool_use")
        ask.check_call(call.name, call.input)
        result = {"type": "tool_result", "tool_use_id": call.id, "content": ask.weather(call.input["city"])}
        messages += [{"role": "assistant", "content": message.content}, {"role": "user", "content": [result]}]
        message = client.messages.create(messages=messages, tools=[TOOL], **common)
        ask.check_agent(message.content[0].text)
    case "structured":
        message = client.messages.create(
            messages=[{"role": "user", "content": ask.ASK_CITY}],
            output_config={"format": {"type": "json_schema", "schema": ask.CITY_SCHEMA}},
            **common,
        )
        ask.check_city(json.loads(message.content[0].text))
