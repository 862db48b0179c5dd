"""Define the section ``notify`` of a use case: who is notified of which events of its runs."""

from __future__ import annotations

import difflib
import re
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from include.distill.config.key_problems import KeyProblem, refuse
from include.distill.config.section import ConnectionId, Section

# What people can be notified of. ``docs/how-to/get_notified.md`` explains each event.
Event = Literal[
    "failed", "waits_for_approval", "verdict", "promoted", "budget", "still_billed", "drift", "late"
]  # fmt: skip
EVENTS: tuple[Event, ...] = get_args(Event)
# A comma, a line break or an angle bracket could add recipients or headers to an e-mail.
EmailAddress = Annotated[str, Field(pattern=r'^[^@\s<>,;:"]+@[^@\s<>,;:"]+$', max_length=320)]
# What is filled in in the arguments of a notifier, in curly brackets.
PLACEHOLDERS = ("text", "title", "html", "event", "use_case")
_BRACED = re.compile(r"\{(\w+)\}")
# Parts of the names of arguments whose texts are secrets. A file of a use case is no place for them.
_SECRET = ("password", "passwd", "passphrase", "secret", "token", "api_key", "apikey", "private_key", "webhook_url")
_CONNECTION = ("conn_id", "connection")
_URL_REFUSED = (
    "found a URL, which is not shown here because it may be a secret; expected a mapping, such as"
    " {conn_id: slack_oncall}. Put the URL into an Airflow connection"
)


def _refuse_url_as_channel(value: object) -> object:
    if isinstance(value, str) and "://" in value:
        raise ValueError(_URL_REFUSED)
    return value


def _refuse_secrets(arguments: dict[str, Argument]) -> dict[str, Argument]:
    secret = [
        KeyProblem(
            (name,),
            "found an argument whose name says that it is a secret; expected the id of an Airflow connection that has"
            " the secret, in an argument of the class such as conn_id. Its value is not shown here",
        )
        for name, value in arguments.items()
        if isinstance(value, str | tuple) and _is_secret(name.lower())
    ]
    refuse(secret)
    return arguments


def _refuse_misspelt_placeholders(arguments: dict[str, Argument]) -> dict[str, Argument]:
    """
    Refuse a placeholder such as ``{titel}``, which would be sent as it is.

    Only names that are similar to one of the placeholders are refused, because a class may have some of its own.
    """
    misspelt = [
        KeyProblem((name,), f"found the placeholder {{{word}}}; expected {{{nearest[0]}}}, or another text")
        for name, value in arguments.items()
        for text in (value if isinstance(value, tuple) else (value,))
        if isinstance(text, str)
        for word in _BRACED.findall(text)
        if word not in PLACEHOLDERS and (nearest := difflib.get_close_matches(word.lower(), PLACEHOLDERS, n=1))
    ]
    refuse(misspelt)
    return arguments


def _is_secret(name: str) -> bool:
    return any(part in name for part in _SECRET) and not name.endswith(_CONNECTION)


Argument = str | int | float | bool | tuple[str, ...] | None


class SnsChannel(Section):
    """A topic of Amazon SNS. FIFO topics are refused, because Airflow's notifier cannot publish to them."""

    topic_arn: str = Field(pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]{1,32}:[0-9]{12}:[A-Za-z0-9_-]{1,256}$")
    conn_id: ConnectionId | None = Field(
        None, min_length=1, description="Airflow connection; aws.conn_id if it is not set"
    )

    @property
    def region(self) -> str:
        """The Region of the topic."""
        return self.topic_arn.split(":")[3]


class SqsChannel(Section):
    """A queue of Amazon SQS. FIFO queues are refused, because they need an id that Airflow's notifier cannot send."""

    queue_url: str = Field(
        pattern=r"^https://sqs\.[a-z0-9-]{1,32}\.amazonaws\.com(\.cn)?/[0-9]{12}/[A-Za-z0-9_-]{1,80}$"
    )
    conn_id: ConnectionId | None = Field(
        None, min_length=1, description="Airflow connection; aws.conn_id if it is not set"
    )

    @property
    def region(self) -> str:
        """The Region of the queue."""
        return self.queue_url.split(".")[1]


class SmtpChannel(Section):
    """A mail server, and the recipients of the e-mails."""

    conn_id: ConnectionId = Field("smtp_default", min_length=1, description="Airflow connection to the mail server")
    to: tuple[EmailAddress, ...] = Field(min_length=1, max_length=50)
    from_email: EmailAddress | None = Field(None, description="sender; if it is not set, the sender of the connection")


class SlackChannel(Section):
    """An incoming webhook of Slack. The connection contains its URL, which is a secret."""

    conn_id: ConnectionId = Field(min_length=1, description="Airflow connection of the type Slack Incoming Webhook")


class NotifierChannel(Section):
    """Any notifier of Airflow, by the import path of its class."""

    import_path: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+$", max_length=500)
    arguments: Annotated[
        dict[str, Argument], AfterValidator(_refuse_secrets), AfterValidator(_refuse_misspelt_placeholders)
    ] = Field(
        default_factory=dict, description="arguments of the class, in which {text}, {title} and others are filled in"
    )


Channel = SnsChannel | SqsChannel | SmtpChannel | SlackChannel | NotifierChannel


class Notify(Section):
    """One channel, and the events that are sent to it. Exactly one of the channels is set."""

    on: Literal["all"] | tuple[Event, ...]
    sns: SnsChannel | None = None
    sqs: SqsChannel | None = None
    smtp: SmtpChannel | None = None
    slack: Annotated[SlackChannel | None, BeforeValidator(_refuse_url_as_channel)] = None
    notifier: NotifierChannel | None = None

    @model_validator(mode="after")
    def _has_one_channel(self) -> Notify:
        names = [name for name in CHANNELS if getattr(self, name) is not None]
        if len(names) != 1:
            found = " and ".join(names) or "no channel"
            refuse([KeyProblem((), f"found {found}, expected exactly one of {', '.join(CHANNELS)}")])
        if not self.on:
            refuse([KeyProblem(("on",), f"found an empty list, expected all or some of {', '.join(EVENTS)}")])
        return self

    @property
    def kind(self) -> str:
        """The key of the channel, such as ``slack``."""
        return next(name for name in CHANNELS if getattr(self, name) is not None)

    @property
    def described(self) -> str:
        """The channel, and its address or connection, such as ``slack slack_oncall``."""
        channel = self.channel
        if isinstance(channel, SnsChannel):
            address = channel.topic_arn
        elif isinstance(channel, SqsChannel):
            address = channel.queue_url
        elif isinstance(channel, NotifierChannel):
            address = channel.import_path
        else:
            address = channel.conn_id
        return f"{self.kind} {address}"

    @property
    def channel(self) -> Channel:
        """The settings of the channel."""
        channel: Channel = getattr(self, self.kind)
        return channel

    def wants(self, event: Event) -> bool:
        """Return whether an event is sent to this channel."""
        return self.on == "all" or event in self.on


CHANNELS = tuple(name for name in Notify.model_fields if name != "on")
