"""A process depends on nothing but the state in which it starts."""

from __future__ import annotations

import random
import secrets
import uuid

import pytest
from botocore.retries.quota import RetryQuota

from tools.simulate.account import MemoryAccount
from tools.simulate.repeatable import Repeatable


class Numbers(MemoryAccount):
    """An account that only counts."""

    def __init__(self) -> None:
        self._numbers = 0
        self._present = None


@pytest.fixture
def repeatable() -> Repeatable:
    return Repeatable(Numbers())


def test_the_same_state_gives_the_same_numbers_and_another_state_other_identifiers(repeatable: Repeatable) -> None:
    drawn = {}
    with repeatable.connected():
        for name, state in (("first", b"1"), ("same", b"1"), ("other", b"2")):
            repeatable.begin(state)
            drawn[name] = (uuid.uuid4(), random.random())
    assert drawn["first"] == drawn["same"]
    assert drawn["first"][0] != drawn["other"][0]
    assert drawn["first"][1] == drawn["other"][1]  # so the pauses between retries do not depend on the state


def test_the_account_never_gives_an_identifier_twice(repeatable: Repeatable) -> None:
    with repeatable.connected():
        found = []
        for _ in range(3):
            repeatable.begin(b"same")
            found += [secrets.token_hex(6), secrets.token_hex(6)]
    assert len(set(found)) == 6


def test_each_process_starts_with_the_whole_budget_for_retries(repeatable: Repeatable) -> None:
    with repeatable.connected():
        quota = RetryQuota(10)
        assert quota.acquire(8)
        assert not quota.acquire(8)
        repeatable.begin(b"next")
        assert quota.acquire(8)


def test_python_draws_its_own_numbers_again_afterwards(repeatable: Repeatable) -> None:
    random.seed(5)
    expected, _ = random.random(), random.seed(5)
    with repeatable.connected():
        repeatable.begin(b"1")
        random.random()
    assert random.random() == expected
    assert len({uuid.uuid4(), uuid.uuid4()}) == 2


def test_identifiers_that_nobody_uses_lead_to_the_same_next_one(repeatable: Repeatable) -> None:
    with repeatable.connected():
        repeatable.begin(b"1")
        _, _, third = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
        repeatable.begin(b"1")
        repeatable.draw(2)
        assert repeatable.position == (b"1", 2)
        assert uuid.uuid4() == third


def test_a_used_budget_for_retries_is_noticed_until_the_next_process(repeatable: Repeatable) -> None:
    with repeatable.connected():
        quota = RetryQuota(10)
        assert not repeatable.has_retried
        quota.acquire(1)
        assert repeatable.has_retried
        repeatable.begin(b"next")
        assert not repeatable.has_retried
