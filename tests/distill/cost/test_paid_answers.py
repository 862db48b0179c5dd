from __future__ import annotations

import datetime

import pytest

from include.distill.config.layout import RunFolder
from include.distill.config.run_record import RunIdentity, claim_run_folder
from include.distill.core.errors import NotFoundError
from include.distill.core.storage import write_json
from include.distill.cost.paid_answers import paid_call_lines
from include.distill.cost.prices import Prices, load_prices, total_usd
from include.distill.inference.answer_store import AnswerStore
from include.distill.inference.requests import Completion
from tests.distill.conftest import make_request
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import LONG_AGO, MemoryStore

FOLDER = RunFolder(f"s3://training/distill/runs/docs/one-{'1' * 32}")
MODEL = "claude-haiku-4-5"


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    claim_run_folder(store, FOLDER, RunIdentity("test", "d", "r"), use_case="docs")
    return store


def pay(store: MemoryStore, user: str, *, run_key: str = FOLDER.run_key, model: str = MODEL) -> str:
    """Store an answer of 1,000,000 input and 100,000 output tokens, and return its URI."""
    answers, request = AnswerStore(store, FOLDER.responses, run_key), make_request(model, user=user)
    answers.store_batch_answer(
        request.key, Completion("text", "end_turn", 1_000_000, 100_000), identity=request.identity, max_tokens=64
    )
    return answers.uri(request)


def usd(store: MemoryStore) -> float:
    return total_usd(paid_call_lines(store, FOLDER, load_prices()))


def price(answers: int, *, batch: bool = True) -> float:
    input_price, output_price = load_prices().token_prices(MODEL, batch=batch)
    return pytest.approx(answers * (1e6 * input_price + 1e5 * output_price), abs=1e-3)


def test_answers_are_counted_although_no_task_has_a_result(store: MemoryStore) -> None:
    pay(store, "a"), pay(store, "b")
    assert usd(store) == price(2)


def test_the_answers_of_other_runs_are_not_counted(store: MemoryStore) -> None:
    pay(store, "a", run_key="another")
    assert usd(store) == 0


def test_answers_from_before_the_run_are_not_read(store: MemoryStore) -> None:
    uri = pay(store, "a")
    store.modified[FOLDER.run_record] = LONG_AGO + datetime.timedelta(days=1)
    store.objects[uri] = b"{"
    assert usd(store) == 0


def test_other_objects_and_custom_models_are_left_out(store: MemoryStore) -> None:
    store.write(f"{FOLDER.responses}/notes.txt", b"not JSON")
    record = {"identity": "arn:aws:bedrock:us-east-1:1:custom-model/x/abc", "paid_by": FOLDER.run_key}
    completion = {"input_tokens": 5, "output_tokens": 5}
    write_json(store, f"{FOLDER.responses}/abc/00/0.json", {**record, "completion": completion})
    assert usd(store) == 0


def test_the_tokens_of_a_deployment_are_counted_at_the_price_of_the_custom_model(store: MemoryStore) -> None:
    prices = Prices({"nova-micro": {"custom_input_per_million": 5, "custom_output_per_million": 7}}, batch_share=0.5)
    arn = "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-micro-v1:0:128k/abc123def456"
    deployment = "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/abc123def456"
    throughput = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc123def456"
    bedrock = FakeBedrock()
    bedrock.usage = (1_000_000, 1_000_000)
    answers = AnswerStore(store, FOLDER.responses, FOLDER.run_key)
    for user, endpoint in (("a", deployment), ("b", throughput)):
        answers.get_or_ask(make_request("nova-micro", identity=arn, invoke_id=endpoint, user=user), bedrock)
    assert {line.what: line.usd for line in paid_call_lines(store, FOLDER, prices)} == {
        "calls: nova-micro custom model input": 5,
        "calls: nova-micro custom model output": 7,
    }


def test_calls_without_an_answer_count_with_their_highest_cost(store: MemoryStore) -> None:
    lost = {"key": "a", "model": MODEL, "round": "synthesize 0", "input_tokens": 1_000_000, "output_tokens": 100_000}
    write_json(store, f"{FOLDER.lost_calls}a.json", lost)
    assert usd(store) == price(1, batch=False)


def test_a_run_that_never_started_has_paid_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    assert usd(store) == 0

    def no_bucket(_: str) -> None:
        raise NotFoundError("NoSuchBucket")

    monkeypatch.setattr(store, "describe", no_bucket)
    assert usd(store) == 0
