from __future__ import annotations

import datetime
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from bedrock_distill.operators import human_approval
from bedrock_distill.operators.approve_promotion import PromotionApprovalOperator
from include.distill.config.run_record import RunIdentity, claim_run_folder
from include.distill.config.use_case import UseCase
from include.distill.core.errors import RefusedError
from include.distill.core.storage import write_json
from include.distill.cost.prices import load_prices
from include.distill.evaluation.approval import decision_hash
from include.distill.evaluation.champion_parts import ChampionEndpoint, EndpointPrice
from include.distill.evaluation.endpoint_records import StandingPrice
from tests.fakes.decided_report import ADA, ARMS, CHAMPION_URI, REPORTED, decide, decision
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.standing_run import NAME, prepare
from tests.plugins.conftest import RUN_URI, freeze, make_champion

PRICE: StandingPrice = {"usd_per_hour": load_prices().price("nova-micro", "throughput_per_hour"), "units": 1}


@pytest.fixture
def ask(equip: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The task ``approve``, which returns its question and does not wait."""
    monkeypatch.setattr(human_approval.ApprovalOperator, "execute", lambda self, context: (self.subject, self.body))
    monkeypatch.setattr(human_approval.AskPersonOperator, "_require_present_text", lambda self, context: None)
    return equip(PromotionApprovalOperator(task_id="approve", run_uri=RUN_URI, reported=REPORTED))


class TestApproval:
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


class TestPrice:
    """With `promotion.serve: provisioned`, a person approves the price per hour once."""

    @pytest.fixture
    def asked(self, ask: Any, store: MemoryStore, use_case: UseCase, bedrock: FakeBedrock, context: Any) -> Any:
        def run(**promotion: Any) -> Any:
            prepare(store, use_case, bedrock, serve="provisioned", **promotion)
            return ask.execute(context)

        return run

    @pytest.fixture
    def approved(self, store: MemoryStore, bedrock: FakeBedrock) -> None:
        bedrock.put_throughput(NAME, "InService", model_arn="arn:model/champion")
        bedrock.tags_of[f"arn:throughput/{NAME}"] = {
            "project": "bedrock-distill", "environment": "test", "use-case": "aws_docs_qa", "role": "standing",
        }  # fmt: skip
        endpoint = ChampionEndpoint(
            kind="provisioned", name=NAME, arn=f"arn:throughput/{NAME}", region="us-east-1", created="c", units=1,
            approved_price=EndpointPrice(usd_per_hour=PRICE["usd_per_hour"], by="ada", at="t"),
        )  # fmt: skip
        write_json(store, CHAMPION_URI, make_champion(endpoint=endpoint).model_dump(mode="json"))

    def test_the_price_is_asked_about_also_if_no_person_must_approve_the_model(self, asked: Any, context: Any) -> None:
        subject, body = asked()
        assert f"pay ${PRICE['usd_per_hour']:,.2f} per hour" in subject
        assert "until a person deletes it" in body
        assert context["ti"].xcoms["asked"] == decision_hash(decision("tuned"), PRICE)

    def test_an_approved_price_is_not_asked_about_again(self, asked: Any, approved: None) -> None:
        assert asked() is None

    def test_the_model_is_still_asked_about_if_the_use_case_requires_it(
        self, asked: Any, approved: None, context: Any
    ) -> None:
        subject, body = asked(ask_a_person=True)
        assert "per hour" not in subject + body
        assert context["ti"].xcoms["asked"] == decision_hash(decision("tuned"))

    def test_a_deployment_has_no_price_per_hour(
        self, ask: Any, store: MemoryStore, use_case: UseCase, bedrock: FakeBedrock, context: Any
    ) -> None:
        prepare(store, use_case, bedrock, serve="on_demand", ask_a_person=True)
        assert "per hour" not in ask.execute(context)[0]
