"""Tests of the URIs of the history of runs."""

from __future__ import annotations

import datetime

from include.distill.config.history_layout import history_month_uri


def test_a_month_is_that_of_the_time_in_utc() -> None:
    night_in_berlin = datetime.datetime.fromisoformat("2026-12-01T00:30:00+01:00")
    assert history_month_uri("s3://b/distill", "faq", night_in_berlin) == "s3://b/distill/history/faq/2026-11.json"
