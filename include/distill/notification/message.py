"""
Put a notification into the format of a channel.

A message may quote an error, and an error may quote text that a model wrote or that a CSV file contains. So each format
shows the text as it is: no channel may take a part of it for markup, for a mention or for a header.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from include.distill.config.notifications import PLACEHOLDERS, Argument, Event
from include.distill.notification.links import Link

_MAX_TITLE = 150  # Slack's limit of a header
_MAX_LINE = 1_500
_MAX_SECTION = 3_000  # Slack's limit of the text of a section
_MAX_SNS_SUBJECT = 99  # SNS accepts fewer than 100 ASCII characters
_WEB = ("https://", "http://")  # other URLs lack the host, so no channel can open them
# Readable on a phone, and in programs that support little CSS. A long ARN or URL must not widen the page.
_STYLE = "font-family: sans-serif; line-height: 1.4; max-width: 45em; overflow-wrap: anywhere"
_PLACEHOLDER = re.compile(rf"\{{({'|'.join(PLACEHOLDERS)})\}}")


@dataclass(frozen=True)
class Message:
    """
    What a person is notified of.

    :param title: one line, such as ``[prod] docs_qa: the run failed``.
    :param lines: the facts, one on each line, each with a label such as ``What happened: ``.
    :param links: labels and URLs.
    """

    event: Event
    use_case: str
    title: str
    lines: tuple[str, ...]
    links: tuple[Link, ...]

    def text(self) -> str:
        """Return the message as plain text, without the title."""
        facts = "\n\n".join(one_line(line, _MAX_LINE) for line in self.lines)
        links = "\n".join(f"{label}: {url}" for label, url in self.links)
        return f"{facts}\n\n{links}\n"

    @property
    def subject(self) -> str:
        """The title on one line, without control characters, so that it cannot add a header to an e-mail."""
        return one_line(self.title, _MAX_TITLE)

    @property
    def attributes(self) -> dict[str, str]:
        """The event and, if it is about one use case, its name. Subscribers of a topic or a queue filter by them."""
        return {"event": self.event, **({"use_case": self.use_case} if self.use_case else {})}

    def titled_text(self) -> str:
        """Return the message as plain text, with the title on the first line."""
        return f"{self.subject}\n\n{self.text()}"

    def sns_subject(self) -> str:
        """Return the title in the characters that SNS accepts in a subject."""
        plain = self.subject.encode("ascii", "replace").decode().lstrip()
        return plain[:_MAX_SNS_SUBJECT] or self.event

    def as_html(self) -> str:
        """Return the message as HTML, without the title. Only the links to our own pages are links."""
        facts = "\n".join(_html_paragraph(one_line(line, _MAX_LINE)) for line in self.lines)
        links = "\n".join(f"<li>{_html_link(label, url)}</li>" for label, url in self.links)
        return f'<div style="{_STYLE}">\n{facts}\n<ul>\n{links}\n</ul>\n</div>\n'

    def slack_blocks(self) -> list[dict[str, object]]:
        """Return the blocks of a Slack message. The facts are in blocks of the type ``plain_text``."""
        facts = [one_line(line, _MAX_LINE) for line in self.lines]
        blocks: list[dict[str, object]] = [
            {"type": "header", "text": _plain(self.subject, _MAX_TITLE)},
            *[_section(_plain(fact, _MAX_SECTION)) for fact in facts if fact],
        ]
        texts = _slack_links(self.links)
        return [*blocks, *(_section({"type": "mrkdwn", "text": text, "verbatim": True}) for text in texts)]

    def slack_text(self) -> str:
        """Return the text that Slack shows where it cannot show blocks, such as on a locked phone."""
        return slack_escaped(self.subject)


def filled(arguments: Mapping[str, Argument], message: Message) -> dict[str, Argument | list[str]]:
    """
    Return the arguments of a notifier, with the parts of a message in place of ``{text}``, ``{title}`` and others.

    The message is filled in once, so a placeholder in the message itself stays as it is.
    """
    parts = {
        "text": message.text(),
        "title": message.subject,
        "html": message.as_html(),
        "event": message.event,
        "use_case": message.use_case,
    }

    def fill(value: str) -> str:
        return _PLACEHOLDER.sub(lambda match: parts[match[1]], value)

    def fill_all(value: Argument) -> Argument | list[str]:
        if isinstance(value, tuple):
            return [fill(part) for part in value]
        return fill(value) if isinstance(value, str) else value

    return {name: fill_all(value) for name, value in arguments.items()}


def one_line(text: str, most: int) -> str:
    """Return a text on one line and without control characters, cut after ``most`` characters."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def slack_escaped(text: str) -> str:
    """
    Replace the three characters with which Slack marks links, mentions and commands.

    Slack requires this in text objects of both types, ``mrkdwn`` and ``plain_text``, and decodes these three entities
    for display: https://api.slack.com/reference/surfaces/formatting#escaping
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _html_paragraph(line: str) -> str:
    """Return a fact as a paragraph, in which its label, such as ``What to do``, is bold."""
    label, separator, fact = line.partition(": ")
    text = f"<strong>{html.escape(label)}:</strong> {html.escape(fact)}" if separator else html.escape(line)
    return f"<p>{text}</p>"


def _html_link(label: str, url: str) -> str:
    if not url.startswith(_WEB):
        return html.escape(f"{label}: {url}")
    return f'<a href="{html.escape(url)}">{html.escape(label)}</a>'


def _section(text: dict[str, object]) -> dict[str, object]:
    return {"type": "section", "text": text}


def _plain(text: str, most: int) -> dict[str, object]:
    escaped = slack_escaped(text)
    while len(escaped) > most:  # an entity that is cut in two would be shown as it is
        text = text[: len(text) - (len(escaped) - most) // 5 - 1]
        escaped = slack_escaped(text)
    return {"type": "plain_text", "text": escaped, "emoji": False}


def _slack_links(links: Iterable[Link]) -> Iterator[str]:
    """Yield the texts of blocks with all links. Run ids can be long, and Slack refuses a block that is too long."""
    text = ""
    for label, url in links:
        link = _slack_link(label, url)
        separator = " | " if link.startswith("<") else "\n"  # a path is long, because the reader sees all of it
        if text and len(text) + len(separator) + len(link) > _MAX_SECTION:
            yield text
            text = ""
        text = f"{text}{separator}{link}" if text else link
    if text:
        yield text


def _slack_link(label: str, url: str) -> str:
    if not url.startswith(_WEB):
        return f"{slack_escaped(label)}: {slack_escaped(url)}"
    return f"<{slack_escaped(url).replace('|', '%7C')}|{slack_escaped(label)}>"
