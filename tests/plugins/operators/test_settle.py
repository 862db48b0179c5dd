"""Test the task that ends a change of the standing endpoint. What it does is tested in lifecycle/test_settling.py."""

from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.operators.promote import PromoteChampionOperator
from bedrock_distill.operators.settle import SettleEndpointOperator
from bedrock_distill.operators.smoke import SmokeTestOperator
from include.distill.config.layout import endpoint_change_uri
from include.distill.config.use_case import UseCase
from include.distill.core.errors import PromotionError
from include.distill.core.storage import read_json, write_json
from include.distill.evaluation.endpoint_records import EndpointChange
from tests.fakes.decided_report import REPORTED, TRAINED
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.standing_run import ARN, MODEL, prepare, switched
from tests.plugins.conftest import FOLDER, RUN_URI

CHANGE = endpoint_change_uri(FOLDER.root, "aws_docs_qa")


@pytest.fixture
def settle(store: MemoryStore, use_case: UseCase, bedrock: FakeBedrock, equip: Any, context: Any) -> Any:
    prepare(store, use_case, bedrock)
    return lambda: equip(SettleEndpointOperator(task_id="settle", run_uri=RUN_URI)).execute(context)


def test_without_a_change_there_is_nothing_to_do(settle: Any, bedrock: FakeBedrock) -> None:
    assert settle() == {"action": "none", "arn": None, "model_arn": None}
    assert bedrock.updated == []


def test_an_endpoint_whose_model_was_not_promoted_is_deleted_and_the_lock_released(
    settle: Any, equip: Any, context: Any, store: MemoryStore, bedrock: FakeBedrock
) -> None:
    switched(equip, context, bedrock)
    assert settle()["action"] == "deleted"
    assert bedrock.deployments == {}
    assert read_json(store, CHANGE, EndpointChange)["state"] == "settled"


def test_after_a_promotion_the_endpoint_agrees_with_the_record_and_the_lock_is_released(
    settle: Any, equip: Any, context: Any, store: MemoryStore, bedrock: FakeBedrock
) -> None:
    bedrock.say = lambda request: "An answer."
    manifest = switched(equip, context, bedrock)
    smoked = equip(SmokeTestOperator(task_id="smoke", run_uri=RUN_URI, switched=manifest)).execute(context)
    promote = PromoteChampionOperator(
        task_id="promote", run_uri=RUN_URI, reported=REPORTED, trained=TRAINED, switched=manifest, smoked=smoked
    )
    equip(promote).execute(context)
    assert settle() == {"action": "none", "arn": ARN, "model_arn": MODEL}
    assert read_json(store, CHANGE, EndpointChange)["state"] == "settled"
    with pytest.raises(PromotionError, match="taken over the change"):  # an old copy of `promote` wakes up
        equip(promote).execute(context)


@pytest.mark.parametrize(("state", "action"), [("running", "left_to_other"), ("failed", "deleted")])
def test_the_change_of_another_run_is_left_to_it_as_long_as_it_runs(
    settle: Any, equip: Any, context: Any, store: MemoryStore, bedrock: FakeBedrock, state: str, action: str
) -> None:
    switched(equip, context, bedrock)
    write_json(store, CHANGE, {**read_json(store, CHANGE, EndpointChange), "run_key": "other", "run_id": "other"})
    context["ti"].get_dagrun_state = lambda dag_id, run_id: state
    assert settle()["action"] == action
    assert (ARN.removeprefix("arn:deployment/") in bedrock.deployments) is (action == "left_to_other")
