"""
Answer InvokeModel after a fixed time, so that a benchmark measures the client and not the model.

The server uses the request and response bodies of Anthropic models. It applies a quota as Bedrock does, including the
reservation of tokens, and counts requests, rejections and billed calls. Its answers are sentences of the document in
the prompt, so the pipeline accepts them like a teacher's answers.

``POST /_bench/reset`` sets the latency and the quota, and resets all counts; ``GET /_bench/counts`` returns the counts.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from tools.benchmarks.fixtures import pairs_about
from tools.benchmarks.quota import Admission, Quota
from tools.benchmarks.wire import Answer, Request, serve

PAIRS = 3
CHARACTERS_PER_TOKEN = 4
THROTTLED = Answer.of_json(
    {"message": "Too many requests, please wait before trying again."},
    status=429,
    headers=(("x-amzn-ErrorType", "ThrottlingException"),),
)


@dataclass
class Counts:
    """The counts since the last reset. Times are in seconds on the event loop's clock."""

    requests: int = 0
    rejected: int = 0
    in_flight: int = 0
    peak_in_flight: int = 0
    first: float | None = None
    last: float | None = None
    asked: Counter[str] = field(default_factory=Counter)

    def as_record(self) -> dict[str, Any]:
        """Return the counts, the number of repeated calls, and the seconds from first request to last answer."""
        billed = sum(self.asked.values())
        return {
            "requests": self.requests,
            "rejected": self.rejected,
            "billed": billed,
            "paid_again": billed - len(self.asked),
            "in_flight": self.in_flight,
            "peak_in_flight": self.peak_in_flight,
            "span_seconds": (self.last or 0.0) - (self.first or 0.0),
        }


class ModelServer:
    """A server that treats all model ids as the same model, with one quota."""

    def __init__(self) -> None:
        self._reset(latency_seconds=1.0, quota=Quota())

    def _reset(self, *, latency_seconds: float, quota: Quota) -> None:
        self._latency_seconds = latency_seconds
        self._admission = Admission(quota)
        self._counts = Counts()

    async def answer(self, request: Request) -> Answer:
        """Answer one request."""
        if request.path == "/_bench/reset":
            settings = json.loads(request.body)
            self._reset(latency_seconds=settings["latency_seconds"], quota=Quota(**settings["quota"]))
            return Answer.of_json(dataclasses.asdict(self._admission.quota))
        if request.path == "/_bench/counts":
            return Answer.of_json(self._counts.as_record())
        return await self._invoke(json.loads(request.body))

    async def _invoke(self, body: dict[str, Any]) -> Answer:
        loop = asyncio.get_running_loop()
        arrived, counts = loop.time(), self._counts
        question = "".join(part["text"] for message in body["messages"] for part in message["content"])
        input_tokens = len(question) // CHARACTERS_PER_TOKEN
        counts.requests += 1
        counts.first = counts.first or arrived
        if not self._admission.admit(input_tokens, body["max_tokens"], arrived):
            counts.rejected += 1
            return THROTTLED
        key = sha256(question.encode()).hexdigest()
        counts.asked[key] += 1  # a call is billed even if its client has stopped waiting
        counts.in_flight += 1
        counts.peak_in_flight = max(counts.peak_in_flight, counts.in_flight)
        await asyncio.sleep(arrived + self._latency_seconds - loop.time())
        text = reply_to(question)
        self._admission.settle(body["max_tokens"], output_tokens := len(text) // CHARACTERS_PER_TOKEN)
        counts.in_flight -= 1
        counts.last = loop.time()
        usage = {"input_tokens": input_tokens, "output_tokens": output_tokens}
        reply = {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "usage": usage}
        return Answer.of_json(reply, headers=(("x-simulated", "true"),))


def reply_to(question: str) -> str:
    """Return pairs about the document in the prompt, in a teacher's format."""
    document = question.partition("<document>\n")[2].partition("\n</document>")[0]
    return "\n".join(json.dumps(pair) for pair in pairs_about(document or question, PAIRS))


if __name__ == "__main__":
    asyncio.run(serve(ModelServer().answer))
