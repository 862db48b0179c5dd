"""The crash table counts what each case bought, and controls the simulator."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fakes.aws_simulator import start_simulator
from tools.chaos.account import Account, paid_again, purchases


def test_only_what_a_case_bought_is_counted_for_it() -> None:
    ledger = {
        "jobs": [{"name": "c01-tuned-a"}, {"name": "c011-tuned-a"}],
        "batch_jobs": [{"name": "c01-synthesize-a"}, {"name": "c011-synthesize-a"}],
        "evaluation_jobs": [{"name": "c01-base-nova-pr-a"}, {"name": "c02-base-nova-pr-a"}],
        "optimization_jobs": [{"name": "c01-prompted-a"}, {"name": "c02-prompted-a"}],
        "throughputs": [{"name": "c01-tuned-r-s1", "alive": True}, {"name": "c02-tuned-r-s1", "alive": True}],
        "deployments": [{"name": "c01-tuned-r-s1", "alive": True}, {"name": "c02-tuned-r-s1", "alive": True}],
    }
    bought = purchases(ledger, "c01-tuned-")
    assert (len(bought["jobs"]), len(bought["throughputs"]), len(bought["deployments"])) == (1, 1, 1)
    assert bought["alive"] == 2
    assert [job["name"] for job in purchases(ledger, "c01-synthesize-")["jobs"]] == ["c01-synthesize-a"]
    assert [job["name"] for job in purchases(ledger, "c01-base-")["jobs"]] == ["c01-base-nova-pr-a"]
    assert [job["name"] for job in purchases(ledger, "c01-prompted-")["jobs"]] == ["c01-prompted-a"]


def test_the_first_call_about_a_document_is_not_paid_again() -> None:
    key = hashlib.sha256(b"mine").hexdigest()[:16]
    assert paid_again({"by_document": {key: 1}}, ["mine"]) == 0
    assert paid_again({"by_document": {key: 3, "other": 9}}, ["mine"]) == 2


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    with start_simulator(tmp_path) as simulator:
        yield Account(simulator.url)


def test_a_fault_hits_only_its_own_case(account: Account) -> None:
    account.change_settings(model_units=2)
    account.add_fault(operation="CreateProvisionedModelThroughput", kind="throttle", match="c01-", times=1)
    account.buy_foreign_throughput("c02-mine")
    assert account.fired("c01-", "CreateProvisionedModelThroughput") == 0
    with pytest.raises(httpx.HTTPStatusError, match="429"):
        account.buy_foreign_throughput("c01-mine")
    assert account.fired("c01-", "CreateProvisionedModelThroughput") == 1
    account.delete_throughput("c02-mine")
    assert account.ledger()["throughputs_alive"] == 0


def test_an_object_is_read_as_it_was_written(account: Account) -> None:
    account.create_bucket("a-bucket")
    account.create_bucket("a-bucket")
    account.write_object("s3://a-bucket/folder/key.json", b"{}")
    assert account.read_object("s3://a-bucket/folder/key.json") == b"{}"


def test_a_simulator_that_does_not_answer_is_not_open(account: Account) -> None:
    assert account.is_open()
    assert not Account("http://127.0.0.1:9").is_open()
