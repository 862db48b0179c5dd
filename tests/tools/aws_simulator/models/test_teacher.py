from __future__ import annotations

import json

import pytest

from include.distill.config.prompts import load_prompt
from tests.tools.aws_simulator.models.sample_rows import sample_rows
from tests.tools.aws_simulator.models.short_rows import SHORT_ROWS
from tools.aws_simulator.models.questions import question_for
from tools.aws_simulator.models.teacher import write_pairs


def pairs_for(
    document: str, question: str = "", answer: str = "", pairs: int = 3, avoid: list[str] | None = None
) -> list[dict[str, str]]:
    prompt = load_prompt("synthesis.j2").render(
        document=document, question=question, answer=answer, pairs=pairs, instruction="", avoid=avoid or []
    )
    return [json.loads(line) for line in write_pairs(prompt).splitlines()]


def test_a_named_list_holds_the_same_pairs_in_one_object() -> None:
    row = sample_rows("train.csv", 1)[0]
    prompt = load_prompt("synthesis.j2").render(
        document=row["doc"], question=row["question"], answer=row["answer"], pairs=3, avoid=[]
    )
    lines = [json.loads(line) for line in write_pairs(prompt).splitlines()]
    assert len(lines) == 3
    assert json.loads(write_pairs(prompt, list_name="pairs")) == {"pairs": lines}


class TestOnRealDocuments:
    rows = sample_rows("train.csv", 150)

    def test_nearly_every_document_yields_three_pairs(self) -> None:
        full = sum(len(pairs_for(row["doc"], row["question"], row["answer"])) == 3 for row in self.rows)
        assert full >= 0.9 * len(self.rows)

    def test_pairs_are_complete_and_distinct_and_use_the_words_of_the_document(self) -> None:
        for row in self.rows:
            pairs = pairs_for(row["doc"], row["question"], row["answer"])
            assert all(pair["answer"] in row["doc"] for pair in pairs)
            assert all(pair[key].strip() == pair[key] != "" for pair in pairs for key in pair)
            assert all("\n" not in pair["question"] and pair["question"].endswith("?") for pair in pairs)
            for key in ("question", "answer", "topic"):
                assert len({pair[key].casefold() for pair in pairs}) == len(pairs)

    def test_no_answer_ends_before_the_list_that_it_announces(self) -> None:
        answers = [
            pair["answer"] for row in self.rows for pair in pairs_for(row["doc"], row["question"], row["answer"])
        ]
        assert not [answer for answer in answers if answer.endswith(":")]
        assert any(": - " in answer for answer in answers)

    def test_the_question_of_the_example_is_not_repeated(self) -> None:
        for row in self.rows:
            for pair in pairs_for(row["doc"], row["question"], row["answer"]):
                assert pair["question"].casefold() != row["question"].casefold()
                assert pair["answer"] != row["answer"]

    def test_an_earlier_question_is_not_repeated(self) -> None:
        for row in self.rows[:40]:
            first = {pair["question"] for pair in pairs_for(row["doc"], row["question"], row["answer"])}
            then = pairs_for(row["doc"], row["question"], row["answer"], avoid=sorted(first))
            assert first.isdisjoint(pair["question"] for pair in then)

    def test_the_same_prompt_gives_the_same_pairs(self) -> None:
        for row in self.rows[:10]:
            assert pairs_for(row["doc"], row["question"]) == pairs_for(row["doc"], row["question"])

    def test_a_smaller_number_of_pairs_consists_of_the_best_pairs(self) -> None:
        for row in self.rows[:20]:
            few, many = pairs_for(row["doc"], pairs=1), pairs_for(row["doc"], pairs=6)
            assert all(pair in many for pair in few)

    def test_a_longer_example_answer_gives_longer_answers(self) -> None:
        def mean_length(example: str) -> float:
            lengths = [len(pair["answer"]) for row in self.rows[:40] for pair in pairs_for(row["doc"], "", example)]
            return sum(lengths) / len(lengths)

        assert mean_length("zebra " * 100) > 1.2 * mean_length("zebra")


class TestOnShortDocuments:
    @pytest.mark.parametrize(("document", "question", "answer"), SHORT_ROWS)
    def test_every_document_yields_three_pairs_from_its_sentences(
        self, document: str, question: str, answer: str
    ) -> None:
        pairs = pairs_for(document, question, answer)
        assert len(pairs) == 3
        assert all(pair["answer"] in document and pair["answer"] != answer for pair in pairs)
        assert len({pair["question"] for pair in pairs} | {question}) == 4

    def test_a_long_document_of_another_language_yields_pairs(self) -> None:
        document = " ".join(row[0] for row in SHORT_ROWS[4:7] * 2)
        assert len(pairs_for(document)) == 3

    def test_an_earlier_question_is_not_repeated(self) -> None:
        document = SHORT_ROWS[4][0]
        first = [pair["question"] for pair in pairs_for(document, pairs=2)]
        assert set(first).isdisjoint(pair["question"] for pair in pairs_for(document, pairs=6, avoid=first))

    def test_an_answer_that_quotes_the_whole_document_leaves_pairs(self) -> None:
        document = "Water the plant weekly. Use rain water. Move it away from the window in winter."
        assert len(pairs_for(document, "How do I look after the plant?", document)) == 3

    def test_the_only_sentence_is_not_asked_about_when_the_example_quotes_it(self) -> None:
        document = "Boil the egg for eight minutes."
        assert pairs_for(document, "How long do I boil an egg?", document) == []

    def test_patterns_make_the_first_pairs(self) -> None:
        pairs = pairs_for("A bucket is a container for many objects. Delete old ones every week.", pairs=2)
        assert pairs[0]["question"] == "What is a bucket?"
        assert pairs[0]["answer"].startswith("A bucket is a container for many objects.")


@pytest.mark.parametrize(
    ("document", "count"),
    [
        pytest.param("", 0, id="nothing"),
        pytest.param("Hello.", 0, id="one word"),
        pytest.param("It is so. This was that.", 0, id="nothing but pronouns"),
        pytest.param("{[}]=<>" * 200, 0, id="no prose"),
        pytest.param("A bucket is a container for many objects.", 1, id="one fact"),
    ],
)
def test_a_document_without_enough_material_gets_fewer_pairs(document: str, count: int) -> None:
    assert len(pairs_for(document, pairs=5)) == count


def test_a_question_in_the_document_is_answered_by_the_text_after_the_question() -> None:
    (pair,) = pairs_for("Doc 1: Keys. Q2. Can I rename a key? A. No. Copy the object and delete the old one.", pairs=1)
    assert pair["question"] == "Can I rename a key?"
    assert pair["answer"] == "No. Copy the object and delete the old one."


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("A bucket is a container for objects.", "What is a bucket?"),
        ("Access points are the named endpoints of a bucket.", "What are Access points?"),
        ("You can add up to 10 tags to your object.", "How many tags can I add to my object?"),
        ("To delete your bucket, empty it first.", "How do I delete my bucket?"),
        ("You can use the console to empty your bucket.", "How can I empty my bucket?"),
        ("You can copy objects between buckets.", "Can I copy objects between buckets?"),
        ("You must empty the bucket before deletion.", "Do I need to empty the bucket before deletion?"),
        ("Versioning allows you to keep old objects.", "What does Versioning allow?"),
        ("If you are over quota, requests fail.", "What happens if I am over quota?"),
        ("If you lose your key, contact support.", "What should I do if I lose my key?"),
        ("Old objects can expire after some days.", "What should I know about Old objects?"),
        ("It is a container for objects.", None),
        ("The following are the limits of a bucket.", None),
        ("To do this, open the console.", None),
    ],
)
def test_a_question_is_made_by_the_form_of_the_sentence(sentence: str, question: str | None) -> None:
    made = question_for(sentence)
    assert (made and made[0]) == question
