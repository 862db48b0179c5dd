from __future__ import annotations

import datetime

import pytest

from include.distill.cleanup.expiry import Fate, decide

NOW = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.UTC)
RENEW_FOR = datetime.timedelta(hours=2)
PAST, SOON, LATER = "2026-11-22T11:59:59Z", "2026-11-22T12:30:00Z", "2026-11-22T18:00:00Z"


@pytest.mark.parametrize(
    ("expires", "run_state", "fate"),
    [
        (PAST, "running", Fate.RENEW),
        (SOON, "queued", Fate.RENEW),
        (LATER, "running", Fate.LEAVE),
        ("tomorrow", "running", Fate.RENEW),
        (LATER, "failed", Fate.RELEASE),
        (LATER, "success", Fate.RELEASE),
        (PAST, "failed", Fate.RELEASE),
        (PAST, None, Fate.RELEASE),
        (LATER, None, Fate.LEAVE),
        ("tomorrow", None, Fate.RELEASE),
        ("", None, Fate.RELEASE),
    ],
)
def test_a_throughput_of_ours(expires: str, run_state: str | None, fate: Fate) -> None:
    tags = {"project": "bedrock-distill", "expires-at": expires}
    assert decide(tags, run_state=run_state, now=NOW, renew_for=RENEW_FOR).fate is fate


@pytest.mark.parametrize("run_state", ["running", "failed", None])
@pytest.mark.parametrize("project", [{}, {"project": "something-else"}])
def test_what_is_not_ours_is_never_touched(project: dict[str, str], run_state: str | None) -> None:
    tags = {"expires-at": PAST, **project}
    assert decide(tags, run_state=run_state, now=NOW, renew_for=RENEW_FOR).fate is Fate.LEAVE


def test_the_reason_is_for_a_person() -> None:
    verdict = decide({"project": "bedrock-distill", "expires-at": PAST}, run_state=None, now=NOW, renew_for=RENEW_FOR)
    assert verdict.why == "its run is unknown and it expired at 2026-11-22T11:59:59Z"
