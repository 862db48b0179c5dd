from __future__ import annotations

import datetime

import pytest

from include.distill.cleanup.expiry import TIME_FORMAT, Action, decide_sweep

NOW = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.UTC)
RENEW_FOR = datetime.timedelta(hours=2)
PAST, SOON, LATER = "2026-11-22T11:59:59Z", "2026-11-22T12:30:00Z", "2026-11-22T18:00:00Z"


@pytest.mark.parametrize(
    ("expires", "run_state", "action"),
    [
        (PAST, "running", Action.RENEW),
        (SOON, "queued", Action.RENEW),
        (LATER, "running", Action.LEAVE),
        ("tomorrow", "running", Action.RENEW),
        (LATER, "failed", Action.RELEASE),
        (LATER, "success", Action.RELEASE),
        (PAST, "failed", Action.RELEASE),
        (PAST, None, Action.RELEASE),
        (f"{NOW:{TIME_FORMAT}}", None, Action.RELEASE),
        (LATER, None, Action.LEAVE),
        ("tomorrow", None, Action.RELEASE),
        ("", None, Action.RELEASE),
    ],
)
def test_the_run_state_and_the_expiry_decide_whether_a_throughput_is_released_renewed_or_left(
    expires: str, run_state: str | None, action: Action
) -> None:
    tags = {"project": "bedrock-distill", "expires-at": expires}
    assert decide_sweep(tags, run_state=run_state, now=NOW, renew_for=RENEW_FOR).action is action


def test_the_reason_for_a_release_names_the_run_state_and_the_expiry() -> None:
    decision = decide_sweep(
        {"project": "bedrock-distill", "expires-at": PAST}, run_state=None, now=NOW, renew_for=RENEW_FOR
    )
    assert decision.reason == "the run is unknown, and the endpoint expired at 2026-11-22T11:59:59Z"


@pytest.mark.parametrize(
    ("minutes", "action"),
    [pytest.param(59, Action.RENEW, id="less than half is left"), pytest.param(60, Action.LEAVE, id="half is left")],
)
def test_the_expiry_is_renewed_once_less_than_half_of_the_time_is_left(minutes: int, action: Action) -> None:
    expires = NOW + datetime.timedelta(minutes=minutes)
    tags = {"project": "bedrock-distill", "expires-at": f"{expires:{TIME_FORMAT}}"}
    assert decide_sweep(tags, run_state="running", now=NOW, renew_for=RENEW_FOR).action is action
