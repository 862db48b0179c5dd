"""Check that no log above DEBUG and no value stored by Airflow contains documents, questions or answers."""

from __future__ import annotations

import logging
from collections.abc import Iterator
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


def test_no_prompt_and_no_answer_is_logged_or_returned_to_airflow(
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
    stored: list[Any] = []  # what Airflow stores in its database: results and the labels of mapped tasks
    with caplog.at_level(logging.INFO):
        for operator in _operators():
            stored += [equip(operator).execute(context), context.get("shard_label"), context.get("judge_label")]
    printed = capfd.readouterr()
    logged = caplog.text + printed.out + printed.err
    assert "Row 3 failed: too long" in logged
    assert "rows 1 to 4" in stored
    assert [text for text in TEXTS if text in logged + str(stored)] == []


def _operators() -> Iterator[Any]:
    yield BedrockSynthesizeOperator(task_id="synthesize", run_uri=RUN_URI, shard=0)
    for shard in range(4):
        for arm, serving in (("base", None), ("tuned", SERVING)):
            yield BedrockAnswerOperator(
                task_id=f"{arm}-{shard}", run_uri=RUN_URI, arm=arm, shard=shard, serving=serving
            )
    yield BedrockJudgeOperator(
        task_id="judge", run_uri=RUN_URI, judge="claude-haiku-4-5", candidate="tuned", baseline="base"
    )
