"""
Create Airflow's notifier for a channel of a use case, with the final text of a message.

Airflow's notifiers render their arguments as Jinja templates when they are called. A message may quote text that a
model wrote, so a notifier is never called here. Its method ``notify`` or ``async_notify`` sends the text as it is.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Iterator
from typing import Any, NamedTuple

from airflow.sdk import get_parsing_context
from airflow.sdk.bases.notifier import BaseNotifier

from include.distill.config.notifications import (
    NotifierChannel,
    Notify,
    SlackChannel,
    SmtpChannel,
    SnsChannel,
    SqsChannel,
)
from include.distill.config.use_case import UseCase
from include.distill.core.errors import UseCaseError
from include.distill.core.shown_values import shown
from include.distill.notification.message import Message, filled, one_line

SLACK_SECONDS = 10
_SHOWN = 300  # characters of an error


class _Provider(NamedTuple):
    module: str
    package: str


_PROVIDERS = {
    "sns": _Provider("airflow.providers.amazon.aws.notifications.sns", "apache-airflow-providers-amazon"),
    "sqs": _Provider("airflow.providers.amazon.aws.notifications.sqs", "apache-airflow-providers-amazon"),
    "smtp": _Provider("airflow.providers.smtp.notifications.smtp", "apache-airflow-providers-smtp"),
    "slack": _Provider("airflow.providers.slack.notifications.slack_webhook", "apache-airflow-providers-slack"),
}


def notifier_for(recipient: Notify, message: Message, *, aws_conn_id: str) -> BaseNotifier:
    """
    Return the notifier that sends a message to a channel.

    :param aws_conn_id: Airflow connection of channels in AWS that name none.
    """
    channel: Any = recipient.channel
    if isinstance(channel, SnsChannel):
        return _sns(channel, message, aws_conn_id)
    if isinstance(channel, SqsChannel):
        return _sqs(channel, message, aws_conn_id)
    if isinstance(channel, SmtpChannel):
        return _smtp(channel, message)
    if isinstance(channel, SlackChannel):
        return _slack(channel, message)
    notifier: BaseNotifier = imported_class(channel.import_path)(**filled(channel.arguments, message))
    return notifier


def _sns(channel: SnsChannel, message: Message, aws_conn_id: str) -> BaseNotifier:
    from airflow.providers.amazon.aws.notifications.sns import SnsNotifier

    return SnsNotifier(
        aws_conn_id=channel.conn_id or aws_conn_id,
        region_name=channel.region,
        target_arn=channel.topic_arn,
        subject=message.sns_subject(),
        message=message.titled_text(),
        message_attributes=message.attributes,
    )


def _sqs(channel: SqsChannel, message: Message, aws_conn_id: str) -> BaseNotifier:
    from airflow.providers.amazon.aws.notifications.sqs import SqsNotifier

    return SqsNotifier(
        aws_conn_id=channel.conn_id or aws_conn_id,
        region_name=channel.region,
        queue_url=channel.queue_url,
        message_body=message.titled_text(),
        message_attributes={
            name: {"DataType": "String", "StringValue": value} for name, value in message.attributes.items()
        },
    )


def _smtp(channel: SmtpChannel, message: Message) -> BaseNotifier:
    from bedrock_distill.notify.mail import MailNotifier

    return MailNotifier(
        smtp_conn_id=channel.conn_id,
        to=list(channel.to),
        from_email=channel.from_email,
        subject=message.subject,
        text=message.text(),
        html_content=message.as_html(),
    )


def _slack(channel: SlackChannel, message: Message) -> BaseNotifier:
    from airflow.providers.slack.notifications.slack_webhook import SlackWebhookNotifier

    return SlackWebhookNotifier(
        slack_webhook_conn_id=channel.conn_id,
        text=message.slack_text(),
        blocks=message.slack_blocks(),
        unfurl_links=False,  # otherwise, Slack would request a URL in a text that a model wrote
        unfurl_media=False,
        timeout=SLACK_SECONDS,
    )


def imported_class(path: str) -> Any:
    """
    Import a class by its path.

    :raises ImportError: the module cannot be imported, or does not have this class.
    """
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except AttributeError as error:
        message = f"{module} has no {name}"
        raise ImportError(message) from error


def require_usable_channels(use_case: UseCase) -> None:
    """
    Check that this installation has the notifiers of a use case.

    Nothing is checked in a worker: if only the worker lacks a notifier, the run must not fail.

    :raises UseCaseError: a package is not installed, or a class cannot be imported or is no notifier. The message lists
        every problem, with the file and the key.
    """
    if get_parsing_context().dag_id:  # a worker loads one DAG only
        return
    problems = [f"notify.{index}.{problem}" for index, one in enumerate(use_case.notify) for problem in _problems(one)]
    if problems:
        raise UseCaseError(
            f"{use_case.name}.yaml: {'; '.join(problems)}.",
            left="The DAG of this use case was not created.",
            to_do=f"Correct {use_case.name}.yaml, or install the package in all components of Airflow. Then"
            " Airflow creates the DAG again, and you can trigger it.",
        )


def _problems(recipient: Notify) -> Iterator[str]:
    channel = recipient.channel
    if isinstance(channel, NotifierChannel):
        if text := _class_problem(channel.import_path):
            yield f"notifier.import_path: found {shown(channel.import_path)}, {text}"
        elif text := _arguments_problem(channel):
            yield f"notifier.arguments: {text}"
        return
    provider = _PROVIDERS[recipient.kind]
    if not _is_installed(provider.module):
        yield (
            f"{recipient.kind}: the package {provider.package} is not installed; expected it, which"
            f" 'pip install {provider.package}' installs"
        )


def _class_problem(path: str) -> str | None:
    try:
        found = imported_class(path)
    except Exception as error:  # whatever the module does, the other use cases must load
        reason = one_line(f"{type(error).__name__}: {error}", _SHOWN)
        return f"which cannot be imported ({reason}); expected the path of a class"
    if not (isinstance(found, type) and issubclass(found, BaseNotifier)):
        return "which is no notifier; expected a class that is derived from airflow.sdk.bases.notifier.BaseNotifier"
    if found.notify is BaseNotifier.notify and found.async_notify is BaseNotifier.async_notify:
        return "which cannot send anything; expected a class with the method notify or async_notify"
    return None


def _arguments_problem(channel: NotifierChannel) -> str | None:
    try:
        signature = inspect.signature(imported_class(channel.import_path))
    except ValueError:  # a class without a signature, such as one that is written in C
        return None
    try:
        signature.bind(**channel.arguments)
    except TypeError as error:
        names = ", ".join(channel.arguments) or "no arguments"
        return (
            f"found {names}, which {channel.import_path} does not accept ({error}); expected the arguments of the class"
        )
    return None


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # a package above the module is missing
        return False
