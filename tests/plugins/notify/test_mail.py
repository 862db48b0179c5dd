from __future__ import annotations

import asyncio
from email.message import EmailMessage

import pytest

from bedrock_distill.notify.mail import MailNotifier
from tests.fakes.receivers import Mailbox

TEXT = "What happened: it failed – with “quotes”.\n\nWhat to do: clear it.\n"
HTML = "<p>What happened: it failed.</p>"


def notifier() -> MailNotifier:
    to = ["ml@example.com", "ops@example.com"]
    return MailNotifier(smtp_conn_id="mail", to=to, subject="[prod] a: failed", text=TEXT, html_content=HTML)


def require_both_forms(mail: EmailMessage) -> None:
    assert mail.get_content_type() == "multipart/alternative"
    # A reader shows the last form that it can show.
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    forms = [mail.get_body((kind,)) for kind in ("plain", "html")]
    assert [form and form.get_content().replace("\r\n", "\n").strip() for form in forms] == [TEXT.strip(), HTML]
    assert not list(mail.iter_attachments())


@pytest.mark.parametrize("in_triggerer", [False, True])
def test_a_mail_has_the_text_and_the_html(in_triggerer: bool, mailbox: Mailbox) -> None:
    if in_triggerer:
        asyncio.run(notifier().async_notify({}))
    else:
        notifier().notify({})
    (mail,) = mailbox.mails
    require_both_forms(mail)
    assert mailbox.recipients == ["ml@example.com", "ops@example.com"]
    assert (mail["Subject"], mail["From"]) == ("[prod] a: failed", "airflow@example.com")
    assert mail["Message-ID"].endswith("@example.com>")
