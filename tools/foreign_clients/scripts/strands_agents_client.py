"""Run strands-agents: an ``Agent`` that uses a ``BedrockModel``."""

from __future__ import annotations

import sys

from strands import Agent, tool
from strands.models import BedrockModel

from tools.foreign_clients.scripts import questions as ask

match sys.argv[1]:
    case "hello":
        agent = Agent(model=BedrockModel(model_id=ask.MODEL, streaming=False), callback_handler=None)
        ask.check_text(str(agent(ask.HELLO)))
    case "stream":
        pieces: list[str] = []
        agent = Agent(
            model=BedrockModel(model_id=ask.MODEL),
            callback_handler=lambda **event: pieces.append(event["data"]) if "data" in event else None,
        )
        agent(ask.HELLO)
        ask.check_stream(pieces)
    case "tools":
        agent = Agent(model=BedrockModel(model_id=ask.MODEL), tools=[tool(ask.weather)], callback_handler=None)
        ask.check_agent(str(agent(ask.ASK_TOOL)))
    case "structured":
        agent = Agent(model=BedrockModel(model_id=ask.MODEL), callback_handler=None)
        ask.check_city(agent(ask.ASK_CITY, structured_output_model=ask.City).structured_output)
