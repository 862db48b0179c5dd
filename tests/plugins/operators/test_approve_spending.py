from __future__ import annotations

import datetime
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from bedrock_distill.operators import human_approval
from bedrock_distill.operators.approve_spending import ApproveSpendingOperator
from bedrock_distill.run.approved_spending import require_approved_spending
from include.distill.config.parsing import with_overrides
from include.distill.config.use_case import UseCase
from include.distill.core.errors import MissingObjectError, RefusedError
from include.distill.core.storage import read_json, write_json
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze

ADA = {"id": "1", "name": "ada"}
APPROVERS = [{"id": "1", "name": "Ada"}]


def estimate(store: MemoryStore, *, hours: float = 1, stored: float = 0, what: str = "throughput tuned: m") -> None:
    line = {"what": what, "quantity": hours, "unit": "unit-hour", "unit_price_usd": 60.5, "usd": hours * 60.5}
    write_json(store, FOLDER.estimate, {"lines": [line], "estimated_usd": hours * 60.5, "stored_usd": stored})


@pytest.fixture
def ask(equip: Any, store: MemoryStore, use_case: UseCase, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A task whose question is returned instead of being sent to Airflow."""
    monkeypatch.setattr(human_approval.ApprovalOperator, "execute", lambda self, context: (self.subject, self.body))
    monkeypatch.setattr(human_approval.AskPersonOperator, "_require_present_text", lambda self, context: None)
    freeze(store, use_case, approval={"approvers": APPROVERS, "answer_within_hours": 3})
    estimate(store)
    return equip(ApproveSpendingOperator(task_id="approve_spending", run_uri=RUN_URI))


def answer(ask: Any, context: Any, *chosen: str, user: Any = ADA) -> None:
    """Ask, and store the answer as the task does when it continues."""
    ask.execute(context)
    ti = context["ti"]
    ti.xcom_pull = lambda task_ids, key: ti.xcoms[key]
    moment = datetime.datetime(2026, 11, 27, 2, tzinfo=datetime.UTC)
    response = {"chosen_options": list(chosen), "params_input": {}, "responded_at": moment, "responded_by_user": user}
    ask.keep_answer(context, {**response, "asked": ti.xcoms["asked"]})


def renew(ask: Any) -> None:
    """Let the task read the frozen use case again, as a new process does."""
    ask.__dict__.pop("use_case", None)


def test_the_question_says_whether_the_account_is_simulated(ask: Any, context: Any, bedrock: FakeBedrock) -> None:
    assert "SIMULATED" not in ask.execute(context)[1]
    bedrock.simulated = True
    assert ask.execute(context)[1].startswith("**SIMULATED: ")


def test_the_question_names_prices_and_only_approvers_may_answer(ask: Any, context: Any) -> None:
    subject, body = ask.execute(context)
    assert subject == "May this run of aws_docs_qa spend about $60.50, with endpoints at $60.50 per hour?"
    assert "$60.50 per hour" in body.replace("\\", "")
    assert ask.assigned_users == APPROVERS
    assert ask.response_timeout == datetime.timedelta(hours=3)
    assert ask.defaults == ["Reject"]


def test_a_run_below_the_limits_asks_nobody(ask: Any, store: MemoryStore, context: Any, caplog: Any) -> None:
    write_json(store, FOLDER.estimate, {"lines": [], "estimated_usd": 1.5})
    with caplog.at_level("INFO"):
        assert ask.execute(context) is None


def test_a_dry_run_asks_nobody(ask: Any, context: Any) -> None:
    context["params"]["dry_run"] = True
    with pytest.raises(AirflowSkipException, match="buys nothing"):
        ask.execute(context)


def test_a_run_without_an_estimate_asks_nobody_and_fails(ask: Any, store: MemoryStore, context: Any) -> None:
    del store.objects[FOLDER.estimate]
    with pytest.raises(MissingObjectError, match="Clear estimate"):
        ask.execute(context)


def test_an_approval_is_recorded_and_lets_the_run_buy(ask: Any, store: MemoryStore, context: Any) -> None:
    answer(ask, context, "Approve")
    record = read_json(store, FOLDER.spending_approval, dict)
    expected = {
        "estimated_usd": 60.5, "to_pay_usd": 60.5, "usd_per_hour": 60.5, "decision": "approved", "user_id": "1",
        "user_name": "ada", "answered_at": "2026-11-27T02:00:00+00:00",
    }  # fmt: skip
    assert record.items() >= expected.items()
    require_approved_spending(ask)


@pytest.mark.parametrize(("user", "decision"), [(ADA, "rejected"), (None, "unanswered")])
def test_a_rejection_and_a_time_out_are_recorded_and_forbid_buying(
    ask: Any, store: MemoryStore, context: Any, user: Any, decision: str
) -> None:
    answer(ask, context, "Reject", user=user)
    assert read_json(store, FOLDER.spending_approval, dict)["decision"] == decision
    with pytest.raises(RefusedError, match="not approved"):
        require_approved_spending(ask)
    assert ask.execute(context) is not None, "clearing the task asks again"


def test_the_answer_of_a_user_who_is_no_approver_does_not_count(ask: Any, context: Any) -> None:
    answer(ask, context, "Approve", user={"id": "2", "name": "bob"})
    with pytest.raises(RefusedError, match=r"bob \(user id 2\) is not among the approvers"):
        require_approved_spending(ask)
    assert ask.execute(context) is not None


def test_a_cleared_estimate_asks_again_only_with_other_figures(ask: Any, store: MemoryStore, context: Any) -> None:
    answer(ask, context, "Approve")
    assert ask.execute(context) is None
    estimate(store, stored=30)
    assert ask.execute(context) is None, "the run pays less than what was approved"
    estimate(store, hours=2)
    assert ask.execute(context) is not None
    with pytest.raises(RefusedError, match="a different estimate"):
        require_approved_spending(ask)


def test_a_run_that_would_pay_more_than_was_approved_asks_again(ask: Any, store: MemoryStore, context: Any) -> None:
    estimate(store, stored=40)
    answer(ask, context, "Approve")
    estimate(store, stored=0)
    assert ask.execute(context) is not None


def test_text_in_the_estimate_is_neither_a_template_nor_markup(ask: Any, store: MemoryStore, context: Any) -> None:
    estimate(store, what="throughput {{ var.value.x }} <script>: m")
    _, body = ask.execute(context)
    assert "<script" not in body
    assert not {"subject", "body"} & set(ask.template_fields)


def test_the_form_can_require_a_question(ask: Any, store: MemoryStore, use_case: UseCase, context: Any) -> None:
    write_json(store, FOLDER.estimate, {"lines": [], "estimated_usd": 1.5})
    tightened = with_overrides(use_case, {"ask_before_spending": True})
    freeze(store, tightened)
    renew(ask)
    subject, _ = ask.execute(context)
    assert subject == "May this run of aws_docs_qa spend about $1.50?"
