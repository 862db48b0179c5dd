"""The SQLite file that keeps jobs, models, throughputs and tags."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tools.aws_simulator.account.state import Resource, State

RESOURCE: Resource[Any] = Resource(
    "throughput", "arn:1", "us-east-1", "first", 1.0, {"units": 1, "fault": None}, "token"
)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    opened = State(tmp_path / "state.sqlite")
    yield opened
    opened.close()


def test_a_resource_is_found_by_arn_name_and_token_only_in_its_region(state: State) -> None:
    state.throughputs.add(RESOURCE)
    assert state.throughputs.find("us-east-1", "arn:1") == state.throughputs.find("us-east-1", "first") == RESOURCE
    assert state.throughputs.find_by_token("us-east-1", "token") == RESOURCE
    assert state.throughputs.find("us-west-2", "first") is None
    assert state.throughputs.find_by_token("us-west-2", "token") is None
    assert state.throughputs.find_by_token("us-east-1", None) is None
    assert state.jobs.find("us-east-1", "first") is None


def test_a_deleted_resource_is_kept_for_the_ledger_and_for_its_token(state: State) -> None:
    state.throughputs.add(RESOURCE)
    assert state.exists("arn:1", "us-east-1")
    state.throughputs.delete("arn:1", 5.0)
    deleted = replace(RESOURCE, deleted=5.0)
    assert not state.exists("arn:1", "us-east-1")
    assert state.throughputs.find("us-east-1", "first") is None
    assert state.throughputs.all() == []
    assert state.throughputs.all(with_deleted=True) == [deleted]
    assert state.throughputs.get("arn:1") == state.throughputs.find_by_token("us-east-1", "token") == deleted


def test_a_change_replaces_keys_of_the_body_and_keeps_the_others(state: State) -> None:
    state.throughputs.add(RESOURCE)
    changed = state.throughputs.change("arn:1", units=2)
    assert changed.body == {"units": 2, "fault": None}
    assert state.throughputs.get("arn:1") == changed
    state.throughputs.rename("arn:1", "second")
    assert state.throughputs.find("us-east-1", "second") == replace(changed, name="second")
    with pytest.raises(KeyError):
        state.throughputs.change("arn:2", units=1)


def test_resources_are_listed_by_kind_and_region_in_the_order_of_their_creation(state: State) -> None:
    for number, (region, created) in enumerate([("us-east-1", 3.0), ("us-west-2", 1.0), ("us-east-1", 2.0)]):
        state.throughputs.add(replace(RESOURCE, arn=f"arn:{number}", name=f"{number}", region=region, created=created))
    assert [found.name for found in state.throughputs.all()] == ["1", "2", "0"]
    assert [found.name for found in state.throughputs.all("us-east-1")] == ["2", "0"]
    assert state.batch_jobs.all() == []


def test_a_transaction_that_raises_changes_nothing(state: State) -> None:
    def change_and_raise() -> None:
        with state.transaction():
            state.throughputs.add(RESOURCE)
            with state.transaction():
                state.tag("arn:1", {"a": "b"})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_raise()
    assert state.throughputs.all() == []
    assert state.tags("arn:1") == {}


def test_tags_are_replaced_and_removed_by_key(state: State) -> None:
    state.tag("arn:1", {"b": "1", "a": "1"})
    state.tag("arn:1", {"b": "2"})
    state.untag("arn:1", ["a", "never there"])
    assert state.tags("arn:1") == {"b": "2"}
    assert state.tags("arn:2") == {}


def test_everything_is_kept_when_the_file_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    first = State(path)
    first.throughputs.add(RESOURCE)
    first.tag("arn:1", {"a": "b"})
    first.store("settings", {"model_units": 1})
    first.close()
    second = State(path)
    assert second.throughputs.all() == [RESOURCE]
    assert (second.tags("arn:1"), second.load("settings", {})) == ({"a": "b"}, {"model_units": 1})
    assert second.load("faults", []) == []
    second.close()


def test_threads_can_change_one_resource_without_losing_a_change(state: State) -> None:
    state.throughputs.add(RESOURCE)

    def count() -> None:
        for _ in range(50):
            with state.transaction():
                state.throughputs.change("arn:1", units=state.throughputs.get("arn:1").body["units"] + 1)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert state.throughputs.get("arn:1").body["units"] == 201


def test_a_state_in_memory_goes_back_to_a_snapshot() -> None:
    state = State(Path(":memory:"))
    state.throughputs.add(RESOURCE)
    snapshot = state.snapshot()
    state.throughputs.delete(RESOURCE.arn, 2.0)
    state.restore(snapshot)
    assert [one.name for one in state.throughputs.all()] == ["first"]
    state.close()
