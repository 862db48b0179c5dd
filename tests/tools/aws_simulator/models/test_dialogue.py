from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.distill.config.prompts import DELIMITERS, escape_delimiters, load_prompt
from tools.aws_simulator.models.delimiters import NAMES, section
from tools.aws_simulator.models.dialogue import (
    NotUnderstoodError,
    SimulatedModel,
    answer,
    count_tokens,
    document_of,
)

DOCUMENT = (
    "Context: Doc 1: Buckets. What is a bucket? A bucket is a container for objects. "
    "You can create up to 100 buckets in each account. "
    "Doc 2: Keys. A key is the unique name of an object in a bucket. To delete a key, use the console."
)
BASE = SimulatedModel("amazon", None)


def answering(document: str = DOCUMENT, question: str = "What is a key?") -> str:
    return load_prompt("answering.j2").render(document=document, question=question)


def synthesis(pairs: int = 2) -> str:
    return load_prompt("synthesis.j2").render(
        document=DOCUMENT, question="Is it free?", answer="Yes.", pairs=pairs, instruction="", avoid=[]
    )


def judging() -> str:
    return load_prompt("judging.j2").render(
        document=DOCUMENT, question="What is a key?", reference=None, answer_a="A key is a name.", answer_b=""
    )


def test_an_answering_prompt_gets_the_document_s_own_words() -> None:
    reply = answer(BASE, "", answering(), 500)
    assert "A key is the unique name of an object in a bucket." in reply.text
    assert reply.stop_reason == "end_turn"


def test_a_synthesis_prompt_gets_pairs() -> None:
    pairs = [json.loads(line) for line in answer(BASE, "", synthesis(), 500).text.splitlines()]
    assert [set(pair) for pair in pairs] == [{"question", "answer", "topic"}] * 2


def test_a_synthesis_prompt_with_a_schema_gets_its_pairs_in_the_list_that_the_schema_names() -> None:
    lines = [json.loads(line) for line in answer(BASE, "", synthesis(), 500).text.splitlines()]
    schema = {"type": "object", "properties": {"note": {"type": "string"}, "items": {"type": "array"}}}
    assert json.loads(answer(BASE, "", synthesis(), 500, schema=schema).text) == {"items": lines}


@pytest.mark.parametrize("names", [(), ("pairs", "more")])
def test_a_synthesis_prompt_with_a_schema_of_no_list_or_of_two_is_refused(names: tuple[str, ...]) -> None:
    schema = {"type": "object", "properties": {name: {"type": "array"} for name in names}}
    with pytest.raises(NotUnderstoodError, match=f"this one has {len(names)}"):
        answer(BASE, "", synthesis(), 500, schema=schema)


def test_a_judging_prompt_gets_a_verdict() -> None:
    assert json.loads(answer(BASE, "", judging(), 500).text)["verdict"] == "A"


@pytest.mark.parametrize(
    "user",
    [
        pytest.param("Tell me a joke.", id="no delimiters"),
        pytest.param("", id="empty"),
        pytest.param("<document>only this</document>", id="a document without a question"),
        pytest.param("<question>only this</question>", id="a question without a document"),
        pytest.param("</document><document> </question><question>", id="closed before opened"),
    ],
)
def test_a_prompt_that_calls_for_no_role_is_an_error_that_names_the_delimiters(user: str) -> None:
    with pytest.raises(NotUnderstoodError, match=r"<answer_a> and <answer_b>.*<number_of_pairs>.*<document> and"):
        answer(BASE, "", user, 100)


@pytest.mark.parametrize("number", ["three", "-1", "", "2.5"])
def test_a_number_of_pairs_that_is_none_is_an_error(number: str) -> None:
    user = synthesis().replace("<number_of_pairs>2<", f"<number_of_pairs>{number}<")
    with pytest.raises(NotUnderstoodError, match="whole number"):
        answer(BASE, "", user, 100)


def test_a_judge_without_a_question_is_an_error_that_names_what_is_missing() -> None:
    user = "<document>d</document><answer_a>a</answer_a><answer_b>b</answer_b>"
    with pytest.raises(NotUnderstoodError, match="<question>"):
        answer(BASE, "", user, 100)


def test_a_long_reply_is_cut_and_says_so() -> None:
    whole = answer(BASE, "", answering(), 500)
    cut = answer(BASE, "", answering(), 4)
    assert whole.text.startswith(cut.text)
    assert (cut.stop_reason, cut.output_tokens) == ("max_tokens", 4)


def test_a_reply_that_just_fits_is_not_cut() -> None:
    whole = answer(BASE, "", answering(), 500)
    assert answer(BASE, "", answering(), whole.output_tokens) == whole


def test_the_system_text_is_counted_as_input() -> None:
    system = "Answer from the document only."
    plain, with_system = answer(BASE, "", answering(), 50), answer(BASE, system, answering(), 50)
    assert with_system.input_tokens - plain.input_tokens == count_tokens(system) > 0
    assert with_system.text == plain.text


@pytest.mark.parametrize("document", ["", " ", "Context:", "\x00", "?" * 50])
def test_a_document_without_sentences_worth_quoting_is_still_answered(document: str) -> None:
    assert answer(BASE, "", answering(document), 50).stop_reason == "end_turn"


def test_the_delimiters_are_those_that_the_prompts_escape() -> None:
    assert set(NAMES) == set(DELIMITERS)


TAGS = st.sampled_from([f"<{slash}{name}>" for name in NAMES for slash in ("", "/")])


@given(st.lists(TAGS | st.text(alphabet="ab \n<>/", max_size=5), max_size=8).map("".join))
def test_a_document_full_of_our_tags_arrives_unchanged(document: str) -> None:
    user = load_prompt("answering.j2").render(document=document, question="Why?")
    assert document_of(user) == document
    assert section(user, "question") == "Why?"
    answer(BASE, "", user, 50)  # and is never taken for another role's prompt


def test_only_one_newline_at_either_end_belongs_to_the_delimiters() -> None:
    assert section("<document>\n\n text \n\n</document>", "document") == "\n text \n"


def test_escaping_is_undone_for_our_tags_only() -> None:
    text = "<document> &lt;b> <B> </ANSWER>"
    assert section(f"<answer>{escape_delimiters(text)}</answer>", "answer") == text


def test_a_prompt_without_a_document_has_none() -> None:
    assert document_of("<question>What?</question>") is None
