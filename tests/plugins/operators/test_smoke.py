"""Test the task that tries the standing endpoint before the champion is recorded."""

from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.operators.smoke import SmokeTestOperator
from include.distill.config.use_case import UseCase
from include.distill.core.errors import InvalidRequestError, PromotionError, SmokeFailedError, TransientError
from include.distill.core.storage import read_json
from include.distill.evaluation.endpoint_records import SmokeUsage
from include.distill.inference.requests import Completion, ModelRequest
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.standing_run import ARN, MODEL, NAME, prepare, switched
from tests.plugins.conftest import FOLDER, RUN_URI


@pytest.fixture
def smoke(store: MemoryStore, use_case: UseCase, bedrock: FakeBedrock, equip: Any, context: Any) -> Any:
    prepare(store, use_case, bedrock)
    bedrock.say = lambda request: "An answer."
    manifest = switched(equip, context, bedrock)

    def run(**changes: Any) -> Any:
        task = SmokeTestOperator(task_id="smoke", run_uri=RUN_URI, switched={**manifest, **changes})
        return equip(task).execute(context)

    return run


def usage(store: MemoryStore) -> SmokeUsage:
    return read_json(store, FOLDER.smoke_usage(1), SmokeUsage)


def test_every_prompt_is_sent_to_the_arn_of_the_endpoint(smoke: Any, bedrock: FakeBedrock) -> None:
    manifest = smoke()
    assert {request.invoke_id for request in bedrock.asked} == {ARN}
    assert (manifest["arn"], manifest["model_arn"], manifest["number"], manifest["calls"]) == (ARN, MODEL, 1, 3)
    assert manifest["usd"] > 0


def test_stored_answers_are_not_used_and_the_calls_are_counted_for_the_bill(
    smoke: Any, bedrock: FakeBedrock, store: MemoryStore
) -> None:
    smoke()
    smoke()
    assert len(bedrock.asked) == 6
    assert usage(store) == {
        "model": "nova-micro",
        "deployed": True,
        "calls": 6,
        "input_tokens": 600,
        "output_tokens": 60,
    }
    assert not store.list(f"{FOLDER.responses}/")


@pytest.mark.parametrize(
    ("completion", "words"),
    [
        (Completion(" \n", "end_turn", 100, 10), "the answer is blank"),
        (Completion("An ans", "max_tokens", 100, 10), "is truncated"),
        (Completion("", "content_filtered", 100, 10), "is filtered"),
    ],
)
def test_a_bad_answer_fails_the_task_and_its_text_is_not_shown(
    smoke: Any, bedrock: FakeBedrock, store: MemoryStore, monkeypatch: Any, completion: Completion, words: str
) -> None:
    monkeypatch.setattr(bedrock, "ask", lambda request: completion)
    with pytest.raises(SmokeFailedError, match=words) as caught:
        smoke()
    text = str(caught.value)
    assert f"{NAME} failed smoke prompt 1 of 3" in text
    assert "settle runs next" in text
    assert "lear switch with downstream" in text
    assert "An ans" not in text
    assert usage(store)["calls"] == 1


def test_an_error_of_the_endpoint_is_a_bad_answer(smoke: Any, bedrock: FakeBedrock) -> None:
    error = InvalidRequestError("The model refuses.")
    error.code = "ValidationException"
    bedrock.refuse["ask"] = error
    with pytest.raises(SmokeFailedError, match=r"error \(ValidationException\)"):
        smoke()


def test_a_temporary_error_is_retried_by_airflow(smoke: Any, bedrock: FakeBedrock) -> None:
    bedrock.refuse["ask"] = TransientError("down")
    with pytest.raises(TransientError):
        smoke()


def test_an_endpoint_that_answers_with_the_old_model_is_not_tried(smoke: Any, bedrock: FakeBedrock) -> None:
    """A person cleared only the failed tasks, after `settle` had restored the old model."""
    bedrock.update_deployment(ARN, "arn:model/old")
    bedrock.end_change()
    with pytest.raises(PromotionError, match=r"(?s)answers with arn:model/old.*lear switch with downstream"):
        smoke()
    assert bedrock.asked == []


def test_the_tokens_of_throughput_are_not_billed(
    store: MemoryStore, use_case: UseCase, bedrock: FakeBedrock, equip: Any, context: Any
) -> None:
    asked: list[ModelRequest] = []
    bedrock.say = lambda request: asked.append(request) or "An answer."  # type: ignore[func-returns-value]
    prepare(store, use_case, bedrock)
    manifest = {**switched(equip, context, bedrock), "kind": "provisioned", "arn": f"arn:throughput/{NAME}"}
    bedrock.put_throughput(NAME, "InService", model_arn=MODEL)
    bedrock.tags_of[f"arn:throughput/{NAME}"] = bedrock.tags_of[ARN]
    smoked = equip(SmokeTestOperator(task_id="smoke", run_uri=RUN_URI, switched=manifest)).execute(context)
    assert (smoked["calls"], smoked["usd"]) == (3, 0.0)
