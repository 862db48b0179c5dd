from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.operators.settle import SettleEndpointOperator
from include.distill.config.use_case import UseCase
from include.distill.cost.prices import load_prices
from include.distill.evaluation.champion_parts import ChampionEndpoint, EndpointPrice
from include.distill.evaluation.endpoint_change import Holder
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.standing_run import NAME, prepare
from tests.plugins.conftest import FOLDER, RUN_URI, make_champion

PRICE = load_prices().price("nova-micro", "throughput_per_hour")


@pytest.fixture
def task(equip: Any, store: MemoryStore, use_case: UseCase, bedrock: FakeBedrock) -> Any:
    def make(serve: str) -> SettleEndpointOperator:
        prepare(store, use_case, bedrock, serve=serve)
        made: SettleEndpointOperator = equip(SettleEndpointOperator(task_id="settle", run_uri=RUN_URI))
        return made

    return make


def test_the_holder_of_the_lock_is_the_dag_run(task: Any, context: Any) -> None:
    assert task("on_demand").holder(context) == Holder("d", "r", FOLDER.run_key)


@pytest.mark.parametrize(
    ("state", "live"), [("queued", True), ("running", True), ("success", False), ("failed", False)]
)
def test_a_run_that_is_queued_or_running_keeps_the_lock(task: Any, context: Any, state: str, live: bool) -> None:
    context["ti"].get_dagrun_state = lambda dag_id, run_id: state
    assert task("on_demand").is_live(context)("d", "other") is live


def test_without_the_use_case_it_is_not_known_what_the_endpoint_costs(task: Any) -> None:
    words = "if it is provisioned throughput, by the hour until a person deletes it"
    assert words in task("on_demand").billed_now(ValueError())


def test_a_deployment_is_not_billed_while_it_is_idle(task: Any) -> None:
    settle = task("on_demand")
    assert settle.use_case.promotion.serve == "on_demand"
    assert "not while it is idle" in settle.billed_now(ValueError())
    assert "billed by the token" in settle.cost_so_far()


def test_throughput_is_billed_until_a_person_deletes_it(task: Any) -> None:
    settle = task("provisioned")
    assert settle.use_case.promotion.serve == "provisioned"
    assert f"at ${PRICE:,.2f} per hour until a person deletes it" in settle.billed_now(ValueError())
    assert f"${PRICE:,.2f} per hour" in settle.cost_so_far()


class TestPriceQuestion:
    def question(self, task: Any, approved: float | None) -> Any:
        price = EndpointPrice(usd_per_hour=approved, by="ada", at="t") if approved else None
        endpoint = ChampionEndpoint(
            kind="provisioned", name=NAME, arn="a", region="us-east-1", created="c", units=2, approved_price=price
        )
        return task("provisioned").price_question("provisioned", "nova-micro", make_champion(endpoint=endpoint))

    def test_an_endpoint_that_does_not_exist_has_an_open_price(self, task: Any) -> None:
        question = self.question(task, 100 * PRICE)
        assert (question.price, question.is_open) == ({"usd_per_hour": PRICE, "units": 1}, True)

    @pytest.mark.parametrize(("approved", "is_open"), [(2 * PRICE, False), (PRICE, True), (None, True)])
    def test_an_existing_endpoint_is_priced_with_its_own_units(
        self, task: Any, bedrock: FakeBedrock, approved: float | None, is_open: bool
    ) -> None:
        bedrock.put_throughput(NAME, "InService", units=2)
        bedrock.tags_of[f"arn:throughput/{NAME}"] = {
            "project": "bedrock-distill", "environment": "test", "use-case": "aws_docs_qa", "role": "standing",
        }  # fmt: skip
        question = self.question(task, approved)
        assert (question.price["usd_per_hour"], question.is_open) == (2 * PRICE, is_open)

    def test_a_deployment_has_no_price_per_hour(self, task: Any) -> None:
        assert task("on_demand").price_question("on_demand", "nova-micro", None) is None
