from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.notifications import EVENTS, Notify
from include.distill.core.errors import UseCaseError
from tests.distill.conftest import make_use_case

SLACK = {"conn_id": "slack_oncall"}


def test_all_means_every_event() -> None:
    one = Notify.model_validate({"on": "all", "slack": SLACK})
    assert all(one.wants(event) for event in EVENTS)
    assert (one.kind, one.channel) == ("slack", one.slack)


def test_a_channel_gets_only_its_events() -> None:
    one = Notify.model_validate({"on": ["failed", "late"], "slack": SLACK})
    assert [event for event in EVENTS if one.wants(event)] == ["failed", "late"]


def test_a_use_case_knows_whether_anybody_wants_an_event() -> None:
    use_case = make_use_case(notify=[{"on": ["verdict"], "slack": SLACK}, {"on": ["drift"], "smtp": {"to": ["a@b"]}}])
    assert [event for event in EVENTS if use_case.notifies(event)] == ["verdict", "drift"]
    assert not make_use_case().notifies("failed")


def test_the_region_of_a_channel_in_aws_is_that_of_its_address() -> None:
    sns = Notify.model_validate({"on": "all", "sns": {"topic_arn": "arn:aws:sns:eu-west-1:123456789012:distill"}})
    url = "https://sqs.eu-central-1.amazonaws.com/123456789012/distill"
    sqs = Notify.model_validate({"on": "all", "sqs": {"queue_url": url}})
    assert sns.sns
    assert sqs.sqs
    assert (sns.sns.region, sqs.sqs.region) == ("eu-west-1", "eu-central-1")


@pytest.mark.parametrize(
    ("notify", "problem"),
    [
        ({"on": ["fail"], "slack": SLACK}, "notify.0.on.0: found 'fail', expected failed, waits_for_approval, verdict"),
        ({"on": [], "slack": SLACK}, "notify.0.on: found an empty list, expected all or some of failed"),
        ({"on": "all"}, "notify.0: found no channel, expected exactly one of sns, sqs, smtp, slack, notifier"),
        (
            {"on": "all", "slack": SLACK, "smtp": {"to": ["a@b"]}},
            "notify.0: found smtp and slack, expected exactly one",
        ),
        ({"on": "all", "slack": {"conn_id": "a\nb"}}, "notify.0.slack.conn_id: found 'a\\nb', expected the id of an"),
        ({"on": "all", "smtp": {"to": ["Ada <a@b>"]}}, "notify.0.smtp.to.0: found 'Ada <a@b>', expected an e-mail"),
        ({"on": "all", "smtp": {"to": ["a@b\r\nBcc: c@d"]}}, "notify.0.smtp.to.0: found 'a@b\\r\\nBcc: c@d'"),
        (
            {"on": "all", "notifier": {"import_path": "Pager"}},
            "expected an import path, such as my_company.pager.Pager",
        ),
    ],
)
def test_a_wrong_channel_is_refused_under_its_key(notify: dict[str, Any], problem: str) -> None:
    with pytest.raises(UseCaseError) as refused:
        make_use_case(notify=[notify])
    assert problem in str(refused.value)
