"""
Send an e-mail with two forms of the same message: plain text and HTML.

Airflow's notifier can only send HTML (smtp provider 3.2.0). A program without HTML, such as a pager that forwards
e-mails, then shows nothing or the markup. So the classes here add the text, and leave the rest to the provider: the
connection with its TLS and OAuth, the headers, the repetitions, and sending without blocking the triggerer. A notifier
of our own would have to copy all of this.
"""

from __future__ import annotations

from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import make_msgid, parseaddr
from functools import cached_property
from typing import Any

from airflow.providers.smtp.hooks.smtp import SmtpHook
from airflow.providers.smtp.notifications.smtp import SmtpNotifier


class MailHook(SmtpHook):
    """
    Connect to a mail server, and add the same text to each e-mail that is sent.

    The provider has no public place for this. If a later version builds e-mails in another method, they are sent
    without the text, and a test fails.

    :param text: the plain text.
    """

    def __init__(self, text: str, **named: Any) -> None:
        super().__init__(**named)
        self._text = text

    def _build_mime_message(self, *arguments: Any, **named: Any) -> tuple[MIMEMultipart, list[str]]:
        mail, recipients = super()._build_mime_message(*arguments, **named)
        # Without the domain, Python would ask the network for the name of this machine.
        domain = parseaddr(mail["From"])[1].rpartition("@")[2]
        mail["Message-ID"] = make_msgid(domain=domain)  # without it, some mail servers take an e-mail for spam
        # Of the forms that it can show, a reader shows the last one.
        mail.set_payload([MIMEText(self._text, "plain", "utf-8"), *mail.get_payload()])
        return mail, recipients


class MailNotifier(SmtpNotifier):
    """
    Send an e-mail whose parts are alternatives: a plain text, and the HTML of Airflow's notifier.

    :param text: the plain text.
    :param named: arguments of Airflow's notifier.
    """

    def __init__(self, *, text: str, **named: Any) -> None:
        super().__init__(mime_subtype="alternative", **named)
        self.text = text

    @cached_property
    def hook(self) -> SmtpHook:
        """The connection to the mail server."""
        return MailHook(self.text, smtp_conn_id=self.smtp_conn_id, auth_type=self.auth_type)
