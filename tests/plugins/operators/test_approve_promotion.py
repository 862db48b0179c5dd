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
from include.distill.evaluation.approval import decision_hash
from tests.fakes.decided_report import ADA, ARMS, REPORTED, decide, decision
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import RUN_URI, freeze


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
