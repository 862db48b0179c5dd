"""Run langchain-aws with its class ``ChatBedrockConverse``."""

from __future__ import annotations

import sys

from langchain_aws import ChatBedrockConverse
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool

from tools.foreign_clients.scripts import questions as ask

model = ChatBedrockConverse(model=ask.MODEL)

match sys.argv[1]:
    case "hello":
        ask.check_text(model.invoke(ask.HELLO).text)
    case "stream":
        ask.check_stream([chunk.text for chunk in model.stream(ask.HELLO) if chunk.text])
    case "tools":
        with_tools = model.bind_tools([tool(ask.weather)])
        question = HumanMessage(ask.ASK_TOOL)
        called = with_tools.invoke([question])
        (call,) = called.tool_calls
        ask.check_call(call["name"], call["args"])
        result = ToolMessage(ask.weather(call["args"]["city"]), tool_call_id=call["id"])
        ask.check_agent(with_tools.invoke([question, called, result]).text)
    case "structured":
        ask.check_city(model.with_structured_output(ask.City).invoke(ask.ASK_CITY))
