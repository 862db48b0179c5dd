"""Run llama-index with its class ``BedrockConverse``."""

from __future__ import annotations

import sys

from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.bedrock_converse import BedrockConverse

from tools.foreign_clients.scripts import questions as ask

model = BedrockConverse(model=ask.MODEL)
hello = [ChatMessage(role="user", content=ask.HELLO)]

match sys.argv[1]:
    case "hello":
        ask.check_text(model.chat(hello).message.content or "")
    case "stream":
        ask.check_stream([piece.delta for piece in model.stream_chat(hello) if piece.delta])
    case "tools":
        tool = FunctionTool.from_defaults(ask.weather)
        answer = model.predict_and_call([tool], user_msg=ask.ASK_TOOL)
        ask.check_agent(str(answer))
    case "structured":
        program = model.as_structured_llm(ask.City)
        ask.check_city(program.chat([ChatMessage(role="user", content=ask.ASK_CITY)]).raw)
