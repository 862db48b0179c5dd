from __future__ import annotations

import pytest

from bedrock_distill.lifecycle.buy_once import buy_once, refused_but_not_listed
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


def test_an_existing_resource_is_not_bought() -> None:
    shop = Shop(there=True)
    purchase = buy_once("job", find=shop.find, create=shop.create)
    assert (purchase.resource, purchase.bought, shop.orders) == ("job", False, [])


def test_a_missing_resource_is_bought_once() -> None:
    shop = Shop()
    assert buy_once("job", find=shop.find, create=shop.create).bought
    assert not buy_once("job", find=shop.find, create=shop.create).bought
    assert shop.orders == ["job"]


@pytest.mark.parametrize(
    "doubt",
    [
        pytest.param(TransientError("connection lost"), id="lost response"),
        pytest.param(ConflictError("token already used"), id="repeated token"),
        pytest.param(ThrottledError("slow down"), id="the client repeated a lost call and was throttled"),
        pytest.param(ContractError("no jobArn"), id="response in an unknown format"),
    ],
)
def test_an_uncertain_purchase_is_looked_up_and_not_bought_again(doubt: Exception) -> None:
    shop = Shop(answer=doubt)
    purchase = buy_once("job", find=shop.find, create=shop.create)
    assert (purchase.resource, purchase.bought, shop.orders) == ("job", True, ["job"])


def test_if_nothing_was_bought_the_error_reaches_the_caller() -> None:
    shop = Shop(answer=TransientError("connection lost"), delivers=False)
    with pytest.raises(TransientError, match="connection lost"):
        buy_once("job", find=shop.find, create=shop.create)


def test_a_refusal_is_raised_without_another_look_up() -> None:
    shop = Shop(answer=RefusedError("no quota"))
    with pytest.raises(RefusedError, match="no quota"):
        buy_once("job", find=shop.find, create=shop.create)


def test_a_purchase_that_cannot_be_found_yet_is_a_transient_error() -> None:
    shop = Shop(delivers=False)
    with pytest.raises(TransientError, match="does not buy another"):
        buy_once("job", find=shop.find, create=shop.create)


def test_a_refusal_without_a_listed_job_names_the_job_and_bedrocks_reason() -> None:
    error = ConflictError("create job-1: the name is in use.")
    assert refused_but_not_listed("batch job", "job-1", error) == (
        "Bedrock refused to create a second batch job job-1, but lists no such job (create job-1: the name is in use)"
    )
