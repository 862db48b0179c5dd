"""Test that both tasks that carry out a promotion find the same winner. Further cases are in the tests of promote."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from bedrock_distill.operators.promote import PromoteChampionOperator
from bedrock_distill.operators.switch import SwitchChampionOperator
from bedrock_distill.operators.winner import WinnerOperator, trained_model
from include.distill.config.use_case import UseCase
from include.distill.core.errors import EarlierVersionError, PromotionError
from include.distill.core.storage import write_json
from include.distill.evaluation.champion_parts import WithdrawnModel
from tests.fakes.decided_report import CHAMPION_URI, REPORTED, TRAINED
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.standing_run import MODEL, prepare
from tests.plugins.conftest import RUN_URI, make_champion

BOTH = pytest.mark.parametrize("operator", [SwitchChampionOperator, PromoteChampionOperator])


@pytest.fixture(autouse=True)
def run(store: MemoryStore, use_case: UseCase, bedrock: FakeBedrock) -> None:
    prepare(store, use_case, bedrock)


def task(equip: Any, operator: type[WinnerOperator], **more: Any) -> WinnerOperator:
    made: WinnerOperator = equip(operator(task_id="t", run_uri=RUN_URI, reported=REPORTED, trained=TRAINED, **more))
    return made


@BOTH
def test_the_winner_is_the_model_of_the_arm_that_the_rule_promotes(equip: Any, operator: Any, context: Any) -> None:
    winner = task(equip, operator).winner(context)
    assert (winner.champion.model_arn, winner.champion.arm) == (MODEL, "tuned")
    assert (winner.compared, winner.current, winner.price) == (None, None, None)


@BOTH
def test_a_rejection_counts_for_both_tasks(equip: Any, operator: Any, context: Any) -> None:
    rejected = {"chosen_options": ["Reject"], "responded_by_user": {"id": "1", "name": "ada"}}
    with pytest.raises(AirflowSkipException, match="no person approved tuned"):
        task(equip, operator, approval=rejected).winner(context)
    assert "no person approved tuned" in context["ti"].xcoms["not_promoted"]


@BOTH
def test_a_model_that_a_person_rolled_back_from_is_not_promoted_again(
    equip: Any, operator: Any, context: Any, store: MemoryStore
) -> None:
    withdrawn = WithdrawnModel(model_arn=MODEL, at="2026-11-26T02:00:00+00:00", by="ada", run_key="r")
    write_json(store, CHAMPION_URI, make_champion(withdrawn=(withdrawn,)).model_dump(mode="json"))
    with pytest.raises(AirflowSkipException, match="rolled back by ada on 2026-11-26"):
        task(equip, operator).winner(context)


@BOTH
def test_a_model_that_is_gone_is_an_error(equip: Any, operator: Any, context: Any, bedrock: FakeBedrock) -> None:
    bedrock.models.clear()
    with pytest.raises(PromotionError, match="no longer exists"):
        task(equip, operator).winner(context)


def test_a_result_without_a_model_names_the_task_to_clear() -> None:
    with pytest.raises(EarlierVersionError, match=r"tuned\.trained"):
        trained_model({}, "tuned", reader="switch")
