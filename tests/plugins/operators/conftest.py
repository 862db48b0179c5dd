"""Fixtures for the tests of answers and judges: an arm that answers, and a model that is throttled."""

from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.operators.answer import BedrockAnswerOperator
from include.distill.core.errors import (
    ThrottledError,
)
from include.distill.inference.requests import ModelRequest
from tests.fakes.dialogue import between, say
from tests.fakes.fake_bedrock import FakeBedrock
from tests.plugins.conftest import RUN_URI, make_row

MODEL_ARN = "arn:aws:bedrock:us-east-1:123456789012:custom-model/nova/abc"
SERVING = {
    "model_arn": MODEL_ARN,
    "invoke_id": "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/xyz",
    "student": "nova-micro",
}
ROWS = [make_row(n) for n in range(101, 105)]


@pytest.fixture
def answer(equip: Any, bedrock: FakeBedrock, context: Any) -> Any:
    bedrock.say = say

    def run(arm: str = "tuned", serving: Any = SERVING, shard: int = 0, run_uri: str = RUN_URI) -> dict[str, Any]:
        task = equip(BedrockAnswerOperator(task_id="answer", run_uri=run_uri, arm=arm, shard=shard, serving=serving))
        manifest: dict[str, Any] = task.execute(context)
        return manifest

    return run


def throttled_on(number: str, error: Exception | None = None) -> Any:
    def reply(request: ModelRequest) -> str:
        if number in between("question", request.user):
            raise error or ThrottledError("slow down")
        return say(request)

    return reply
