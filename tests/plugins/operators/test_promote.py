from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowSkipException

from bedrock_distill.operators.approve_promotion import PromotionApprovalOperator
from bedrock_distill.operators.promote import (
    DeleteLosersOperator,
    PromoteChampionOperator,
)
from include.distill.config.use_case import UseCase
from include.distill.core.errors import EndedAttemptError, PromotionError
from include.distill.core.storage import write_json
from include.distill.cost.prices import load_prices
from include.distill.evaluation.approval import decision_hash
from include.distill.evaluation.champion import Champion, read_champion, save_champion_snapshot
from include.distill.evaluation.champion_parts import EndpointPrice
from tests.fakes.decided_report import (
    ADA,
    ARMS,
    ASSET,
    CHAMPION_URI,
    CLEAR,
    COMPLETE,
    CUT,
    REPORTED,
    TRAINED,
    decide,
    decision,
)
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.standing_run import ARN, MODEL, prepare, switched
from tests.plugins.conftest import FOLDER, RUN_URI, freeze, make_champion


@pytest.fixture
def promote(equip: Any, context: Any) -> Any:
    context["outlet_events"] = {ASSET: SimpleNamespace(extra=None)}

    def run(**more: Any) -> Any:
        task = PromoteChampionOperator(
            task_id="promote", run_uri=RUN_URI, reported=REPORTED, trained=TRAINED, outlets=[ASSET], **more
        )
        return equip(task).execute(context)

    return run


class TestPromote:
    def test_the_winner_is_stored_as_champion_and_an_event_is_emitted(
        self, promote: Any, prepared: MemoryStore, context: Any
    ) -> None:
        decide(prepared, decision("tuned"), decision("more", promoted=False))
        manifest = promote()
        champion = read_champion(prepared, CHAMPION_URI)
        assert champion is not None
        assert (champion.model_arn, champion.arm, champion.student) == ("arn:model/tuned", "tuned", "nova-micro")
        assert (champion.run_key, champion.simulated, champion.previous) == (FOLDER.run_key, True, None)
        assert "lower bound 60.0%" in champion.verdict
        assert manifest["champion_uri"] == CHAMPION_URI
        assert context["outlet_events"][ASSET].extra == {
            "model_arn": "arn:model/tuned",
            "verdict": champion.verdict,
            "run_key": FOLDER.run_key,
            "simulated": True,
            "champion_uri": CHAMPION_URI,
        }

    def test_of_several_winners_the_one_with_the_largest_lower_bound_is_promoted(
        self, promote: Any, prepared: MemoryStore
    ) -> None:
        decide(prepared, decision("tuned", 0.55), decision("more", 0.58))
        assert promote()["arm"] == "more"

    def test_the_approving_person_is_stored(self, promote: Any, prepared: MemoryStore) -> None:
        decide(prepared, decision("tuned"))
        promote(approval={"chosen_options": ["Approve"], "responded_by_user": ADA})
        champion = read_champion(prepared, CHAMPION_URI)
        assert champion is not None
        assert champion.approved_by == "ada"

    @pytest.mark.parametrize(
        "approval",
        [
            None,
            {"chosen_options": ["Reject"], "responded_by_user": ADA},
            {"chosen_options": ["Approve"], "responded_by_user": None},
            {"chosen_options": ["Approve"], "responded_by_user": {"id": "1", "name": ""}},
            {"chosen_options": ["Approve"], "responded_by_user": ADA, "asked": "another decision"},
            {"chosen_options": ["Approve"], "responded_by_user": {"id": "2", "name": "bob"}},
        ],
        ids=["marked as successful", "rejected", "nobody", "no name", "an earlier result", "not an approver"],
    )
    def test_a_winner_that_no_person_approved_is_not_promoted(
        self, promote: Any, prepared: MemoryStore, use_case: UseCase, context: Any, approval: Any
    ) -> None:
        rules = {"ask_a_person": True, "approvers": [{"id": "1", "name": "Ada"}]}
        freeze(prepared, use_case, arms=ARMS, promotion=rules)
        decide(prepared, decision("tuned"))
        with pytest.raises(AirflowSkipException, match=r"(?s)no person approved tuned: .*Clear the task `approve`"):
            promote(approval=approval)
        assert read_champion(prepared, CHAMPION_URI) is None
        assert context["outlet_events"][ASSET].extra is None

    def test_a_winner_that_an_approver_approved_is_promoted(
        self, promote: Any, prepared: MemoryStore, use_case: UseCase
    ) -> None:
        freeze(prepared, use_case, arms=ARMS, promotion={"ask_a_person": True, "approvers": [1]})
        decide(prepared, decision("tuned"))
        asked = decision_hash(decision("tuned"))
        assert promote(approval={"chosen_options": ["Approve"], "responded_by_user": ADA, "asked": asked})["arm"]

    def test_a_rejection_counts_even_if_the_frozen_use_case_requires_no_approval(
        self, promote: Any, prepared: MemoryStore
    ) -> None:
        """The task `approve` exists if approval was required when the DAG was parsed."""
        decide(prepared, decision("tuned"))
        with pytest.raises(AirflowSkipException, match="no person approved tuned"):
            promote(approval={"chosen_options": ["Reject"], "responded_by_user": ADA})

    def test_an_approve_task_without_a_result_counts_as_no_approval(
        self, equip: Any, prepared: MemoryStore, context: Any
    ) -> None:
        decide(prepared, decision("tuned"))
        with DAG("d", schedule=None):
            asked = PromotionApprovalOperator(task_id="approve", run_uri=RUN_URI, reported=REPORTED).output
            task = PromoteChampionOperator(
                task_id="promote", run_uri=RUN_URI, reported=REPORTED, trained=TRAINED, approval=asked
            )
        task.approval = None  # as Airflow renders it after `approve` was marked as successful
        with pytest.raises(AirflowSkipException, match="marked as successful by hand"):
            equip(task).execute(context)

    def test_a_retry_emits_the_event_again_and_writes_nothing_new(
        self, promote: Any, prepared: MemoryStore, context: Any
    ) -> None:
        decide(prepared, decision("tuned"))
        promote()
        written = prepared.read(CHAMPION_URI)
        context["outlet_events"][ASSET].extra = None
        promote()
        assert prepared.read(CHAMPION_URI) == written
        assert context["outlet_events"][ASSET].extra["model_arn"] == "arn:model/tuned"

    @pytest.mark.parametrize("decisions", [[decision("tuned", 0.4, promoted=False)], []], ids=["lost", "not compared"])
    def test_without_a_winner_promote_is_skipped_and_emits_no_event(
        self, promote: Any, prepared: MemoryStore, context: Any, decisions: Any
    ) -> None:
        decide(prepared, *decisions)
        with pytest.raises(AirflowSkipException, match="No arm is promoted"):
            promote()
        assert not prepared.exists(CHAMPION_URI)
        assert context["outlet_events"][ASSET].extra is None

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            pytest.param({"outcomes": ["candidate"] * 55, "groups": 20}, "The sample is too small", id="too few"),
            pytest.param({"outcomes": CLEAR[:99]}, "The sample is too small", id="99 questions"),
            pytest.param({"groups": 39}, "The sample is too small", id="39 groups"),
            pytest.param({"outcomes": [*CLEAR, *["unparsable"] * 10]}, "could not be read", id="unreadable"),
            pytest.param({"outcomes": ["candidate", "baseline"] * 60}, "the finding is 'unclear'", id="no difference"),
            pytest.param({"answer_endings": {}}, "were not counted", id="stop reasons were not counted"),
            pytest.param(
                {"answer_endings": {"tuned": COMPLETE, "best": CUT}}, "120 truncated", id="the champion was truncated"
            ),
            pytest.param({"comparisons": []}, "No verdict", id="no comparisons"),
        ],
    )
    def test_a_report_of_an_earlier_version_promotes_no_arm_that_the_present_rule_refuses(
        self, promote: Any, prepared: MemoryStore, context: Any, changes: dict[str, Any], words: str
    ) -> None:
        decide(prepared, decision("tuned"), **changes)
        with pytest.raises(AirflowSkipException, match=f"No arm is promoted: .*{words}.*clear the task `report`"):
            promote()
        assert not prepared.exists(CHAMPION_URI)
        assert context["outlet_events"][ASSET].extra is None

    def test_a_report_without_a_rule_promotes_no_arm(self, promote: Any, prepared: MemoryStore) -> None:
        decide(prepared, promotion=None)
        with pytest.raises(AirflowSkipException):
            promote()

    def test_the_champion_is_not_promoted_again(self, promote: Any, prepared: MemoryStore) -> None:
        save_champion_snapshot(prepared, FOLDER, make_champion(model_arn="arn:model/tuned"))
        decide(prepared, decision("tuned"))
        with pytest.raises(AirflowSkipException, match="tuned is already the champion"):
            promote()

    def test_a_winner_that_was_not_compared_with_the_champion_does_not_replace_it(
        self, promote: Any, prepared: MemoryStore, use_case: UseCase
    ) -> None:
        freeze(prepared, use_case)
        save_champion_snapshot(prepared, FOLDER, make_champion())
        write_json(prepared, CHAMPION_URI, make_champion().model_dump())
        decide(prepared, decision("tuned"))
        with pytest.raises(AirflowSkipException, match="was not compared with the current champion"):
            promote()
        assert read_champion(prepared, CHAMPION_URI) == make_champion()

    def test_a_champion_that_changed_since_the_comparison_is_not_replaced(
        self, promote: Any, prepared: MemoryStore
    ) -> None:
        write_json(prepared, CHAMPION_URI, make_champion().model_dump())
        decide(prepared, decision("tuned"))
        with pytest.raises(PromotionError, match="Clear preflight with downstream"):
            promote()
        assert read_champion(prepared, CHAMPION_URI) == make_champion()

    def test_a_model_that_no_longer_exists_is_not_promoted(
        self, promote: Any, prepared: MemoryStore, bedrock: FakeBedrock
    ) -> None:
        bedrock.models.clear()
        decide(prepared, decision("tuned"))
        with pytest.raises(PromotionError, match=r"(?s)no longer exists in Bedrock.*clear preflight"):
            promote()
        assert not prepared.exists(CHAMPION_URI)


class TestStandingEndpoint:
    """The winner is recorded only if the standing endpoint answers with it and has passed the smoke prompts."""

    @pytest.fixture
    def behind(self, store: MemoryStore, use_case: UseCase, bedrock: FakeBedrock, equip: Any, context: Any) -> Any:
        """Promote after the winner was put behind the endpoint and was tried."""
        prepare(store, use_case, bedrock)
        context["outlet_events"] = {ASSET: SimpleNamespace(extra=None)}
        manifest = switched(equip, context, bedrock)
        smoked = {"arn": ARN, "model_arn": MODEL, "number": 1, "calls": 3, "usd": 0.0}

        def run(switched: Any = manifest, **changes: Any) -> Any:
            task = PromoteChampionOperator(
                task_id="promote", run_uri=RUN_URI, reported=REPORTED, trained=TRAINED, outlets=[ASSET],
                switched=switched, smoked={**smoked, **changes},
            )  # fmt: skip
            return equip(task).execute(context)

        return run

    def test_the_record_the_event_and_the_result_name_the_endpoint(
        self, behind: Any, store: MemoryStore, context: Any
    ) -> None:
        manifest = behind()
        champion = read_champion(store, CHAMPION_URI)
        assert champion is not None
        assert champion.endpoint is not None
        assert champion.changed_by is not None
        assert (champion.endpoint.arn, champion.endpoint.kind, champion.endpoint.units) == (ARN, "on_demand", None)
        assert (champion.changed_by.kind, champion.changed_by.run_id) == ("promotion", "r")
        assert (manifest["endpoint_arn"], manifest["endpoint_kind"]) == (ARN, "on_demand")
        assert context["outlet_events"][ASSET].extra["endpoint_arn"] == ARN

    def test_a_retry_writes_nothing_new(self, behind: Any, store: MemoryStore) -> None:
        behind()
        written = store.read(CHAMPION_URI)
        behind()
        assert store.read(CHAMPION_URI) == written

    @pytest.mark.parametrize("changes", [{"model_arn": "arn:model/more"}, {"number": 2}, {"arn": "arn:other"}])
    def test_the_smoke_test_of_another_change_does_not_count(
        self, behind: Any, store: MemoryStore, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(PromotionError, match=r"(?s)has not passed the smoke prompts.*Clear switch with downstream"):
            behind(**changes)
        assert not store.exists(CHAMPION_URI)

    def test_a_person_who_marks_smoke_as_successful_promotes_nothing(
        self, equip: Any, context: Any, behind: Any, store: MemoryStore
    ) -> None:
        task = PromoteChampionOperator(
            task_id="promote", run_uri=RUN_URI, reported=REPORTED, trained=TRAINED, switched={}, smoked={}
        )
        task.switched = task.smoked = None  # as Airflow renders the results of tasks that were marked
        with pytest.raises(PromotionError, match="has not passed the smoke prompts"):
            equip(task).execute(context)
        assert not store.exists(CHAMPION_URI)

    def test_a_run_whose_dag_has_lost_the_smoke_test_starts_again_with_preflight(
        self, behind: Any, promote: Any
    ) -> None:
        with pytest.raises(PromotionError, match="Clear preflight with downstream"):
            promote()

    def test_an_endpoint_that_answers_with_another_model_is_not_recorded(
        self, behind: Any, store: MemoryStore, bedrock: FakeBedrock
    ) -> None:
        bedrock.update_deployment(ARN, "arn:model/old")
        bedrock.end_change()
        with pytest.raises(PromotionError, match=r"(?s)answers with arn:model/old.*lear switch with downstream"):
            behind()
        assert not store.exists(CHAMPION_URI)

    def test_an_old_copy_records_no_champion(self, behind: Any, store: MemoryStore, context: Any) -> None:
        context["ti"].get_task_states = lambda **_: {"r": {"t": "success"}}
        with pytest.raises(EndedAttemptError, match="so this process did not record arn:model/tuned as the champion"):
            behind()
        assert not store.exists(CHAMPION_URI)

    def test_the_endpoint_is_checked_again_after_the_record_was_written(
        self, behind: Any, store: MemoryStore, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """`settle` deleted the endpoint while an old copy of this task slept before the first record of a champion."""
        write = store.write_if_absent

        def write_and_lose(uri: str, body: bytes) -> bool:
            if uri == CHAMPION_URI:
                bedrock.deployments.clear()
            return write(uri, body)

        monkeypatch.setattr(store, "write_if_absent", write_and_lose)
        with pytest.raises(PromotionError, match="does not exist any more"):
            behind()

    def test_the_approved_price_of_throughput_is_recorded_with_the_person(
        self, equip: Any, context: Any, store: MemoryStore, use_case: UseCase, bedrock: FakeBedrock
    ) -> None:
        prepare(store, use_case, bedrock, serve="provisioned")
        usd = load_prices().price("nova-micro", "throughput_per_hour")
        asked = decision_hash(decision("tuned"), {"usd_per_hour": usd, "units": 1})
        moment = datetime.datetime(2026, 11, 27, 3, tzinfo=datetime.UTC)
        approval = {
            "chosen_options": ["Approve"], "responded_by_user": ADA, "asked": asked, "responded_at": moment,
        }  # fmt: skip
        manifest = switched(equip, context, bedrock, approval=approval)
        smoked = {"arn": manifest["arn"], "model_arn": MODEL, "number": 1, "calls": 3, "usd": 0.0}
        task = PromoteChampionOperator(
            task_id="promote", run_uri=RUN_URI, reported=REPORTED, trained=TRAINED, approval=approval,
            switched=manifest, smoked=smoked,
        )  # fmt: skip
        equip(task).execute(context)
        champion = read_champion(store, CHAMPION_URI)
        assert champion is not None
        assert champion.endpoint is not None
        assert champion.endpoint.units == 1
        assert champion.endpoint.approved_price == EndpointPrice(usd_per_hour=usd, by="ada", at=moment.isoformat())


class TestLosers:
    @pytest.fixture
    def delete(self, equip: Any, context: Any, prepared: MemoryStore, bedrock: FakeBedrock) -> Any:
        decide(prepared, decision("tuned", promoted=False))
        for name in TRAINED:
            bedrock.tag(f"arn:model/{name}", {"project": "bedrock-distill", "use-case": "aws_docs_qa"})
        task = DeleteLosersOperator(task_id="delete_losers", run_uri=RUN_URI, reported=REPORTED, trained=TRAINED)
        return lambda: equip(task).execute(context)

    @pytest.mark.parametrize(
        ("champion", "left"),
        [
            pytest.param(None, [], id="nobody promoted"),
            pytest.param(make_champion(model_arn="arn:model/tuned"), ["tuned"], id="the champion"),
            pytest.param(
                make_champion(model_arn="arn:model/new", previous=make_champion(model_arn="arn:model/more")),
                ["more"],
                id="the one before it",
            ),
            pytest.param(
                make_champion(
                    model_arn="arn:model/new",
                    previous=make_champion(),
                    history=(make_champion(), make_champion(model_arn="arn:model/more")),
                ),
                ["more"],
                id="an earlier one to which a person may roll back",
            ),
        ],
    )
    def test_the_champion_and_the_previous_champion_are_kept(
        self, delete: Any, prepared: MemoryStore, bedrock: FakeBedrock, champion: Champion | None, left: list[str]
    ) -> None:
        if champion:
            write_json(prepared, CHAMPION_URI, champion.model_dump(mode="json"))
        assert delete()["left"] == left
        assert bedrock.models == {f"arn:model/{name}" for name in left}

    def test_a_winner_that_was_not_approved_is_kept_so_that_it_can_be_approved_later(
        self, delete: Any, prepared: MemoryStore, bedrock: FakeBedrock
    ) -> None:
        decide(prepared, decision("tuned"), decision("more", promoted=False))
        assert delete() == {"deleted": ["more"], "left": ["tuned"]}
        assert bedrock.models == {"arn:model/tuned"}

    @pytest.mark.parametrize(
        "tags", [{"use-case": "other"}, {"project": "other"}], ids=["another use case", "not ours"]
    )
    def test_a_model_without_the_tags_of_this_use_case_is_kept(
        self, delete: Any, prepared: MemoryStore, bedrock: FakeBedrock, tags: dict[str, str]
    ) -> None:
        bedrock.tag("arn:model/more", tags)
        assert delete() == {"deleted": ["tuned"], "left": ["more"]}

    def test_a_served_model_is_kept_and_a_second_attempt_finds_the_others_deleted(
        self, delete: Any, prepared: MemoryStore, bedrock: FakeBedrock
    ) -> None:
        bedrock.put_throughput("t", "InService", model_arn="arn:model/more")
        assert delete() == delete() == {"deleted": ["tuned"], "left": ["more"]}
