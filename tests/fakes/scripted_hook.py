"""A Bedrock hook whose calls to AWS are answered from a list."""

from __future__ import annotations

from typing import Any

from bedrock_distill.hooks.bedrock import BedrockDistillHook


class ScriptedHook(BedrockDistillHook):
    """The real hook with scripted responses. Each call returns the next of ``answers``, or raises it as an error."""

    def __init__(self, *answers: Any) -> None:
        super().__init__()
        self.answers = list(answers)
        self.calls: list[dict[str, Any]] = []

    def call(self, service: str, method: str, what: str = "", **parameters: Any) -> Any:
        self.calls.append({"method": method, **parameters})
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer
