from __future__ import annotations

import pytest

from bedrock_distill.lifecycle.buy_once import buy_once
from include.distill.core.errors import ConflictError, ContractError, RefusedError, ThrottledError, TransientError


class Shop:
    def __init__(self, *, there: bool = False, answer: Exception | None = None, delivers: bool = True) -> None:
        self.there, self.answer, self.delivers = there, answer, delivers
        self.orders: list[str] = []

    def find(self, name: str) -> str | None:
        return name if self.there else None

    def create(self, name: str) -> None:
        self.orders.append(name)
        self.there = self.there or self.delivers
        if self.answer:
            raise self.answer


def test_a_thing_that_exists_is_not_bought() -> None:
    shop = Shop(there=True)
    purchase = buy_once("job", find=shop.find, create=shop.create)
    assert (purchase.resource, purchase.bought, shop.orders) == ("job", False, [])


def test_a_missing_thing_is_bought_once() -> None:
    shop = Shop()
    assert buy_once("job", find=shop.find, create=shop.create).bought
    assert not buy_once("job", find=shop.find, create=shop.create).bought
    assert shop.orders == ["job"]


@pytest.mark.parametrize(
    "doubt",
    [
        pytest.param(TransientError("connection lost"), id="lost answer"),
        pytest.param(ConflictError("token already used"), id="repeated token"),
        pytest.param(ThrottledError("slow down"), id="the client repeated a lost call and that was throttled"),
        pytest.param(ContractError("no jobArn"), id="answer in an unknown format"),
    ],
)
def test_a_purchase_in_doubt_is_looked_up_and_not_bought_again(doubt: Exception) -> None:
    shop = Shop(answer=doubt)
    purchase = buy_once("job", find=shop.find, create=shop.create)
    assert (purchase.resource, purchase.bought, shop.orders) == ("job", True, ["job"])


def test_when_the_purchase_never_arrived_its_error_reaches_the_caller() -> None:
    shop = Shop(answer=TransientError("connection lost"), delivers=False)
    with pytest.raises(TransientError, match="connection lost"):
        buy_once("job", find=shop.find, create=shop.create)


def test_a_refusal_is_final_and_not_looked_up() -> None:
    shop = Shop(answer=RefusedError("no quota"))
    with pytest.raises(RefusedError, match="no quota"):
        buy_once("job", find=shop.find, create=shop.create)


def test_a_purchase_that_cannot_be_found_is_left_to_a_retry_that_looks_first() -> None:
    shop = Shop(delivers=False)
    with pytest.raises(TransientError, match="does not buy another"):
        buy_once("job", find=shop.find, create=shop.create)
