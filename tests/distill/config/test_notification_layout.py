from __future__ import annotations

import datetime

from include.distill.config.notification_layout import unsent_message_uri, unsent_uri

ROOT = "s3://train/team/distill"
BERLIN = datetime.timezone(datetime.timedelta(hours=1))


def test_the_names_of_messages_are_in_the_order_of_time_in_any_time_zone() -> None:
    earlier = datetime.datetime(2026, 11, 28, 5, 59, 59, tzinfo=datetime.UTC)
    later = datetime.datetime(2026, 11, 28, 7, 0, tzinfo=BERLIN)  # 06:00 UTC
    uris = [unsent_message_uri(ROOT, "prod", "docs", time, key) for time, key in ((earlier, "f"), (later, "0"))]
    assert uris == sorted(uris)
    assert uris[1] == f"{ROOT}/notifications/unsent/prod/docs/20261128T060000Z-0.json"


def test_an_installation_has_no_prefix_of_another_one() -> None:
    assert not unsent_uri(ROOT, "prod").startswith(unsent_uri(ROOT, "pro"))
