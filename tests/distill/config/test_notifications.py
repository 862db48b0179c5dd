from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.notifications import EVENTS, Notify
from include.distill.config.use_case import UseCase
from include.distill.core.errors import UseCaseError
from include.distill.core.paths import PROJECT_ROOT
from tests.distill.conftest import make_use_case
from tests.fakes.variables import VARIABLES

SLACK = {"conn_id": "slack_oncall"}
HOOK = "https://hooks.slack.com/services/T0/B0/s3cret"


def load_with(folder: Path, keys: str) -> UseCase:
    """Load the sample with other keys, as YAML text, because YAML does not read each text as it is written."""
    sample = (USE_CASES_FOLDER / "aws_docs_qa.yaml").read_text(encoding="utf-8")
    kept = re.sub(r"^schedule: .*\n", "", sample, flags=re.MULTILINE)
    path = folder / "aws_docs_qa.yaml"
    path.write_text(f"{kept}\n{keys}", encoding="utf-8")
    return load_use_case(path, VARIABLES)


def test_the_example_of_the_page_is_valid(tmp_path: Path) -> None:
    page = (PROJECT_ROOT / "docs" / "how-to" / "get_notified.md").read_text(encoding="utf-8")
    example = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert example
    use_case = load_with(tmp_path, example[1])
    assert (use_case.timezone, use_case.ready_by) == ("Europe/Berlin", "06:00")
    assert [one.kind for one in use_case.notify] == ["slack", "smtp", "sns", "sqs", "notifier"]
    assert use_case.notify[0].on == ("failed", "still_billed", "drift", "late")


@pytest.mark.parametrize("key", ["on", '"on"', "'on'"])
def test_the_key_on_needs_no_quotation_marks(tmp_path: Path, key: str) -> None:
    (one,) = load_with(tmp_path, f"notify: [{{{key}: all, slack: {{conn_id: a}}}}]\n").notify
    assert one.on == "all"
    with pytest.raises(UseCaseError, match="key 'on' occurs twice"):
        load_with(tmp_path, f"notify: [{{on: all, {key}: all, slack: {{conn_id: a}}}}]\n")


def test_a_channel_is_named_in_logs_without_its_recipients() -> None:
    assert Notify.model_validate({"on": "all", "slack": SLACK}).described == "slack slack_oncall"
    assert Notify.model_validate({"on": "all", "smtp": {"to": ["a@b"]}}).described == "smtp smtp_default"
    pager = {"import_path": "my_company.Pager", "arguments": {"team": "x"}}
    assert Notify.model_validate({"on": "all", "notifier": pager}).described == "notifier my_company.Pager"
    topic = "arn:aws:sns:eu-west-1:123456789012:distill"
    assert Notify.model_validate({"on": "all", "sns": {"topic_arn": topic}}).described == f"sns {topic}"


@pytest.mark.parametrize(
    ("channel", "key"),
    [
        ({"slack": HOOK}, "slack"),
        ({"slack": {"conn_id": HOOK}}, "slack.conn_id"),
        ({"slack": {"url": HOOK}}, "slack.url"),
        ({"slack": {"conn_id": "{{ var.value.s3cret }}"}}, "slack.conn_id"),
        ({"slack": {"conn_id": "the s3cret"}}, "slack.conn_id"),
        (
            {"sns": {"topic_arn": "arn:aws:sns:eu-west-1:123456789012:a", "conn_id": "aws://k:s3cret@"}},
            "sns.conn_id",
        ),
        (
            {"sqs": {"queue_url": "https://sqs.eu-west-1.amazonaws.com/123456789012/a", "conn_id": "aws://s3cret@"}},
            "sqs.conn_id",
        ),
        ({"smtp": {"conn_id": "smtp://user:s3cret@mail", "to": ["a@b"]}}, "smtp.conn_id"),
        *(
            ({"notifier": {"import_path": "a.B", "arguments": {name: "s3cret"}}}, f"notifier.arguments.{name}")
            for name in ("password", "API_KEY", "slack_token", "webhook_url")
        ),
        ({"notifier": {"import_path": "a.B", "arguments": {"tokens": ["s3cret"]}}}, "notifier.arguments.tokens"),
    ],
)
def test_a_secret_is_refused_and_not_shown(channel: dict[str, Any], key: str) -> None:
    with pytest.raises(UseCaseError) as refused:
        make_use_case(notify=[{"on": "all", **channel}])
    assert f"notify.0.{key}: " in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_the_id_of_a_connection_and_a_number_are_no_secrets() -> None:
    arguments = {"token_conn_id": "pager", "max_tokens": 3, "text": "the password expired"}
    use_case = make_use_case(notify=[{"on": "all", "notifier": {"import_path": "a.B", "arguments": arguments}}])
    assert use_case.notify[0].notifier
    assert use_case.notify[0].notifier.arguments == arguments


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
        (
            {"on": "failed", "slack": SLACK},
            "notify.0.on: found 'failed', expected all or a list of entries, each failed",
        ),
        ({"slack": SLACK}, "notify.0.on: the key is missing; expected all or a list"),
        ({"on": "all", "smtp": {"to": "a@b"}}, "notify.0.smtp.to: found 'a@b', expected a list of 1 to 50 entries"),
        (
            {"on": "all", "sns": {"topic_arn": "arn:aws:sns:eu-west-1:123456789012:a.fifo"}},
            "notify.0.sns.topic_arn: found 'arn:aws:sns:eu-west-1:123456789012:a.fifo', expected the ARN of an",
        ),
        ({"on": [], "slack": SLACK}, "notify.0.on: found an empty list, expected all or some of failed"),
        ({"on": "all"}, "notify.0: found no channel, expected exactly one of sns, sqs, smtp, slack, notifier"),
        (
            {"on": "all", "slack": SLACK, "smtp": {"to": ["a@b"]}},
            "notify.0: found smtp and slack, expected exactly one",
        ),
        ({"on": "all", "slack": {"conn_id": "a\nb"}}, "notify.0.slack.conn_id: found a text with blanks or line"),
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


@pytest.mark.parametrize("value", ["a {titel}", ["b", "{Title}"], "{usecase}"])
def test_a_misspelt_placeholder_is_refused_with_the_right_one(value: object) -> None:
    pager = {"import_path": "a.B", "arguments": {"summary": value}}
    with pytest.raises(
        UseCaseError, match=r"notify\.0\.notifier\.arguments\.summary: found the placeholder {"
    ) as refused:
        make_use_case(notify=[{"on": "all", "notifier": pager}])
    assert "; expected {title}" in str(refused.value) or "; expected {use_case}" in str(refused.value)


def test_a_placeholder_of_the_class_is_kept() -> None:
    arguments = {"summary": "{title} {channel} {}", "level": 3}
    use_case = make_use_case(notify=[{"on": "all", "notifier": {"import_path": "a.B", "arguments": arguments}}])
    assert use_case.notify[0].notifier
    assert use_case.notify[0].notifier.arguments == arguments
