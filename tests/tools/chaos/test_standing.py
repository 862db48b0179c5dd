"""The check of the standing endpoint finds every deviation from the champion's record."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from include.distill.core.naming import run_key
from tools.chaos.standing import expect_standing, standing_faults
from tools.chaos.trial import Case, Trial

NAME = "local-c01-champion-0123"
PROMOTED = run_key("distill_c01", "chaos__run-1")
RECORD = {"run_key": PROMOTED, "run_id": "chaos__run-1", "model_arn": "arn:m", "endpoint": {"arn": "arn:e"}}
SERVING = {"status": "Active", "modelArn": "arn:m"}


class FakeAccount:
    """An account with a champion and its standing endpoint, as the test sets them."""

    def __init__(self, **changes: Any) -> None:
        self.record: Any = RECORD
        self.change: Any = {"state": "settled"}
        self.endpoints = [{"name": NAME, "arn": "arn:e", "alive": True}]
        self.of_runs: list[dict[str, Any]] = []
        self.serving: dict[str, Any] = SERVING
        self.answer = "Five."
        self.__dict__.update(changes)

    def ledger(self) -> dict[str, Any]:
        jobs = [{"name": "local-c01-tuned-1"}]
        return {"jobs": jobs, "batch_jobs": [], "throughputs": [], "deployments": [*self.endpoints, *self.of_runs]}

    def read_object(self, uri: str) -> bytes:
        stored = self.record if "/champions/" in uri else self.change
        if stored is None:
            raise httpx.HTTPStatusError("", request=httpx.Request("GET", uri), response=httpx.Response(404))
        return json.dumps(stored).encode()

    def deployment(self, arn: str) -> dict[str, Any]:
        assert arn == "arn:e"
        return self.serving

    def converse(self, model_id: str, text: str) -> str:
        return self.answer


def trial(account: FakeAccount) -> Trial:
    stack = SimpleNamespace(account=account, wait_for_end=lambda *_, **__: "success")
    return Trial(Case("a case", lambda _: None, key="c01", buys="champion", documents=["d"]), stack, None)  # type: ignore[arg-type]


def faults(champion: int | None = 1, **changes: Any) -> list[str]:
    return list(standing_faults(trial(FakeAccount(**changes)), champion=champion))


def test_an_endpoint_that_answers_with_the_recorded_champion_is_as_expected() -> None:
    assert faults() == []
    assert faults(serving={**SERVING, "updateDetails": {"updateStatus": "UpdateFailed"}}) == []
    assert faults(None, record=None, endpoints=[{"name": NAME, "arn": "arn:e", "alive": False}]) == []


@pytest.mark.parametrize(
    ("champion", "changes", "fault"),
    [
        pytest.param(1, {"change": {"state": "switching"}}, "the lock is switching", id="lock"),
        pytest.param(1, {"change": None}, "the lock is None", id="no lock"),
        pytest.param(2, {}, "run chaos__run-1 promoted the champion, expected run 2", id="old champion"),
        pytest.param(1, {"record": None}, "the champion is None", id="no champion"),
        pytest.param(None, {}, "the champion is arn:m", id="a champion too many"),
        pytest.param(None, {"record": None}, "exists without a champion", id="orphan"),
        pytest.param(1, {"endpoints": []}, "the standing endpoints are []", id="gone"),
        pytest.param(1, {"serving": {**SERVING, "modelArn": "arn:new"}}, "with arn:new, not arn:m", id="other model"),
        pytest.param(1, {"serving": {**SERVING, "status": "Failed"}}, "it is Failed", id="failed"),
        pytest.param(
            1, {"serving": {**SERVING, "updateDetails": {"updateStatus": "Updating"}}}, "(Updating)", id="updating"
        ),
        pytest.param(1, {"answer": " "}, "it gives a blank answer", id="blank"),
    ],
)
def test_each_deviation_is_named(champion: int | None, changes: dict[str, Any], fault: str) -> None:
    found = faults(champion, **changes)
    assert any(fault in one for one in found), found


@pytest.mark.parametrize(
    ("changes", "expected", "ok"),
    [
        pytest.param({}, {}, True, id="as expected"),
        pytest.param({"change": None}, {}, False, id="a fault"),
        pytest.param({}, {"created": 2}, False, id="its ARN changed"),
        pytest.param({}, {"jobs": 2}, False, id="another job"),
        pytest.param(
            {"of_runs": [{"name": "local-c01-tuned-s1", "alive": True}]}, {}, False, id="an endpoint of a run is left"
        ),
    ],
)
def test_a_row_is_ok_only_without_deviations(changes: Any, expected: Any, ok: bool) -> None:
    tested = trial(FakeAccount(**changes))
    expect_standing(tested, **{"jobs": 1, "champion": 1, **expected})
    (row,) = tested.rows
    assert (row.ok, row.standing, row.alive_at_end) == (ok, 1, int("of_runs" in changes))
