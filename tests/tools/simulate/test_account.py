"""An account in memory keeps its jobs on the clock, and goes back to earlier states."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tools.simulate.account import MemoryAccount
from tools.simulate.clock import VirtualClock, virtual_time

SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=any/20261125/us-east-1/bedrock/aws4_request, SignedHeaders=host,"
    f" Signature={'0' * 64}"
}
S3_SIGNED = SIGNED["Authorization"].replace("/bedrock/", "/s3/")
URL = "http://127.0.0.1:9"


@pytest.fixture
def account() -> Iterator[MemoryAccount]:
    opened = MemoryAccount((), throughput_seconds=600.0, model_units=1)
    clock = VirtualClock(opened)
    with virtual_time(clock):
        yield opened
    opened.close()


def buy(account: MemoryAccount, name: str) -> int:
    body = f'{{"provisionedModelName": "{name}", "modelId": "amazon.nova-micro-v1:0:128k", "modelUnits": 1}}'
    return account.answer("POST", f"{URL}/provisioned-model-throughput", SIGNED, body.encode()).status


def test_the_handlers_are_those_of_the_simulator(account: MemoryAccount) -> None:
    answer = account.answer("GET", f"{URL}/model-customization-jobs/x", SIGNED, b"")
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (404, "ResourceNotFoundException")


def test_the_ledger_goes_back_with_the_state(account: MemoryAccount) -> None:
    before = account.snapshot()
    assert buy(account, "one") == 201
    assert [one["name"] for one in account.ledger["throughputs"]] == ["one"]
    account.restore(before)
    assert account.ledger["throughputs"] == []
    assert buy(account, "two") == 201


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/model-customization-jobs/x", "GetModelCustomizationJob"),
        ("PUT", "/bucket/key", "PutObject"),
        ("GET", "/bucket?list-type=2", "GetBucket"),
    ],
)
def test_requests_have_the_names_of_their_operations(account: MemoryAccount, method: str, path: str, name: str) -> None:
    assert account.operation(method, URL + path) == name


def test_without_jobs_nothing_is_due(account: MemoryAccount) -> None:
    assert account.next_due() is None


def test_a_request_that_the_account_lacks_is_an_error_of_the_model(account: MemoryAccount) -> None:
    account.objects.objects["bucket"] = {}
    with pytest.raises(RuntimeError, match=r"cannot answer GET.*NotImplemented"):
        account.answer("GET", f"{URL}/bucket/key?acl", {**SIGNED, "Authorization": S3_SIGNED}, b"")


def test_the_pages_of_snapshots_are_kept_once_until_they_are_forgotten(account: MemoryAccount) -> None:
    first = account.snapshot()
    buy(account, "one")
    second = account.snapshot()
    assert any(one is other for one, other in zip(first.state, second.state, strict=False))
    account.forget_pages()
    assert account._pages == {}
    account.restore(first)
    assert account.ledger["throughputs"] == []
