from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from bedrock_distill.notify import results
from bedrock_distill.operators.human_approval import Question
from include.distill.config.promotion_rule import Approver
from tests.distill.conftest import make_use_case

REPORT = {"report_json_uri": "s3://b/report.json", "verdict": "tuned is better", "actual_usd": 12.5, "simulated": True}
DRIFT = {"measure": "usd_per_pair", "value": 0.02, "expected": 0.01, "low": 0.008, "high": 0.012, "runs": 20}


def context(result: Any = None, task: Any = None) -> Any:
    ti = SimpleNamespace(dag_id="d", run_id="r", task_id="t", map_index=-1, xcom_pull=lambda task_ids: result)
    return {"ti": ti, "task": task or SimpleNamespace()}


def test_a_report_is_announced_with_its_verdict() -> None:
    (message,) = results.report_messages(make_use_case(), context({**REPORT, "drift": []}))
    assert message.title == "[test] SIMULATED tiny: the report is ready"
    assert message.lines[0] == "What happened: tuned is better"
    assert "$12.50" in message.lines[1]


def test_drift_in_a_report_is_a_message_of_its_own() -> None:
    messages = list(results.report_messages(make_use_case(), context({**REPORT, "drift": [DRIFT]})))
    assert [message.event for message in messages] == ["verdict", "drift"]
    assert "cost per new pair" in messages[1].lines[0]


def test_a_report_that_was_not_compared_with_earlier_nights_has_no_drift() -> None:
    messages = list(results.report_messages(make_use_case(), context(REPORT)))
    assert [message.event for message in messages] == ["verdict"]


def test_a_promotion_names_the_model_and_what_its_endpoint_costs() -> None:
    promotion = {"arm": "tuned", "model_arn": "arn:new", "previous_model_arn": "arn:old", "simulated": False}
    (plain,) = results.promotion_messages(make_use_case(), context(promotion))
    assert plain.title == "[test] tiny: tuned was promoted"
    assert plain.lines[1] == "What is billed now: nothing by the hour. AWS bills the storage of the model."
    served = {**promotion, "endpoint_arn": "arn:endpoint", "endpoint_kind": "provisioned"}
    (hourly,) = results.promotion_messages(make_use_case(), context(served))
    assert "the standing endpoint arn:endpoint, by the hour until a person deletes it." in hourly.lines[1]


def test_only_a_budget_that_this_run_is_the_first_to_use_up_is_reported() -> None:
    state = {"kind": "owner", "month": "2026-11", "month_usd": 100.0, "spent_usd": 80.0, "reserved_usd": 0.0}
    state |= {"share": 0.8, "expected_usd": 5.0}
    estimate = {"budget": [{**state, "is_warning": True}, {**state, "kind": "use_case", "is_warning": False}]}
    (message,) = results.estimate_messages(make_use_case(), context(estimate))
    assert message.title == "[test] tiny: 85% of the budget of the owner of the use case for 2026-11 is used"
    assert list(results.estimate_messages(make_use_case(), context({}))) == []


def test_a_question_is_reported_with_its_subject_and_who_may_answer() -> None:
    ada = Approver(id="1", name="Ada")
    question = Question("Spend $12?", "body", "hash", [ada], 20, "Nothing is billed meanwhile.")
    asked = context(task=SimpleNamespace(current_question=question))
    (message,) = results.question_messages(make_use_case(), asked)
    assert message.event == "waits_for_approval"
    assert "Spend $12?" in message.lines[0]
    assert message.lines[1] == "What is billed now: Nothing is billed meanwhile."
    assert "within 20 h. Only these users may answer: Ada." in message.lines[2]


def test_a_sweep_is_reported_if_it_deleted_something() -> None:
    nothing = {"released": [], "renewed": ["a"], "left": 0, "not_ours": 0}
    assert list(results.sweep_messages(context(nothing))) == []
    (message,) = results.sweep_messages(context({**nothing, "released": ["x", "y"]}))
    assert (message.event, message.title) == ("still_billed", "[test] endpoints that no run used were deleted")
    assert "found and deleted endpoints whose runs had ended: x, y." in message.lines[0]
