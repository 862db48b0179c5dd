"""Test the task that puts the winner behind the standing endpoint."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.distill.config.layout import champion_uri, endpoint_change_uri, smoke_prompts_uri
from include.distill.config.use_case import UseCase
from include.distill.core.errors import ChangeInProgressError, EndedAttemptError, PromotionError, RefusedError
from include.distill.core.storage import read_json, write_json
from include.distill.cost.prices import load_prices
from include.distill.evaluation.approval import decision_hash
from include.distill.evaluation.champion import save_champion_snapshot
from include.distill.evaluation.endpoint_records import EndpointChange, SmokePrompts
from tests.fakes.decided_report import ADA, decide, decision
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.standing_run import ARN, MODEL, NAME, ROWS, answer_rows, prepare, switch_task
from tests.plugins.conftest import FOLDER, freeze, make_champion

CHANGE = endpoint_change_uri(FOLDER.root, "aws_docs_qa")
SMOKE = smoke_prompts_uri(FOLDER.root, "aws_docs_qa")
CHAMPION = champion_uri(FOLDER.root, "aws_docs_qa")


@pytest.fixture
def run(store: MemoryStore, use_case: UseCase, bedrock: FakeBedrock) -> MemoryStore:
    prepare(store, use_case, bedrock)
    return store


def test_the_first_promotion_creates_the_endpoint(equip: Any, context: Any, run: Any, bedrock: FakeBedrock) -> None:
    manifest = switch_task(equip).execute(context)
    assert bedrock.bought == [NAME]
    assert manifest == {
        "kind": "on_demand",
        "name": NAME,
        "arn": ARN,
        "model_arn": MODEL,
        "student": "nova-micro",
        "number": 1,
        "created": True,
    }
    assert bedrock.tags_of[ARN]["role"] == "standing"
    assert read_json(run, CHANGE, EndpointChange)["state"] == "switching"


def test_a_retry_goes_on_with_the_same_change(equip: Any, context: Any, run: Any, bedrock: FakeBedrock) -> None:
    first = switch_task(equip).execute(context)
    assert switch_task(equip).execute(context)["number"] == first["number"]
    assert bedrock.bought == [NAME]


def test_the_smoke_prompts_are_those_of_short_documents_that_the_winner_answered(
    equip: Any, context: Any, run: Any
) -> None:
    switch_task(equip).execute(context)
    stored = read_json(run, SMOKE, SmokePrompts)["prompts"]
    shortest = sorted(ROWS, key=lambda row: (len(row["document"]), row["row_id"]))[:3]
    assert [prompt["row_id"] for prompt in stored] == [row["row_id"] for row in shortest]
    assert shortest[0]["document"] in stored[0]["user"]


def test_without_complete_answers_nothing_is_changed(
    equip: Any, context: Any, run: MemoryStore, bedrock: FakeBedrock
) -> None:
    for number, row in enumerate(ROWS):
        answer_rows(run, number, [row], stop_reason="max_tokens")
    with pytest.raises(PromotionError, match="are complete"):
        switch_task(equip).execute(context)
    assert (bedrock.bought, run.exists(CHANGE), run.exists(SMOKE)) == ([], False, False)


def test_without_a_winner_the_task_is_skipped_and_changes_nothing(
    equip: Any, context: Any, run: MemoryStore, bedrock: FakeBedrock
) -> None:
    decide(run, decision("tuned", promoted=False))
    with pytest.raises(AirflowSkipException, match="No arm is promoted"):
        switch_task(equip).execute(context)
    assert (bedrock.bought, run.exists(CHANGE)) == ([], False)


def test_a_champion_that_changed_since_the_comparison_stays_behind_the_endpoint(
    equip: Any, context: Any, run: MemoryStore, bedrock: FakeBedrock
) -> None:
    write_json(run, CHAMPION, make_champion().model_dump())
    with pytest.raises(PromotionError, match="Clear preflight with downstream"):
        switch_task(equip).execute(context)
    assert (bedrock.bought, run.exists(CHANGE)) == ([], False)


def test_the_change_names_the_champion_that_it_replaces(equip: Any, context: Any, run: MemoryStore) -> None:
    write_json(run, CHAMPION, make_champion().model_dump())
    save_champion_snapshot(run, FOLDER, make_champion())
    switch_task(equip).execute(context)
    assert read_json(run, CHANGE, EndpointChange)["replaces"] == "arn:model/champion"


def test_a_change_of_another_run_in_progress_is_waited_for(
    equip: Any, context: Any, run: MemoryStore, bedrock: FakeBedrock
) -> None:
    switch_task(equip).execute(context)
    other = {**read_json(run, CHANGE, EndpointChange), "run_key": "other", "run_id": "other", "state": "switching"}
    write_json(run, CHANGE, other)
    context["ti"].get_dagrun_state = lambda dag_id, run_id: "running"
    with pytest.raises(ChangeInProgressError, match="Run other of d"):
        switch_task(equip).execute(context)
    context["ti"].get_dagrun_state = lambda dag_id, run_id: "failed"
    assert switch_task(equip).execute(context)["number"] == 2


def test_an_old_copy_does_not_begin_a_change_that_no_task_would_settle(
    equip: Any, context: Any, run: MemoryStore, bedrock: FakeBedrock
) -> None:
    context["ti"].task_id = "switch"
    context["ti"].get_task_states = lambda **_: {"r": {"switch": "success"}}
    with pytest.raises(EndedAttemptError, match="Airflow no longer runs this attempt") as error:
        switch_task(equip).execute(context)
    assert "clear switch with downstream" in str(error.value)
    assert not run.exists(CHANGE)
    assert bedrock.bought == []


def test_a_run_that_began_without_a_standing_endpoint_is_not_promoted(
    equip: Any, context: Any, run: MemoryStore, use_case: UseCase
) -> None:
    freeze(run, use_case)
    with pytest.raises(PromotionError, match=r"began with promotion\.serve: none"):
        switch_task(equip).execute(context)


class TestPrice:
    """Provisioned throughput is bought only if a person approved its price."""

    @pytest.fixture(autouse=True)
    def by_the_hour(self, run: MemoryStore, use_case: UseCase, bedrock: FakeBedrock) -> None:
        prepare(run, use_case, bedrock, serve="provisioned")

    def test_it_is_not_bought_without_an_approval(self, equip: Any, context: Any, bedrock: FakeBedrock) -> None:
        answer = {"chosen_options": ["Approve"], "responded_by_user": ADA, "asked": decision_hash(decision("tuned"))}
        for approval in (None, answer):
            with pytest.raises(AirflowSkipException, match="no person approved tuned"):
                switch_task(equip, approval=approval).execute(context)
        assert bedrock.bought == []

    def test_it_is_bought_after_an_approval_of_the_price(self, equip: Any, context: Any, bedrock: FakeBedrock) -> None:
        price: Any = {"usd_per_hour": load_prices().price("nova-micro", "throughput_per_hour"), "units": 1}
        asked = decision_hash(decision("tuned"), price)
        answer = {"chosen_options": ["Approve"], "responded_by_user": ADA, "asked": asked}
        assert switch_task(equip, approval=answer).execute(context)["kind"] == "provisioned"
        assert bedrock.throughputs[NAME].units == 1


def test_the_error_about_an_endpoint_of_another_owner_says_that_nothing_was_changed(
    equip: Any, context: Any, run: MemoryStore, bedrock: FakeBedrock
) -> None:
    bedrock.put_deployment(NAME, "Active")
    with pytest.raises(RefusedError, match="is not the standing endpoint") as caught:
        switch_task(equip).execute(context)
    assert "The endpoint was not changed" in str(caught.value)
    assert bedrock.updated == []
