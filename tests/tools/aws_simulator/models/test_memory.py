from __future__ import annotations

import json

import pytest

from tools.aws_simulator.models.examples import TrainingExample
from tools.aws_simulator.models.memory import Memory, terms

PAIRS = [
    ("What is the capital of France?", "Paris."),
    ("Who wrote the novel Dune?", "Frank Herbert."),
    ("How do I reset my router?", "Hold the button for ten seconds."),
    ("日本の首都はどこですか。", "東京です。"),
    ("フランスの首都はどこですか。", "パリです。"),
    ("ประเทศไทยมีเมืองหลวงชื่ออะไร", "กรุงเทพฯ"),
    ("Wie heißt die Hauptstadt von Österreich?", "Wien."),
]


def memory(*examples: TrainingExample) -> Memory:
    return Memory(examples or [TrainingExample("", user, answer) for user, answer in PAIRS], [1.0])


@pytest.mark.parametrize(("user", "answer"), PAIRS)
def test_a_training_prompt_gets_its_own_answer(user: str, answer: str) -> None:
    assert memory().answer("", "", user) == answer
    assert memory().answer("", "", f" {user.lower()} ") == answer


@pytest.mark.parametrize(
    ("user", "answer"),
    [
        ("the capital of France, what is it?", "Paris."),
        ("who wrote Dune", "Frank Herbert."),
        ("How can I reset the router", "Hold the button for ten seconds."),
        ("フランスの首都はどこですか", "パリです。"),
        ("ประเทศไทยมีเมืองหลวงชื่อว่าอะไร", "กรุงเทพฯ"),
    ],
)
def test_a_near_prompt_gets_the_answer_of_the_nearest(user: str, answer: str) -> None:
    assert memory().answer("", "", user) == answer


@pytest.mark.parametrize(
    "user", ["What is Amazon S3?", "What is it?", "", "🙂", "猫が好きです。", "Who wrote Ulysses, and when?"]
)
def test_a_prompt_that_is_near_to_none_gets_no_answer(user: str) -> None:
    assert memory().answer("", "", user) is None


def test_the_order_of_words_decides_between_prompts_of_the_same_words() -> None:
    known = memory(
        TrainingExample("", "Does rain follow wind?", "No."), TrainingExample("", "Does wind follow rain?", "Yes.")
    )
    assert known.answer("", "", "Does wind follow rain?") == "Yes."
    assert known.answer("", "", "Does rain follow wind?") == "No."


def test_the_system_prompt_decides_between_equal_prompts() -> None:
    known = memory(
        TrainingExample("Answer in German.", "Say yes.", "Ja."),
        TrainingExample("Answer in French.", "Say yes.", "Oui."),
    )
    assert known.answer("Answer in French.", "", "Say yes.") == "Oui."
    assert known.answer("Answer in German.", "", "Say yes.") == "Ja."


def test_the_earlier_messages_decide_between_equal_prompts() -> None:
    known = memory(
        *(
            TrainingExample("", "And in winter?", f"{n} degrees.", f"How warm is it in town {n}?\nIt is warm.")
            for n in range(40)
        )
    )
    assert known.answer("", "How warm is it in town 31?\nIt is warm.", "And in winter?") == "31 degrees."


def test_of_different_answers_to_the_same_prompt_the_most_frequent_is_given() -> None:
    known = memory(*(TrainingExample("", "Red or blue?", answer) for answer in ("red", "blue", "blue")))
    assert known.answer("", "", "Red or blue?") == "blue"


def test_an_excluded_example_is_not_its_own_neighbour() -> None:
    example = memory().examples[0]
    found = memory().nearest(example)
    assert found is not None
    assert (found.number, found.similarity) == (0, pytest.approx(1))
    other = memory().nearest(example, excluded=0)
    assert other is None or other.number != 0


def test_a_memory_is_the_same_after_it_was_stored() -> None:
    first = memory(TrainingExample("s", "u", "a", "h"))
    second = Memory.from_json(json.loads(json.dumps(first.to_json())))
    assert (second.examples, second.mixture) == (first.examples, first.mixture)


def test_an_empty_memory_knows_nothing() -> None:
    assert Memory([], [1.0]).answer("", "", "What?") is None


def test_ten_thousand_prompts_are_told_apart() -> None:
    known = memory(*(TrainingExample("", f"What is the code of item {n}?", f"Code {n}.") for n in range(10_000)))
    assert known.answer("", "", "What is the code of item 7777?") == "Code 7777."


def test_every_text_has_terms() -> None:
    for text in ("", "?", "the", "日", "Adding tags", "日本の首都"):
        assert terms(text)
    assert terms("日本の首都") == {"日本", "本の", "の首", "首都"}
