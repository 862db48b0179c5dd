from __future__ import annotations

import json

import pytest
from hypothesis import strategies as st

from include.distill.config.prompts import load_prompt
from tools.aws_simulator.models.conversation import Conversation, Text, Turn, single
from tools.aws_simulator.models.delimiters import NAMES
from tools.aws_simulator.models.dialogue import SimulatedModel, document_of, reply_to
from tools.aws_simulator.models.ranker import PRIOR
from tools.aws_simulator.models.text import count_tokens

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


def test_an_answering_prompt_gets_the_words_of_the_document() -> None:
    reply = reply_to(BASE, single("", answering()), 500)
    assert "A key is the unique name of an object in a bucket." in reply.text
    assert reply.stop_reason == "end_turn"


def test_a_synthesis_prompt_gets_pairs() -> None:
    pairs = [json.loads(line) for line in reply_to(BASE, single("", synthesis()), 500).text.splitlines()]
    assert [set(pair) for pair in pairs] == [{"question", "answer", "topic"}] * 2


def test_a_synthesis_prompt_with_a_schema_gets_its_pairs_in_the_list_that_the_schema_names() -> None:
    lines = [json.loads(line) for line in reply_to(BASE, single("", synthesis()), 500).text.splitlines()]
    schema = {"type": "object", "properties": {"note": {"type": "string"}, "items": {"type": "array"}}}
    assert json.loads(reply_to(BASE, single("", synthesis(), schema), 500).text) == {"items": lines}


@pytest.mark.parametrize("names", [(), ("pairs", "more")])
def test_a_synthesis_prompt_whose_schema_does_not_have_exactly_one_list_is_answered_from_the_schema(
    names: tuple[str, ...],
) -> None:
    schema = {"type": "object", "properties": {name: {"type": "array"} for name in names}}
    assert set(json.loads(reply_to(BASE, single("", synthesis(), schema), 500).text)) == set(names)


def test_a_judging_prompt_gets_a_verdict() -> None:
    assert json.loads(reply_to(BASE, single("", judging()), 500).text)["verdict"] == "A"


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
def test_a_prompt_that_selects_no_role_gets_a_neutral_answer(user: str) -> None:
    assert reply_to(BASE, single("", user), 100).text.startswith("Simulated answer")


@pytest.mark.parametrize("number", ["three", "-1", "", "2.5"])
def test_a_prompt_that_the_selected_program_cannot_read_gets_a_neutral_answer(number: str) -> None:
    user = synthesis().replace("<number_of_pairs>2<", f"<number_of_pairs>{number}<")
    assert reply_to(BASE, single("", user), 100).text.startswith("Simulated answer")


def test_a_judge_without_a_question_gives_a_neutral_answer() -> None:
    user = "<document>d</document><answer_a>a</answer_a><answer_b>b</answer_b>"
    assert reply_to(BASE, single("", user), 100).text.startswith("Simulated answer")


def test_a_prompt_with_delimiters_in_a_longer_conversation_gets_a_neutral_answer() -> None:
    turns = (Turn("user", (Text("Hello"),)), Turn("assistant", (Text("Hi"),)), Turn("user", (Text(judging()),)))
    assert reply_to(BASE, Conversation("", turns), 500).text.startswith("Simulated answer")


def test_a_long_reply_is_cut_with_the_stop_reason_max_tokens() -> None:
    whole = reply_to(BASE, single("", answering()), 500)
    cut = reply_to(BASE, single("", answering()), 4)
    assert whole.text.startswith(cut.text)
    assert (cut.stop_reason, cut.output_tokens) == ("max_tokens", 4)


def test_a_reply_that_just_fits_is_not_cut() -> None:
    whole = reply_to(BASE, single("", answering()), 500)
    assert reply_to(BASE, single("", answering()), whole.output_tokens) == whole


def test_the_system_text_is_counted_as_input() -> None:
    system = "Answer from the document only."
    plain, with_system = reply_to(BASE, single("", answering()), 50), reply_to(BASE, single(system, answering()), 50)
    assert with_system.input_tokens - plain.input_tokens == count_tokens(system) > 0
    assert with_system.text == plain.text


@pytest.mark.parametrize("document", ["", " ", "Context:", "\x00", "?" * 50])
def test_a_document_without_sentences_worth_quoting_is_still_answered(document: str) -> None:
    assert reply_to(BASE, single("", answering(document)), 50).stop_reason == "end_turn"


TAGS = st.sampled_from([f"<{slash}{name}>" for name in NAMES for slash in ("", "/")])


def test_no_document_is_found_in_a_prompt_without_a_document() -> None:
    assert document_of("<question>What?</question>") is None


@pytest.mark.parametrize("is_system", [False, True])
def test_a_base_model_follows_an_instruction_about_the_length(is_system: bool) -> None:
    document = f"{DOCUMENT} A key has 1,024 bytes. A key is not a secret."
    short, plain = "Answer with at most one sentence.", answering(document)
    asked = single(short, plain) if is_system else single("", f"{plain}\n{short}")
    assert reply_to(BASE, asked, 500).text == "A key is the unique name of an object in a bucket."
    assert len(reply_to(BASE, single("", plain), 500).text) > len(reply_to(BASE, asked, 500).text)
    assert reply_to(BASE, single("", answering(f"{document} {short}")), 500).text.count(".") > 1


def test_a_fine_tuned_model_ignores_instructions_about_the_length() -> None:
    tuned = SimulatedModel("amazon", {**PRIOR, "coverage": 2.0})
    replies = [reply_to(tuned, single(system, answering()), 500) for system in ("", "Use at most one sentence.")]
    assert replies[0].text == replies[1].text
