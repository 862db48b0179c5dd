"""Check that no log above DEBUG contains documents, questions or answers, which may be confidential."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from bedrock_distill.operators.answer import BedrockAnswerOperator
from bedrock_distill.operators.judge import BedrockJudgeOperator
from bedrock_distill.operators.synthesize import BedrockSynthesizeOperator
from include.distill.core.errors import InvalidRequestError
from include.distill.core.storage import write_jsonl
from include.distill.inference.requests import ModelRequest
from tests.fakes.dialogue import say
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, make_row

SERVING = {"model_arn": "arn:m/m", "invoke_id": "arn:p/p", "student": "nova-micro"}
TEXTS = ("says", "Secret", "Confidential", "confidential", "topic", "<document>")


def test_no_prompt_and_no_answer_is_logged(
    equip: Any,
    bedrock: FakeBedrock,
    store: MemoryStore,
    context: Any,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def fails_on_one(request: ModelRequest) -> str:
        if "What says 3?" in request.user:
            raise InvalidRequestError("too long")
        return say(request)

    bedrock.say = fails_on_one
    write_jsonl(store, FOLDER.shard("train", 0), [make_row(n) for n in range(1, 5)])
    with caplog.at_level(logging.INFO):
        equip(BedrockSynthesizeOperator(task_id="synthesize", run_uri=RUN_URI, shard=0)).execute(context)
        for shard in range(4):
            for arm, serving in (("base", None), ("tuned", SERVING)):
                equip(
                    BedrockAnswerOperator(
                        task_id=f"{arm}-{shard}", run_uri=RUN_URI, arm=arm, shard=shard, serving=serving
                    )
                ).execute(context)
        equip(
            BedrockJudgeOperator(
                task_id="judge", run_uri=RUN_URI, judge="claude-haiku-4-5", candidate="tuned", baseline="base"
            )
        ).execute(context)
    printed = capfd.readouterr()
    logged = caplog.text + printed.out + printed.err
    assert "Row 3 failed: too long" in logged
    assert [text for text in TEXTS if text in logged] == []
