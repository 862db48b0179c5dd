"""Run litellm with its route to Bedrock's Converse API."""

from __future__ import annotations

import json
import sys

import litellm

from tools.foreign_clients.scripts import questions as ask

MODEL = f"bedrock/converse/{ask.MODEL}"
TOOL = {
    "type": "function",
    "function": {"name": "weather", "description": ask.WEATHER_DESCRIPTION, "parameters": ask.WEATHER_SCHEMA},
}

match sys.argv[1]:
    case "hello":
        answer = litellm.completion(model=MODEL, messages=[{"role": "user", "content": ask.HELLO}])
        ask.check_text(answer.choices[0].message.content)
    case "stream":
        chunks = litellm.completion(model=MODEL, messages=[{"role": "user", "content": ask.HELLO}], stream=True)
        ask.check_stream([text for chunk in chunks if (text := chunk.choices[0].delta.content)])
    case "tools":
        messages = [{"role": "user", "content": ask.ASK_TOOL}]
        answer = litellm.completion(model=MODEL, messages=messages, tools=[TOOL])
        call = answer.choices[0].message.tool_calls[0]
        ask.check_call(call.function.name, json.loads(call.function.arguments))
        result = {"role": "tool", "tool_call_id": call.id, "content": ask.weather("Lisbon")}
        messages = [*messages, answer.choices[0].message.model_dump(), result]
        answer = litellm.completion(model=MODEL, messages=messages, tools=[TOOL])
        ask.check_agent(answer.choices[0].message.content)
    case "structured":
        messages = [{"role": "user", "content": ask.ASK_CITY}]
        answer = litellm.completion(model=MODEL, messages=messages, response_format=ask.City)
        ask.check_city(json.loads(answer.choices[0].message.content))
