"""The checker finds a promoted model that has not won, and a deleted one that is needed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.tools.simulate.checks.ends import RUN, ledger, met, outcome
from tools.simulate.checks.models import breaches
from tools.simulate.faults import Way

OLD, NEW, LOST = "arn:model/old", "arn:model/new", "arn:model/lost"
KEY = f"{RUN.replace('__', '-')}-0"
FOLDER = f"s3://b/u/runs/u/{KEY}"
CHAMPIONS, SMOKE = "s3://b/u/champions/u.json", "s3://b/u/endpoints/u/smoke.json"


def model(arn: str, arm: str, created: float, *, alive: bool = True) -> dict[str, Any]:
    return {"arn": arn, "name": f"u-u-{arm}-1", "created": created, "alive": alive}


MODELS = (model(OLD, "tuned", 1.0), model(NEW, "tuned", 3.0), model(LOST, "lost", 4.0))
FORMER = {"model_arn": OLD, "run_key": "earlier"}
PROMOTED = {"model_arn": NEW, "run_key": KEY, "previous": FORMER, "history": [FORMER]}
FIRST = {**PROMOTED, "previous": None, "history": [], "endpoint": {"arn": "arn:e"}}


def end(
    champion: dict[str, Any] | None = PROMOTED,
    former: dict[str, Any] | None = FORMER,
    *,
    wins: bool = True,
    compared: dict[str, Any] | None = FORMER,
    models: tuple[dict[str, Any], ...] = MODELS,
    calls: int = 0,
    **changes: Any,
) -> Any:
    report = {"promotion": {"decisions": [{"candidate": "tuned", "promoted": wins}]}}
    stored = {f"{FOLDER}/report/report.json": report, f"{FOLDER}/champion.json": {"champion": compared}}
    stored |= {SMOKE: {"prompts": ["a", "b"]}}
    first = {**stored, **({CHAMPIONS: former} if former else {})}
    last = {**stored, **({CHAMPIONS: champion} if champion else {})}
    made: dict[str, Any] = {
        "executed": {"promote"},
        "first_objects": {uri: json.dumps(body).encode() for uri, body in first.items()},
        "objects": {uri: json.dumps(body).encode() for uri, body in last.items()},
    }
    bill = {**ledger(), "custom_models": models, "by_model": {"arn:e": {"calls": calls}}}
    return outcome(bill, **{**made, **changes})


WITHOUT_LOSER = (*MODELS[:2], model(LOST, "lost", 4.0, alive=False))
DELETES = {"promote", "delete_losers"}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (end(wins=False), "no arm has won"),
        (end(compared=None), "was compared with None"),
        (end(FIRST, None, compared=None, calls=1), "after 1 calls"),
        (end(models=WITHOUT_LOSER), "nothing is deleted"),
        (end(models=(MODELS[0], model(NEW, "tuned", 3.0, alive=False)), executed=DELETES), "was deleted"),
        (end(FORMER, wins=False, models=(model(OLD, "tuned", 1.0, alive=False),), executed=DELETES), "was deleted"),
        (end(executed=DELETES), "still exists"),
    ],
)
def test_each_kind_of_damage_is_found(wrong: Any, words: str) -> None:
    found = list(breaches(wrong))
    assert any(words in breach for breach in found), found


def test_a_good_end_has_no_breach() -> None:
    assert list(breaches(end())) == []
    assert list(breaches(end(FIRST, None, compared=None, calls=2))) == []
    assert list(breaches(end(models=WITHOUT_LOSER, executed=DELETES))) == []
    assert list(breaches(end(FORMER, wins=False))) == []


def test_a_person_who_marks_a_task_may_leave_a_loser() -> None:
    assert list(breaches(end(executed=DELETES, met=[met(Way.MARK_SUCCESS, "delete_losers")]))) == []


def test_parts_that_promote_nothing_are_not_judged() -> None:
    assert list(breaches(outcome(ledger()))) == []
