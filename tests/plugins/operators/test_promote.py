from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowSkipException

from bedrock_distill.operators import human_approval
from bedrock_distill.operators.promote import (
    DeleteLosersOperator,
    PromoteChampionOperator,
    PromotionApprovalOperator,
)
from bedrock_distill.task_groups.champion_asset import champion_asset
from include.distill.config.run_record import RunIdentity, claim_run_folder
from include.distill.config.use_case import UseCase
from include.distill.core.errors import PromotionError, RefusedError
from include.distill.core.storage import write_json
from include.distill.evaluation.answer_counts import count_endings
from include.distill.evaluation.approval import decision_hash
from include.distill.evaluation.champion import Champion, read_champion, save_champion_snapshot
from include.distill.evaluation.comparisons import compare
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze, make_champion

CHAMPION_URI = f"{FOLDER.root}/champions/aws_docs_qa.json"
ASSET = champion_asset("aws_docs_qa")
BASE = {"name": "base", "kind": "base"}
ARMS = [BASE, {"name": "tuned"}, {"name": "more"}, {"name": "best", "kind": "champion"}]
ADA = {"id": "1", "name": "ada"}
TRAINED = {name: {"model_arn": f"arn:model/{name}"} for name in ("tuned", "more")}
JUDGES = ("claude-haiku-4-5", "mistral-large-3")
CUT = count_endings([{"answer": "A.", "stop_reason": "max_tokens"}] * 120)
COMPLETE = count_endings([{"answer": "A.", "stop_reason": "end_turn"}] * 120)
REPORTED = {"report_json_uri": FOLDER.report("json"), "report_html_uri": FOLDER.report("html")}


def decision(candidate: str, bound: float = 0.6, *, promoted: bool = True) -> dict[str, Any]:
    return {
        "candidate": candidate,
        "champion": "best",
        "promoted": promoted,
        "reasons": [f"haiku: lower bound {bound:.1%}"],
        "lower_bound": bound,
    }


def comparison(judge: str, candidate: str, outcomes: list[str], *, groups: int = 120) -> dict[str, Any]:
    verdicts = [
        {"row_id": f"r{n}", "judge": judge, "candidate": candidate, "baseline": "best", "order": order, "verdict": won}
        for n, won in enumerate(outcomes)
        for order in ("candidate_first", "baseline_first")
    ]
    return {**compare(verdicts, {f"r{n}": f"g{n % groups}" for n in range(len(outcomes))})}


CLEAR = ["candidate"] * 90 + ["baseline"] * 30


def decide(
    store: MemoryStore,
    *decisions: dict[str, Any],
    outcomes: list[str] = CLEAR,
    groups: int = 120,
    **more: Any,
) -> None:
    """Store a report with the decisions of the promotion rule, and with comparisons that have ``outcomes``."""
    report = {
        "comparisons": [
            comparison(judge, one["candidate"], outcomes, groups=groups) for one in decisions for judge in JUDGES
        ],
        "answer_endings": dict.fromkeys(("tuned", "more", "best", "base"), COMPLETE),
        "run_key": FOLDER.run_key,
        "dag_id": "d",
        "run_id": "r",
        "simulated": True,
        "verdict": "tuned is better: haiku preferred it.",
        "promotion": {"rule": "r", "false_promotions_a_year": 9, "decisions": list(decisions)},
        **more,
    }
    write_json(store, FOLDER.report("json"), report)


@pytest.fixture
def prepared(store: MemoryStore, use_case: UseCase, bedrock: FakeBedrock) -> MemoryStore:
    """A run with a champion's arm and two trained arms. No model has been promoted yet."""
    freeze(store, use_case, arms=ARMS)
    save_champion_snapshot(store, FOLDER, None)
    bedrock.models |= {"arn:model/tuned", "arn:model/more"}
    return store


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


class TestApproval:
    @pytest.fixture
    def ask(self, equip: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.setattr(human_approval.ApprovalOperator, "execute", lambda self, context: (self.subject, self.body))
        task = PromotionApprovalOperator(task_id="approve", run_uri=RUN_URI, reported=REPORTED)
        return equip(task)

    def test_the_question_shows_the_verdict_and_the_reasons_and_no_answer_means_rejection(
        self, ask: Any, prepared: MemoryStore, context: Any
    ) -> None:
        decide(prepared, decision("tuned"))
        subject, body = ask.execute(context)
        assert subject == "Promote tuned of aws_docs_qa?"
        assert "SIMULATED" in body.splitlines()[0]
        assert "lower bound 60" in body
        assert "The current champion: none yet" in body
        assert "no one answers within 20 hours, nothing changes" in body
        assert (ask.defaults, ask.response_timeout.total_seconds()) == (["Reject"], 20 * 3600)

    def test_the_question_is_not_rendered_as_a_template(self, ask: Any, prepared: MemoryStore, context: Any) -> None:
        decide(prepared, decision("tuned"), verdict="{{ var.value.secret }} <script>alert(1)</script>")
        _, body = ask.execute(context)
        assert not {"subject", "body"} & set(ask.template_fields)
        assert "<script" not in body

    @pytest.mark.parametrize(
        ("approvers", "assigned"),
        [
            ([], None),
            (["ada", {"id": 17, "name": "Bob"}], [{"id": "ada", "name": "ada"}, {"id": "17", "name": "Bob"}]),
        ],
    )
    def test_airflow_accepts_an_answer_only_from_the_approvers(
        self, ask: Any, prepared: MemoryStore, use_case: UseCase, context: Any, approvers: Any, assigned: Any
    ) -> None:
        freeze(prepared, use_case, arms=ARMS, promotion={"ask_a_person": True, "approvers": approvers})
        decide(prepared, decision("tuned"))
        ask.execute(context)
        assert ask.assigned_users == assigned

    def test_the_answer_contains_the_decision_that_the_person_saw(
        self, ask: Any, prepared: MemoryStore, context: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        decide(prepared, decision("tuned"))
        ask.execute(context)
        decide(prepared, decision("tuned", 0.7))  # the task `report` was cleared while the question was open
        ti = context["ti"]
        monkeypatch.setattr(type(ti), "xcom_pull", lambda self, task_ids, key: self.xcoms[key], raising=True)
        event = {
            "chosen_options": ["Approve"],
            "params_input": {},
            "responded_at": datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC),
            "responded_by_user": ADA,
        }
        answer = ask.execute_complete(context, event)
        assert (answer["asked"], answer["responded_by_user"]) == (decision_hash(decision("tuned")), ADA)

    def test_no_person_is_asked_about_a_folder_of_another_run(
        self, ask: Any, prepared: MemoryStore, context: Any
    ) -> None:
        decide(prepared, decision("tuned"))
        claim_run_folder(prepared, ask.folder, RunIdentity("prod", "distill_x", "r"), use_case="aws_docs_qa")
        with pytest.raises(RefusedError, match=r"belongs to run r of distill_x in environment prod"):
            ask.execute(context)

    def test_the_folder_is_not_read_when_the_answer_arrives(self, ask: Any, context: Any) -> None:
        """If S3 could not be read at this moment, the answer would be lost."""
        ask.__dict__["store"] = None
        ask.pre_execute(context)

    def test_without_a_winner_no_person_is_asked(self, ask: Any, prepared: MemoryStore, context: Any) -> None:
        decide(prepared, decision("tuned", promoted=False))
        with pytest.raises(AirflowSkipException):
            ask.execute(context)


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
        ],
    )
    def test_the_champion_and_the_previous_champion_are_kept(
        self, delete: Any, prepared: MemoryStore, bedrock: FakeBedrock, champion: Champion | None, left: list[str]
    ) -> None:
        if champion:
            write_json(prepared, CHAMPION_URI, champion.model_dump())
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
