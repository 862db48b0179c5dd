"""Patterns make questions from sentences."""

from __future__ import annotations

import pytest

from tools.aws_simulator.models.questions import about, question_for


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("A bucket is a container for objects.", "What is a bucket?"),
        ("You can create up to 100 buckets in each account.", "How many buckets can I create in each account?"),
        ("To delete a key from your bucket, use the console.", "How do I delete a key from my bucket?"),
        ("You can use the console to rename your buckets quickly.", "How can I rename my buckets quickly?"),
        ("You can protect your objects by using versioning.", "How can I protect my objects?"),
        ("You can attach a policy to each bucket.", "Can I attach a policy to each bucket?"),
        ("You must enable versioning on both buckets.", "Do I need to enable versioning on both buckets?"),
        ("You should rotate your access keys regularly.", "Should I rotate my access keys regularly?"),
        ("Amazon S3 provides strong consistency.", "What does Amazon S3 provide?"),
        ("If you lose your key, contact the owner.", "What should I do if I lose my key?"),
        ("When a job ends, Amazon EC2 stops the instance.", "What happens when a job ends?"),
        ("Buckets must have unique names.", "What should I know about Buckets?"),
    ],
)
def test_each_pattern_makes_the_expected_question(sentence: str, question: str) -> None:
    made = question_for(sentence)
    assert made is not None
    assert made[0] == question


@pytest.mark.parametrize(
    "sentence",
    [
        pytest.param("It is a container for objects.", id="a pronoun as the subject"),
        pytest.param("See the user guide.", id="no pattern"),
        pytest.param("You can attach this policy to each bucket.", id="refers to another sentence"),
    ],
)
def test_no_question_is_made_from_an_unsuitable_sentence(sentence: str) -> None:
    assert question_for(sentence) is None


def test_a_more_specific_pattern_has_a_higher_quality() -> None:
    definition, general = question_for("A bucket is a container."), question_for("Buckets must have unique names.")
    assert definition is not None
    assert general is not None
    assert definition[1] > general[1]


def test_a_general_question_is_in_the_first_person() -> None:
    assert about("Protecting your data") == "What should I know about Protecting my data?"
