from __future__ import annotations

import dataclasses
import json
import re

from hypothesis import given
from hypothesis import strategies as st

from include.distill.notification.message import Message, filled, one_line, slack_escaped

EVIL = "<!channel> & <https://evil.example|click> {{ var.value.x }} {title}"


def make_message(line: str = "What happened: it failed.", title: str = "[prod] a: failed") -> Message:
    links = (("Task", "https://airflow.example.com/t?a=1&b=2"), ("Runbook", "docs/runbook.md#failures"))
    return Message("failed", "a", title, (line, "What to do: clear it."), links)


def test_the_text_has_the_facts_and_the_links() -> None:
    assert make_message().text() == (
        "What happened: it failed.\n\nWhat to do: clear it.\n\n"
        "Task: https://airflow.example.com/t?a=1&b=2\nRunbook: docs/runbook.md#failures\n"
    )


def test_slack_shows_the_text_as_it_is() -> None:
    message = make_message(f"What happened: {EVIL}", title=EVIL)
    blocks = message.slack_blocks()
    shown = json.dumps(blocks[:-1]) + message.slack_text()
    assert "<" not in shown
    assert "&lt;!channel&gt; &amp; &lt;https://evil.example|click&gt; {{ var.value.x }}" in shown
    assert [block["text"]["type"] for block in blocks] == [*["plain_text"] * 3, "mrkdwn"]  # type: ignore[index]
    assert blocks[-1]["text"]["text"] == (  # type: ignore[index]
        "<https://airflow.example.com/t?a=1&amp;b=2|Task>\nRunbook: docs/runbook.md#failures"
    )


def test_html_shows_the_text_as_it_is_and_links_only_to_our_pages() -> None:
    page = make_message('What happened: <script>alert(1)</script> <a href="https://evil.example">x: y</a>').as_html()
    assert "<script" not in page
    assert page.count("<a ") == 1
    assert "<p><strong>What happened:</strong> &lt;script&gt;alert(1)&lt;/script&gt; &lt;a href=&quot;https:" in page
    assert '<li><a href="https://airflow.example.com/t?a=1&amp;b=2">Task</a></li>' in page
    assert "<li>Runbook: docs/runbook.md#failures</li>" in page


def test_html_shows_a_line_without_a_label() -> None:
    assert "<p>It failed &amp; ended.</p>" in make_message("It failed & ended.").as_html()


@given(st.text(), st.text())
def test_html_has_no_markup_of_the_text(line: str, title: str) -> None:
    def tags(page: str) -> list[str]:
        return [tag for tag in re.findall(r"<[^>]*>", page) if tag not in ("<strong>", "</strong>")]

    assert tags(make_message(line, title).as_html()) == tags(make_message("plain", "title").as_html())


@given(st.text())
def test_a_subject_is_one_short_line(title: str) -> None:
    message = make_message(title=title)
    assert len(message.subject) <= 150
    assert message.subject == "" or message.subject.isprintable()
    assert message.sns_subject().isascii()
    assert 0 < len(message.sns_subject()) < 100


def test_a_line_break_adds_no_header() -> None:
    assert make_message(title="[prod] a\r\nBcc: evil@example.com\u2028x").subject == "[prod] a Bcc: evil@example.com x"


def test_slack_accepts_links_of_a_long_run_id() -> None:
    url = f"https://airflow.example.com/{'%20' * 450}"
    message = dataclasses.replace(make_message(), links=tuple((f"Link {number}", url) for number in range(5)))
    texts = [block["text"]["text"] for block in message.slack_blocks()[3:]]  # type: ignore[index]
    assert [len(text) <= 3_000 for text in texts] == [True] * 3
    assert " | ".join(texts) == " | ".join(f"<{url}|Link {number}>" for number in range(5))


def test_slack_shows_each_path_on_a_line_of_its_own() -> None:
    message = dataclasses.replace(make_message(), links=(("Task", "/dags/a"), ("Runbook", "docs/runbook.md#x")))
    assert message.slack_blocks()[-1]["text"]["text"] == "Task: /dags/a\nRunbook: docs/runbook.md#x"  # type: ignore[index]


@given(st.text(alphabet="&<>ab", min_size=1, max_size=9_000))
def test_slack_accepts_the_length_of_every_block(line: str) -> None:
    for block in make_message(line, title=line).slack_blocks():
        text = block["text"]["text"]  # type: ignore[index]
        assert len(text) <= (150 if block["type"] == "header" else 3_000)
        assert not text.endswith(("&", "&l", "&lt", "&g", "&gt", "&a", "&am", "&amp"))


def test_a_long_line_is_cut() -> None:
    assert one_line("a" * 10, 5) == "aaaa…"
    assert one_line("a\n\tb\x00c", 9) == "a b c"


def test_the_message_is_filled_into_arguments_once() -> None:
    message = make_message(f"What happened: {EVIL}")
    arguments = {"body": "{title}|{text}", "tags": ("{event}", "x"), "page": "{html}", "level": 3, "other": "{unknown}"}
    result = filled(arguments, message)
    assert result["body"] == f"[prod] a: failed|{message.text()}"
    assert "{title}" in str(result["body"])  # of the quoted text, which is not filled in
    assert result["tags"] == ["failed", "x"]
    assert result["page"] == message.as_html()
    assert (result["level"], result["other"]) == (3, "{unknown}")


def test_slack_escapes_an_ampersand_once() -> None:
    assert slack_escaped("a & <b>") == "a &amp; &lt;b&gt;"
