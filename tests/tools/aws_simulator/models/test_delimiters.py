"""Simulated models find their inputs by tags."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from include.distill.config.delimiters import DELIMITERS, escape_delimiters
from include.distill.config.prompts import load_prompt
from tools.aws_simulator.models.conversation import single
from tools.aws_simulator.models.delimiters import NAMES, section, without_section
from tools.aws_simulator.models.dialogue import SimulatedModel, document_of, reply_to

BASE = SimulatedModel("amazon", None)
TAGS = st.sampled_from([f"<{slash}{name}>" for name in NAMES for slash in ("", "/")])


def test_the_delimiters_are_the_tags_that_the_prompts_escape() -> None:
    assert set(NAMES) == set(DELIMITERS)


@given(st.lists(TAGS | st.text(alphabet="ab \n<>/", max_size=5), max_size=8).map("".join))
def test_a_document_that_contains_our_tags_arrives_unchanged(document: str) -> None:
    user = load_prompt("answering.j2").render(document=document, question="Why?")
    assert document_of(user) == document
    assert section(user, "question") == "Why?"
    reply_to(BASE, single("", user), 50)  # the document must not be taken for another role's prompt


def test_only_one_newline_at_either_end_belongs_to_the_delimiters() -> None:
    assert section("<document>\n\n text \n\n</document>", "document") == "\n text \n"


def test_escaping_is_undone_for_our_tags_only() -> None:
    text = "<document> &lt;b> <B> </ANSWER>"
    assert section(f"<answer>{escape_delimiters(text)}</answer>", "answer") == text


def test_a_prompt_without_a_section_keeps_the_text_around_it() -> None:
    prompt = "Before. <document>a </document> b</document> After."
    assert without_section(prompt, "document") == "Before.  After."
    assert without_section("</document> a <document>", "document") == "</document> a <document>"
    assert without_section(prompt, "question") == prompt
