from __future__ import annotations

import datetime

import pytest

from include.distill.cleanup.expiry import Action, decide_sweep

NOW = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.UTC)
RENEW_FOR = datetime.timedelta(hours=2)
PAST, SOON, LATER = "2026-11-22T11:59:59Z", "2026-11-22T12:30:00Z", "2026-11-22T18:00:00Z"


@pytest.mark.parametrize(
    ("expires", "run_state", "fate"),
    [
        (PAST, "running", Action.RENEW),
        (SOON, "queued", Action.RENEW),
        (LATER, "running", Action.LEAVE),
        ("tomorrow", "running", Action.RENEW),
        (LATER, "failed", Action.RELEASE),
        (LATER, "success", Action.RELEASE),
        (PAST, "failed", Action.RELEASE),
        (PAST, None, Action.RELEASE),
        (LATER, None, Action.LEAVE),
        ("tomorrow", None, Action.RELEASE),
        ("", None, Action.RELEASE),
    ],
)
def test_a_throughput_of_ours(expires: str, run_state: str | None, fate: Action) -> None:
    tags = {"project": "bedrock-distill", "expires-at": expires}
    assert decide_sweep(tags, run_state=run_state, now=NOW, renew_for=RENEW_FOR).action is fate


@pytest.mark.parametrize("run_state", ["running", "failed", None])
@pytest.mark.parametrize("project", [{}, {"project": "something-else"}])
def test_what_is_not_ours_is_never_touched(project: dict[str, str], run_state: str | None) -> None:
    tags = {"expires-at": PAST, **project}
    assert decide_sweep(tags, run_state=run_state, now=NOW, renew_for=RENEW_FOR).action is Action.LEAVE


def test_the_reason_is_for_a_person() -> None:
    verdict = decide_sweep(
        {"project": "bedrock-distill", "expires-at": PAST}, run_state=None, now=NOW, renew_for=RENEW_FOR
    )
    assert verdict.reason == "its run is unknown and it expired at 2026-11-22T11:59:59Z"
