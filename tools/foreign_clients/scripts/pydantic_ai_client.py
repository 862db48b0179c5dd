"""Run pydantic-ai: an ``Agent`` that uses Bedrock's Converse API."""

from __future__ import annotations

import asyncio
import sys

from pydantic_ai import Agent

from tools.foreign_clients.scripts import questions as ask

MODEL = f"bedrock:{ask.MODEL}"

match sys.argv[1]:
    case "hello":
        ask.check_text(Agent(MODEL).run_sync(ask.HELLO).output)
    case "stream":
        run = Agent(MODEL).run_stream(ask.HELLO)
        pieces = ask.streamed(run, lambda result: result.stream_text(delta=True, debounce_by=None))
        ask.check_stream(asyncio.run(pieces))
    case "tools":
        ask.check_agent(Agent(MODEL, tools=[ask.weather]).run_sync(ask.ASK_TOOL).output)
    case "structured":
        ask.check_city(Agent(MODEL, output_type=ask.City).run_sync(ask.ASK_CITY).output)
