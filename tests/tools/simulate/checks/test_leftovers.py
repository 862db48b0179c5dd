"""The rules for the sweeper and the clean-up find what was left, and what was deleted although somebody needs it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from tests.tools.simulate.checks.ends import ledger, met, outcome
from tools.simulate.checks import breaches
from tools.simulate.checks.leftovers import CLEAN_UP, LIVE, SWEEPER, UNKNOWN, UNSEEN
from tools.simulate.faults import Way

STANDING = {"name": "u-champion-1", "arn": "arn:e", "alive": True, "created": 1.0, "deleted": None}
LEFT = {"name": "left", "arn": "arn:left", "alive": False, "created": 1.0, "deleted": 5.0}
OF_LIVE = {"name": "live", "arn": "arn:live", "alive": True, "created": 1.0, "deleted": None}
OF_UNKNOWN = {"name": "unknown", "arn": "arn:unknown", "alive": True, "created": 1.0, "deleted": None}
CREATED_LATER = {"name": "later", "arn": "arn:later", "alive": True, "created": 2.0, "deleted": None}
MODEL = {"name": "m", "arn": "arn:m", "alive": True, "created": 1.0, "deleted": None}
EXPECTED = SimpleNamespace(
    stays={
        "live": LIVE,
        "unknown": UNKNOWN,
        "later": UNSEEN,
        "u-champion-1": "applications call it",
        "m": "it belongs to a champion",
    },
    goes={"left", "s3://b/runs/old/"},
)
CHAMPION, LOCK = "s3://b/champions/u.json", "s3://b/endpoints/u/change.json"
OLD, REPORT = "s3://b/runs/old/report.json", "s3://b/runs/new/report.json"


def swept(*endpoints: Any, **changes: Any) -> Any:
    return outcome(ledger(throughputs=endpoints), dag=SWEEPER, expected=EXPECTED, **changes)


def stored(endpoint: str | None = "arn:e", *, model: str = "arn:m") -> dict[str, bytes]:
    champion = {"model_arn": model, "endpoint": {"arn": endpoint} if endpoint else None}
    records = {CHAMPION: champion, LOCK: {"state": "settled"}, REPORT: {}}
    return {uri: json.dumps(record).encode() for uri, record in records.items()}


def cleaned(*endpoints: Any, models: Any = (MODEL,), **changes: Any) -> Any:
    last = {**ledger(throughputs=endpoints or (STANDING, LEFT, OF_LIVE)), "custom_models": models}
    made = {"dag": CLEAN_UP, "objects": stored(), "first_objects": {**stored(), OLD: b""}, "expected": EXPECTED}
    return outcome(last, **{**made, **changes})


def deleted(one: Any, at: float = 5.0) -> Any:
    return {**one, "alive": False, "deleted": at}


@pytest.mark.parametrize(
    "good",
    [
        swept(STANDING, LEFT, OF_LIVE),
        outcome(
            ledger(throughputs=(STANDING, {**LEFT, "alive": True}, OF_LIVE)),
            ledger(throughputs=(STANDING, LEFT, OF_LIVE)),
            dag=SWEEPER,
            expected=EXPECTED,
            ended=["failed", "success"],
            met=[met(Way.MARK_FAILED)],
        ),
        swept({**LEFT, "alive": True}, swept=ledger(throughputs=(LEFT,)), met=[met(Way.MARK_SUCCESS)]),
        swept({**LEFT, "alive": True}, swept=ledger(throughputs=(LEFT,)), met=[met(Way.LOSE_METADATA)]),
        swept(STANDING, LEFT, deleted(OF_UNKNOWN, 90_000.0)),
        swept(STANDING, LEFT, deleted(OF_LIVE, 90_000.0), met=[met(Way.LOSE_METADATA)]),
        cleaned(),
        cleaned(STANDING, {**LEFT, "alive": True}, met=[met(Way.MARK_SUCCESS)]),
        cleaned(STANDING, LEFT, deleted(CREATED_LATER), met=[met(Way.CLEAR_RUN)]),
    ],
)
def test_a_good_end_has_no_breach(good: Any) -> None:
    assert breaches(good) == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (swept(STANDING, LEFT, ended=["failed"]), "No run succeeded"),
        (swept({**LEFT, "alive": True}), "exists after the sweeper"),
        (swept({**LEFT, "alive": True}, swept=ledger(throughputs=(LEFT,))), "succeeded, but it has left left"),
        (swept(deleted(OF_UNKNOWN)), f"was deleted, although {UNKNOWN}"),
        (swept(deleted(STANDING)), "was deleted, although applications call it"),
        (swept(deleted(OF_LIVE, 90_000.0)), f"was deleted, although {LIVE}"),
        (swept(deleted(OF_LIVE), met=[met(Way.LOSE_METADATA)]), f"was deleted, although {LIVE}"),
        (cleaned(ended=["failed"]), "No run succeeded"),
        (cleaned({**LEFT, "alive": True}), "still exists after the clean-up"),
        (cleaned(objects={**stored(), OLD: b""}), f"{OLD} still exists"),
        (cleaned(STANDING, deleted(OF_LIVE)), f"was deleted, although {LIVE}"),
        (cleaned(STANDING, LEFT, deleted(CREATED_LATER)), f"was deleted, although {UNSEEN}"),
        (cleaned(models=(deleted(MODEL),)), "was deleted, although it belongs to a champion"),
        (cleaned(models=(deleted(MODEL),)), "The champion arn:m does not exist"),
        (cleaned(objects={**stored(), REPORT: b"other"}), f"{REPORT} was changed or deleted"),
        (cleaned(objects=stored(model="arn:x")), "after a clean-up"),
        (cleaned(deleted(STANDING)), "names the endpoint arn:e, which was deleted"),
        (cleaned(objects=stored(None)), "but it exists"),
    ],
)
def test_a_wrong_end_is_found(wrong: Any, words: str) -> None:
    assert any(words in breach for breach in breaches(wrong)), breaches(wrong)
