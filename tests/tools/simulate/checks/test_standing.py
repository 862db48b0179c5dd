"""The rules for the champion find an unapproved promotion, and an endpoint that does not agree with the record."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.tools.simulate.checks.ends import NEXT, RUN, ledger, met, outcome
from tools.simulate.checks.standing import breaches
from tools.simulate.faults import Way

OLD, NEW = "arn:model/old", "arn:model/new"
ENDPOINT = {"name": "u-champion-1", "arn": "arn:e", "model": NEW, "alive": True, "created": 1.0, "deleted": None}
MODELS = [
    {"arn": OLD, "name": "u-u-tuned-1", "created": 1.0, "alive": True},
    {"arn": NEW, "name": "u-u-tuned-2", "created": 2.0, "alive": True},
]
REPORT = {"promotion": {"decisions": [{"candidate": "tuned", "promoted": True}]}}
FOLDER = f"s3://b/u/runs/u/{RUN.replace('__', '-')}-0"
CHANGE = "s3://b/u/endpoints/u/change.json"


def objects(model: str | None, arn: str = "arn:e", state: str = "settled") -> dict[str, bytes]:
    champion = {"model_arn": model, "endpoint": {"arn": arn}}
    stored: dict[str, Any] = {f"{FOLDER}/report/report.json": REPORT}
    stored |= {CHANGE: {"state": state}, **({"s3://b/u/champions/u.json": champion} if model else {})}
    return {uri: json.dumps(record).encode() for uri, record in stored.items()}


def end(*endpoints: dict[str, Any], models: Any = MODELS, **changes: Any) -> Any:
    made: dict[str, Any] = {
        "executed": {"approve", "promote"},
        "choices": ["Approve"],
        "objects": objects(NEW),
        "first_objects": objects(OLD),
    }
    made["served"] = {one["arn"]: one["model"] for one in endpoints}
    return outcome({**ledger(throughputs=endpoints), "custom_models": models}, **{**made, **changes})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (end(ENDPOINT, choices=["Reject"]), "nobody approved it"),
        (end(ENDPOINT, choices=[]), "nobody approved it"),
        (end({**ENDPOINT, "model": OLD}, objects=objects(OLD)), "was not promoted"),
        (end(), "standing endpoints are []"),
        (end(ENDPOINT, {**ENDPOINT, "arn": "arn:f"}), "standing endpoints are"),
        (end({**ENDPOINT, "model": OLD}), "answers with arn:model/old"),
        (end(ENDPOINT, models=[MODELS[0], {**MODELS[1], "alive": False}]), "does not exist"),
        (end({**ENDPOINT, "arn": "arn:f"}, objects=objects(NEW, "arn:f")), "all applications get errors"),
        (end(ENDPOINT, objects=objects(NEW, state="switching")), "switching, not settled"),
        (end(ENDPOINT, objects=objects(None), first_objects={}, choices=["Reject"]), "record names None"),
    ],
)
def test_each_kind_of_damage_is_found(wrong: Any, words: str) -> None:
    found = list(breaches(wrong))
    assert any(words in breach for breach in found), found


def test_a_good_end_has_no_breach() -> None:
    assert list(breaches(end(ENDPOINT))) == []
    rejected = end({**ENDPOINT, "model": OLD}, objects=objects(OLD), choices=["Reject"])
    assert list(breaches(rejected)) == []


def test_a_following_run_must_have_brought_the_endpoint_back() -> None:
    made = end(objects=objects(OLD), met=[met(Way.MARK_FAILED, "settle")])
    made.ended, made.ledgers, made.started = ["failed", "success"], made.ledgers * 2, {**made.started, NEXT: 9.0}
    assert any("standing endpoints are []" in breach for breach in breaches(made))


def test_only_a_mark_of_the_promotion_explains_that_the_approved_model_is_missing() -> None:
    old = objects(OLD)
    for task, is_found in (("outcome", True), ("promote", False)):
        made = end({**ENDPOINT, "model": OLD}, objects=old, met=[met(Way.MARK_SUCCESS, task)])
        assert any("was not promoted" in breach for breach in breaches(made)) is is_found


def test_nothing_is_missing_in_a_run_that_a_person_gave_up_and_closed() -> None:
    closed = [met(Way.MARK_RUN_FAILED, "preflight"), met(Way.MARK_SUCCESS, "outcome")]
    assert list(breaches(end(ENDPOINT, met=closed, objects=objects(OLD, "arn:f")))) == []


def test_the_next_run_is_left_the_endpoint_if_a_person_marks_settle() -> None:
    assert list(breaches(end(met=[met(Way.MARK_SUCCESS, "settle")], objects=objects(OLD)))) == []


def test_parts_that_promote_nothing_are_not_judged() -> None:
    assert list(breaches(outcome(ledger()))) == []
