"""The rules for a rollback find an unapproved one, a wrong champion, and an endpoint or a lock that does not agree."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.tools.simulate.checks.ends import ledger, met, outcome
from tools.simulate.checks import breaches
from tools.simulate.checks.rollback import DAG
from tools.simulate.faults import Way

OLD, NEW, ARN = "arn:model/old", "arn:model/new", "arn:e"
ENDPOINT = {"name": "u-champion-1", "arn": ARN, "alive": True, "created": 1.0, "deleted": None}
MODELS = [{"arn": OLD, "created": 1.0, "alive": True}, {"arn": NEW, "created": 2.0, "alive": True}]


def objects(model: str, withdrawn: tuple[str, ...] = (), lock: str = "settled", **record: Any) -> dict[str, bytes]:
    champion = {
        "model_arn": model,
        "endpoint": {"arn": ARN},
        "approved_by": "ada",
        "withdrawn": [{"model_arn": arn} for arn in withdrawn],
        **record,
    }
    stored = {"s3://b/u/champions/u.json": champion, "s3://b/u/endpoints/u/change.json": {"state": lock}}
    return {uri: json.dumps(one).encode() for uri, one in stored.items()}


def end(*, endpoints: Any = (ENDPOINT,), models: Any = MODELS, **changes: Any) -> Any:
    made: dict[str, Any] = {
        "dag": DAG,
        "choices": ["Approve"],
        "objects": objects(OLD, (NEW,)),
        "first_objects": objects(NEW),
        "served": {ARN: OLD},
    }
    last = {**ledger(throughputs=endpoints), "custom_models": models}
    return outcome(*[last] * len(changes.get("ended", [1])), **{**made, **changes})


UNCHANGED: dict[str, Any] = {"objects": objects(NEW), "served": {ARN: NEW}}
REJECTED: dict[str, Any] = {**UNCHANGED, "choices": ["Reject"], "ended": ["failed"]}


@pytest.mark.parametrize(
    "good",
    [
        {},
        REJECTED,
        {**REJECTED, "ended": ["success"], "met": [met(Way.MARK_SUCCESS, "outcome")]},
        {"served": {ARN: NEW}, "objects": objects(OLD, (NEW,), "settling"), "met": [met(Way.MARK_SUCCESS, "settle")]},
    ],
)
def test_a_good_end_has_no_breach(good: Any) -> None:
    assert breaches(end(**good)) == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (end(**{"ended": ["failed"]}), "No run succeeded"),
        (end(**{**REJECTED, "ended": ["stuck"]}), "never ended"),
        (end(**{**REJECTED, "ended": ["success"]}), "nobody approved succeeded"),
        (end(**{**REJECTED, "objects": objects(OLD, (NEW,)), "served": {ARN: OLD}}), "but nobody approved it"),
        (end(**{**UNCHANGED}), "the champion is still"),
        (end(**{"models": [*MODELS, {"arn": "arn:third", "created": 3.0, "alive": False}]}), "was deleted"),
        (end(**{"objects": objects("arn:third", (NEW,)), "served": {ARN: "arn:third"}}), "every rollback goes back to"),
        (end(**{"objects": objects(OLD, (NEW,), approved_by=None)}), "does not name the person"),
        (end(**{"objects": objects(OLD, (NEW, OLD))}), "people rolled back from"),
        (end(**{"endpoints": ({**ENDPOINT, "alive": False},)}), "only standing endpoint"),
        (end(**{"endpoints": (ENDPOINT, {**ENDPOINT, "arn": "arn:f"})}), "only standing endpoint"),
        (end(**{"objects": objects(OLD, (NEW,), endpoint={"arn": "arn:f"})}), "but applications call"),
        (end(**{"served": {ARN: NEW}}), "answers with"),
        (end(**{"objects": objects(OLD, (NEW,), "switching")}), "is not over"),
        (
            end(served={ARN: NEW}, ended=["failed", "success"], met=[met(Way.MARK_FAILED, "settle")]),
            "answers with",
        ),
    ],
)
def test_a_wrong_end_is_found(wrong: Any, words: str) -> None:
    assert any(words in breach for breach in breaches(wrong)), breaches(wrong)
