from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from airflow.sdk.bases.notifier import BaseNotifier
from moto import mock_aws

from bedrock_distill.notify.channels import imported_class, notifier_for, require_usable_channels
from bedrock_distill.notify.sending import Recipients, Sending
from include.distill.config.notifications import Notify
from include.distill.core.errors import UseCaseError
from include.distill.notification.message import Message
from tests.distill.conftest import make_use_case
from tests.fakes.receivers import Mailbox, WebHook

SUBJECT = '[prod] a: <!channel> <b onclick="x">{{ var.value.secret }}</b> {% raw %} & "quoted" Bcc: evil@example.com'


class Pager(BaseNotifier):
    """A notifier of a user, with a template field."""

    template_fields = ("text",)
    sent: list[str] = []  # noqa: RUF012

    def __init__(self, text: str, level: int = 0) -> None:
        super().__init__()
        self.text = text
        self.level = level

    def notify(self, context: Any) -> None:
        self.sent.append(f"{self.level} {self.text}")


class Silent(BaseNotifier):
    """A class that is derived from a notifier, and sends nothing."""


class Modern(BaseNotifier):
    """A notifier that can only be awaited."""

    async def async_notify(self, context: Any) -> None:
        Pager.sent.append("awaited")


class Broken:
    """A module that cannot be imported."""

    def __getattr__(self, name: str) -> Any:
        message = "the driver\nis missing"
        raise RuntimeError(message)


@pytest.fixture
def classes(monkeypatch: pytest.MonkeyPatch) -> str:
    """The classes of this file in a module that can be imported."""
    Pager.sent.clear()
    monkeypatch.setitem(sys.modules, "my_company", SimpleNamespace(Pager=Pager, Silent=Silent, Modern=Modern))  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "broken", Broken())  # type: ignore[arg-type]
    return "my_company"


def notifier(message: Message, **channel: Any) -> BaseNotifier:
    return notifier_for(Notify.model_validate({"on": "all", **channel}), message, aws_conn_id="aws_default")


def test_a_mail_server_receives_the_text_as_it_is(mailbox: Mailbox, message: Message) -> None:
    notifier(message, smtp={"conn_id": "mail", "to": ["ml@example.com", "ops@example.com"]}).notify({})
    (mail,) = mailbox.mails
    assert mailbox.recipients == ["ml@example.com", "ops@example.com"]  # the line break in the title added nobody
    assert (mail["Subject"], mail["From"], mail["Bcc"]) == (SUBJECT, "airflow@example.com", None)
    text, body = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert text.get_content().replace("\r\n", "\n").rstrip() == message.text().rstrip()
    assert body is not None
    content = body.get_content()
    assert "<b onclick" not in content
    assert "&lt;!channel&gt; &lt;b onclick=&quot;x&quot;&gt;{{ var.value.secret }}&lt;/b&gt;" in content
    assert '<a href="https://airflow.example.com/dags/distill_a">' in content


def test_the_use_case_may_name_the_sender(mailbox: Mailbox, message: Message) -> None:
    notifier(message, smtp={"conn_id": "mail", "to": ["a@b"], "from_email": "distill@example.com"}).notify({})
    assert mailbox.mails[0]["From"] == "distill@example.com"


def test_a_slack_webhook_receives_the_text_as_it_is(slack: WebHook, message: Message) -> None:
    notifier(message, slack={"conn_id": "slack"}).notify({})
    (body,) = slack.bodies
    assert slack.paths == ["/services/T0/B0/s3cret"]
    text = json.dumps(body["blocks"][:-1]) + body["text"]
    assert "<" not in text
    assert "&lt;!channel&gt;" in text
    assert "{{ var.value.secret }}" in text
    assert (body["unfurl_links"], body["unfurl_media"]) == (False, False)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", "aws://test:test@")
    monkeypatch.setenv("AIRFLOW_CONN_ALERTS", "aws://alerts:test@")
    with mock_aws():
        sqs = boto3.client("sqs", region_name="eu-west-1")
        yield sqs, sqs.create_queue(QueueName="distill")["QueueUrl"]


def received(sqs: Any, url: str) -> dict[str, Any]:
    (message,) = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    return dict(message)


def test_a_queue_receives_the_message_and_its_attributes(aws: Any, message: Message) -> None:
    sqs, url = aws
    notifier(message, sqs={"queue_url": url.replace("http://", "https://")}).notify({})
    found = received(sqs, url)
    assert found["Body"] == f"{SUBJECT}\n\n{message.text()}"
    values = {name: value["StringValue"] for name, value in found["MessageAttributes"].items()}
    assert values == {"event": "failed", "use_case": "a"}


def test_a_topic_in_another_region_receives_the_message(aws: Any, message: Message) -> None:
    sqs, url = aws
    sns = boto3.client("sns", region_name="eu-west-1")
    topic = sns.create_topic(Name="distill")["TopicArn"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    notifier(message, sns={"topic_arn": topic, "conn_id": "alerts"}).notify({})
    body = json.loads(received(sqs, url)["Body"])
    assert body["Subject"] == SUBJECT[:99]
    assert body["Message"] == f"{SUBJECT}\n\n{message.text()}"
    assert body["MessageAttributes"]["event"]["Value"] == "failed"


def test_a_connection_of_the_channel_comes_before_that_of_the_use_case(message: Message) -> None:
    topic = "arn:aws:sns:eu-west-1:123456789012:distill"
    made: Any = notifier(message, sns={"topic_arn": topic, "conn_id": "alerts"})
    assert (made.aws_conn_id, made.region_name) == ("alerts", "eu-west-1")
    assert notifier(message, sns={"topic_arn": topic}).aws_conn_id == "aws_default"  # type: ignore[attr-defined]


def test_any_notifier_receives_the_text_as_it_is(classes: str, message: Message) -> None:
    path = f"{classes}.Pager"
    notifier(message, notifier={"import_path": path, "arguments": {"text": "{title}", "level": 3}}).notify({})
    assert Pager.sent == [f"3 {SUBJECT}"]


def test_a_notifier_that_can_only_be_awaited_sends_from_a_task(classes: str, message: Message) -> None:
    one = Notify.model_validate({"on": "all", "notifier": {"import_path": f"{classes}.Modern"}})
    sending = Sending(Recipients((one,), "aws_default"))
    sending.start(message)
    sending.wait()
    assert Pager.sent == ["awaited"]


def test_installed_channels_are_accepted() -> None:
    chime = "airflow.providers.amazon.aws.notifications.chime.ChimeNotifier"
    require_usable_channels(
        make_use_case(
            notify=[
                {"on": "all", "slack": {"conn_id": "a"}},
                {"on": "all", "smtp": {"to": ["a@b"]}},
                {"on": "all", "sns": {"topic_arn": "arn:aws:sns:us-east-1:123456789012:a"}},
                {"on": "all", "notifier": {"import_path": chime, "arguments": {"chime_conn_id": "a", "message": "b"}}},
            ]
        )
    )


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("no_such.module.Pager", "cannot be imported (ModuleNotFoundError: No module named 'no_such')"),
        ("json.Pager", "cannot be imported (ImportError: json has no Pager)"),
        ("json.JSONDecoder", "is no notifier; expected a class that is derived from airflow.sdk.bases.notifier."),
        ("json.dumps", "is no notifier"),
        ("my_company.Silent", "cannot send anything; expected a class with the method notify or async_notify"),
        ("broken.Pager", "cannot be imported (RuntimeError: the driver is missing)"),
    ],
)
def test_a_class_that_is_no_notifier_is_refused_with_file_and_key(classes: str, path: str, problem: str) -> None:
    notify = [{"on": "all", "slack": {"conn_id": "a"}}, {"on": "all", "notifier": {"import_path": path}}]
    with pytest.raises(UseCaseError) as refused:
        require_usable_channels(make_use_case(notify=notify))
    assert str(refused.value).startswith(f"tiny.yaml: notify.1.notifier.import_path: found {path!r}, which ")
    assert problem in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, "found no arguments, which my_company.Pager does not accept (missing a required argument: 'text')"),
        ({"text": "{text}", "sms": True}, "found text, sms, which my_company.Pager does not accept (got an unexpected"),
    ],
)
def test_arguments_that_the_class_does_not_accept_are_refused(
    classes: str, arguments: dict[str, Any], problem: str
) -> None:
    notify = [{"on": "all", "notifier": {"import_path": f"{classes}.Pager", "arguments": arguments}}]
    with pytest.raises(UseCaseError) as refused:
        require_usable_channels(make_use_case(notify=notify))
    assert str(refused.value).startswith(f"tiny.yaml: notify.0.notifier.arguments: {problem}")


def test_a_worker_loads_a_dag_even_if_it_lacks_a_notifier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "distill_tiny")
    require_usable_channels(make_use_case(notify=[{"on": "all", "notifier": {"import_path": "no_such.Pager"}}]))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "airflow.providers.slack", None)
    for name in [name for name in sys.modules if name.startswith("airflow.providers.slack.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(UseCaseError, match=r"notify\.0\.slack: .* 'pip install apache-airflow-providers-slack'"):
        require_usable_channels(make_use_case(notify=[{"on": "all", "slack": {"conn_id": "a"}}]))


def test_a_class_is_imported_by_its_path() -> None:
    assert imported_class("json.JSONDecoder") is json.JSONDecoder
