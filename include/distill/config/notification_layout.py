"""Build the S3 URIs of the messages that have not been sent yet."""

from __future__ import annotations

import datetime

_TIME = "%Y%m%dT%H%M%SZ"


def unsent_uri(root: str, environment: str) -> str:
    """
    Return the folder of the unsent messages of an installation.

    :param root: ``s3://<training bucket>/<prefix>``.
    :param environment: name of the installation. A run that may not use the root reports this to its own people.
    """
    return f"{root}/notifications/unsent/{environment}/"


def unsent_message_uri(root: str, environment: str, use_case: str, written: datetime.datetime, key: str) -> str:
    """
    Return the URI of a message to one channel of a use case. The names of messages are in the order of time.

    :param key: a text of hex digits that no other message has.
    """
    return f"{unsent_uri(root, environment)}{use_case}/{written.astimezone(datetime.UTC):{_TIME}}-{key}.json"
